"""Every benchmark prints its ratio with both sides, and writes it down where it is told to."""

import json

import pytest

from cvsr.cli import bench, bench_attention
from cvsr.cli.arguments import BENCHMARKS
from cvsr.cli.main import main
from cvsr.presets import PRESETS


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(PRESETS, "teaching", PRESETS["tiny"])
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench_attention, "SIZES", {"small": (3, 7, 9)})
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_prints_and_writes_both_sides(name, tmp_path, capsys):
    path = tmp_path / "figures.json"
    assert main(["bench", name, "--json", str(path)]) == 0
    shown, written = capsys.readouterr().out, json.loads(path.read_text())
    assert written["name"] == name
    assert written["ratio"] > 0
    assert len(written["sides"]) >= 2
    assert f"{written['ratio']:.2f} (target {written['target']})" in shown
    for side, figure in written["sides"].items():
        assert side in shown
        assert figure in shown


def test_a_folder_that_is_not_there_is_found_before_the_work(tmp_path, capsys):
    assert main(["bench", "decode", "--json", str(tmp_path / "none" / "figures.json")]) == 2
    assert "no such folder" in capsys.readouterr().err
