"""Patches, memory and magnitude given on the command line reach PatchVSR; what cannot be is refused before the work."""

import pytest

from cvsr.cli.main import main
from cvsr.data.video import read_video
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline

BRIEF = ["--steps", "1", "--frames", "5"]


@pytest.fixture
def made(weights, clip, tmp_path):
    """Frames and settings of what a command makes with options."""

    def run(command: str, *options):
        output = tmp_path / "made.mp4"
        source = str(clip) if command == "upscale" else "a red ball"
        assert main([command, source, str(output), *BRIEF, "--weights", str(weights), *options]) == 0
        video = read_video(output)
        return video.frames, video.metadata["cvsr"]

    return run


@pytest.mark.parametrize("command", ["upscale", "generate"])
def test_patches_and_magnitude_change_the_result_and_are_noted(made, command):
    plain, settings = made(command, "--system", "patchvsr")
    assert settings["system"] == "patchvsr"
    assert settings.keys().isdisjoint({"patch", "memory", "magnitude"})
    smaller, settings = made(command, "--patch", "16", "--memory", "2")
    assert (settings["system"], settings["patch"], settings["memory"]) == ("patchvsr", 16, 2)
    less, settings = made(command, "--magnitude", "1")
    assert settings["magnitude"] == 1
    assert plain.shape == smaller.shape == less.shape
    assert all((frames != plain).any() for frames in (smaller, less))


@pytest.mark.parametrize("command", ["upscale", "generate"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--patch", "48"], "patch=48: larger than what the network was made for; allowed multiples of 16 up to 32"),
        (["--patch", "40"], "patch=40: no patch's size; allowed multiples of 16; try patch=48"),
        (["--memory", "0.001"], "memory=0.001: too little for 5 frames in tiles of 64 pixels, the least, which need"),
        (["--magnitude", "9"], "magnitude=9.0: out of range; allowed 1 to 4; try magnitude=4"),
        (["--system", "seedvr", "--patch", "32"], "system=seedvr: has no --patch; allowed patchvsr; try"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_work(
    weights, clip, tmp_path, capsys, monkeypatch, command, options, said
):
    def must_not_run(*_, **__):
        raise AssertionError("the long work began")

    monkeypatch.setattr(PatchVSRPipeline, "stream", must_not_run)
    monkeypatch.setattr(TextToVideoPipeline, "__call__", must_not_run)
    output = tmp_path / "large.mp4"
    source = str(clip) if command == "upscale" else "a red ball"
    assert main([command, source, str(output), *BRIEF, "--weights", str(weights), *options]) == 2
    assert not output.exists()
    error = capsys.readouterr().err
    assert error.startswith(f"error: {said}")
    assert error.count("\n") == 1


def test_without_upscaling_there_are_no_patches(weights, tmp_path, capsys):
    arguments = ["generate", "a ball", str(tmp_path / "ball.mp4"), "--no-upscale", "--patch", "32"]
    assert main([*arguments, "--weights", str(weights)]) == 2
    assert "no-upscale: leaves out what has --patch; allowed without it" in capsys.readouterr().err
