"""Videos of any origin are judged from the command line; what is wrong or missing is said in one line."""

import csv
from pathlib import Path

import numpy as np
import pytest

from cvsr.cli.evaluate_arguments import name_videos
from cvsr.cli.main import main
from cvsr.data.video import read_video, write_video
from cvsr.measurements.results import read_result

SIZE = (6, 64, 96, 3)


@pytest.fixture
def folders(tmp_path):
    """truth/, near/ and far/ with the clips a and b in each, and small/ a quarter as large."""
    for seed, name in enumerate("ab"):
        coarse = np.random.default_rng(seed).integers(60, 190, (1, 8, 12, 3))
        truth = coarse.repeat(8, 1).repeat(8, 2).repeat(SIZE[0], 0).astype(np.uint8)
        videos = {"truth": truth, "near": truth + 2, "far": truth + 40, "small": truth[:, ::4, ::4]}
        for folder, frames in videos.items():
            (tmp_path / folder).mkdir(exist_ok=True)
            write_video(tmp_path / folder / f"{name}.mp4", frames.astype(np.uint8), fps=8, crf=0)
    return tmp_path


def table(path):
    return list(csv.DictReader(Path(path).read_text().splitlines()))


def test_folders_are_compared_clip_by_clip(folders, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    near, far, truth = (str(folders / name) for name in ("near", "far", "truth"))
    outputs = {kind: str(folders / f"table.{kind}") for kind in ("csv", "json")}
    outputs |= {"markdown": str(folders / "table.md"), "figure": str(folders / "table.png")}
    asked = ["evaluate", near, far, "--against", truth, "--metrics", "psnr,ssim,warping_error"]
    assert main([*asked, *(word for kind, path in outputs.items() for word in (f"--{kind}", path))]) == 0
    shown = capsys.readouterr().out
    assert "clips (2)" in shown
    for path in outputs.values():
        assert f"wrote {path}" in shown
    rows = {(row["method"], row["metric"]): float(row["mean"]) for row in table(outputs["csv"])}
    assert rows["near", "psnr"] > rows["far", "psnr"] + 10
    assert len(rows) == 6
    result = read_result(outputs["json"])
    assert result.command == (
        "python -m cvsr evaluate near far --metrics psnr,ssim,warping_error --against truth --seed 0"
    )
    assert "| PSNR, dB ↑ | **" in Path(outputs["markdown"]).read_text()
    assert Path(outputs["figure"]).read_bytes().startswith(b"\x89PNG")


def test_one_video_alone_is_judged_by_what_needs_nothing_else(folders, capsys):
    assert main(["evaluate", str(folders / "near" / "a.mp4"), "--frames", "3"]) == 0
    shown = capsys.readouterr().out
    for words in ("fine detail, levels", "warping error", "strongest seam", "Laplacian variance"):
        assert words in shown
    for line in ("psnr, ssim, ms_ssim, lpips, dists, detail_ratio, flicker: needs --against", "dover", "musiq"):
        assert any(said.startswith("not measured:") and line in said for said in shown.splitlines())


def test_bicubic_is_a_system_and_makes_its_inputs_of_the_truth(folders, capsys):
    asked = ["evaluate", "--system", "bicubic", "--against", str(folders / "truth"), "--metrics", "psnr,colour_shift"]
    assert main([*asked, "--csv", str(folders / "t.csv")]) == 0
    assert {row["metric"] for row in table(folders / "t.csv")} == {"psnr", "colour_shift"}
    assert main([*asked, "--csv", str(folders / "again.csv")]) == 0
    assert table(folders / "again.csv") == table(folders / "t.csv")


def test_a_system_and_a_reference(weights, folders, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    asked = ["--system", "bicubic,base,unimmvsr", "--input", str(folders / "small" / "a.mp4"), "--frames", "5"]
    picture = str(folders / "face.png")
    write_video(picture, read_video(folders / "near" / "a.mp4", max_frames=1).frames, fps=1)
    others = ["--reference", picture, "--metrics", "detail,colour_shift", "--weights", str(weights)]
    assert main(["evaluate", *asked, *others]) == 0
    shown = capsys.readouterr().out
    for name in ("bicubic", "base", "unimmvsr", "colour shift"):
        assert name in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{near}", "--metrics", "psnr"], "metrics=psnr: needs --against"),
        (["{near}", "--metrics", "nothing"], "metrics=nothing: unknown; allowed psnr"),
        (["{near}", "--metrics", "lpips", "--against", "{truth}"], "lpips: "),
        (["{near}", "--against", "{truth}/a.mp4"], "allowed the same names in every folder"),
        (["{near}/missing.mp4"], "no such file"),
        (["--frames", "3"], "nothing to judge"),
        (["{near}", "{near}"], "two of one name"),
        (["--system", "base"], "nothing to enlarge"),
        (["--system", "nobody", "--world", "1"], "system=nobody: unknown; allowed bicubic, base"),
        (["{near}", "--world", "1"], "world: has clips of its own"),
        (["{near}", "--against", "{small}", "--metrics", "psnr"], "against=6 frames of 24x16: near, a has 6 of 96x64"),
        (["{near}", "--figure", "table.txt"], "figure=table.txt: unknown kind; allowed .pdf, .png, .svg"),
        (["{near}", "--csv", "no/such/folder.csv"], "csv=no/such/folder.csv: cannot be written"),
        (["{near}", "--frames", "0"], "frames=0: out of range"),
    ],
)
def test_mistakes_are_answered_in_one_line(folders, arguments, words, capsys):
    places = {name: str(folders / name) for name in ("near", "truth", "small")}
    assert main(["evaluate", *(argument.format(**places) for argument in arguments)]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert words in error


def test_paths_and_options_ask_for_videos_and_names_do_not():
    for first in ("a.mp4", "folder/", "./a", "--system"):
        assert name_videos(["evaluate", first]) == ["evaluate", "videos", first]
    for argv in (["evaluate", "seedvr"], ["evaluate", "--help"], ["evaluate"], ["bench", "a.mp4"]):
        assert name_videos(argv) == argv
