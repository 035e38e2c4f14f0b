"""Every benchmark prints its ratio with both sides, and writes it down where it is told to."""

import json

import pytest
import torch

from cvsr.cli import bench, bench_attention, bench_cascade, bench_sparse, bench_streaming
from cvsr.cli.arguments import BENCHMARKS
from cvsr.cli.main import main
from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.models.windows import FixedWindow
from cvsr.presets import PRESETS


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(PRESETS, "teaching", PRESETS["tiny"])
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench_attention, "CASES", {"small": ((3, 7, 9), FixedWindow((2, 3, 3)))})
    monkeypatch.setattr(bench_cascade, "SIZES", {"large": (64, 128), "small": (32, 64)})
    monkeypatch.setattr(bench_sparse, "SIZES", {"small": (2, 13, 10)})
    monkeypatch.setattr(bench_sparse, "SIDE", 3)
    monkeypatch.setattr(bench_streaming, "WAN", {"base_dim": 8, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1})
    monkeypatch.setattr(bench_streaming, "LATENTS", (1, 16, 2, 6, 6))
    monkeypatch.setattr(bench_streaming, "TILE", 32)
    monkeypatch.setattr(bench_streaming, "STRIDE", 24)
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


def test_streamed_decoding_holds_as_much_for_a_long_clip_as_for_a_short_one():
    torch.manual_seed(0)
    short, long = bench_streaming.memory(VideoAutoencoder(**vars(PRESETS["tiny"].autoencoder)).eval()).values()
    assert short > 16 * 16 * 64 * 3 * 4 * 4  # at least the frames that are made at a time
    assert long <= 1.05 * short


def test_a_folder_that_is_not_there_is_found_before_the_work(tmp_path, capsys):
    assert main(["bench", "decode", "--json", str(tmp_path / "none" / "figures.json")]) == 2
    assert "no such folder" in capsys.readouterr().err
