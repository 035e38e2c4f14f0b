"""References given on the command line reach the network; what cannot be one is refused before the work begins."""

import numpy as np
import pytest

from cvsr.cli.main import main
from cvsr.data.video import read_video, write_video
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline


def noise(path, frames: int = 1, height: int = 16, width: int = 24) -> str:
    write_video(path, np.random.default_rng(1).integers(0, 256, (frames, height, width, 3), dtype=np.uint8), fps=10)
    return str(path)


@pytest.fixture
def upscaled(weights, clip, tmp_path):
    """Frames and settings of the clip enlarged, with options."""

    def run(name: str, *options):
        output = tmp_path / f"{name}.mp4"
        known = ["--steps", "1", "--frames", "5", "--weights", str(weights)]
        assert main(["upscale", str(clip), str(output), *known, *options]) == 0
        video = read_video(output)
        return video.frames, video.metadata["cvsr"]

    return run


def test_images_and_videos_change_the_result_and_are_noted(upscaled, tmp_path):
    face, box = noise(tmp_path / "face.png"), noise(tmp_path / "box.jpg", height=40)
    before = noise(tmp_path / "before.mp4", frames=5)
    plain, settings = upscaled("plain", "--system", "unimmvsr")
    assert (settings["system"], settings["references"]) == ("unimmvsr", [])
    made = [plain]
    for name, options in {
        "one": ["--reference", face],
        "two": ["--reference", face, "--reference", box],
        "all": ["--system", "unimmvsr", "--reference", face, "--reference-video", before],
    }.items():
        frames, settings = upscaled(name, *options)
        assert settings["system"] == "unimmvsr"
        assert settings["references"] == [option.rpartition("/")[2] for option in options if option[0] == "/"]
        assert all((frames != other).any() for other in made)
        made.append(frames)


def test_a_reference_video_that_ends_early_stays_at_its_last_frame(upscaled, tmp_path, capsys):
    short = noise(tmp_path / "short.mkv", frames=3)
    made, _ = upscaled("short", "--reference-video", short)
    said = f"warning: reference-video={short}: ends after 3 of 5 frames; its last one stays to the end\n"
    assert said in capsys.readouterr().err
    frames = read_video(short).frames
    write_video(f"{tmp_path}/long/", frames[[0, 1, 2, 2, 2]], fps=10)
    assert np.array_equal(made, upscaled("long", "--reference-video", str(tmp_path / "long"))[0])


def test_generate_shows_references_to_its_second_stage(weights, tmp_path):
    made = []
    for name, options in {"without": [], "with": ["--reference", noise(tmp_path / "face.png")]}.items():
        output = tmp_path / f"{name}.mp4"
        known = ["--system", "unimmvsr", "--steps", "1", "--frames", "1", "--weights", str(weights)]
        assert main(["generate", "a red ball", str(output), *known, *options]) == 0
        made.append(read_video(output))
    assert (made[0].frames != made[1].frames).any()
    assert made[1].metadata["cvsr"]["references"] == ["face.png"]


@pytest.fixture
def refused(weights, clip, tmp_path, capsys, monkeypatch):
    """Upscale with options, expect a mistake, and nothing made. Returns the one line."""

    def must_not_run(*_, **__):
        raise AssertionError("the long work began")

    monkeypatch.setattr(UniMMVSRPipeline, "stream", must_not_run)

    def run(*options) -> str:
        output = tmp_path / "large.mp4"
        assert main(["upscale", str(clip), str(output), "--weights", str(weights), *options]) == 2
        assert not output.exists()
        said = capsys.readouterr().err
        assert said.startswith("error: ")
        assert said.count("\n") == 1, said
        return said

    return run


def test_what_cannot_be_a_reference(refused, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    film = noise(tmp_path / "film.mp4", frames=3)
    assert "absent.png: no such file" in refused("--reference", "absent.png")
    assert "text.png: not an image" in refused("--reference", str(tmp_path / "text.png"))
    assert "empty.png" in refused("--reference-video", str(tmp_path / "empty.png"))
    assert f"try --reference-video {film}" in refused("--reference", film)


def test_a_system_that_reads_none(refused, tmp_path):
    face = noise(tmp_path / "face.png")
    said = refused("--system", "seedvr", "--reference", face)
    assert "system=seedvr: has no --reference; allowed unimmvsr; try --system unimmvsr" in said


def test_one_larger_than_the_memory(refused, tmp_path, monkeypatch):
    face = noise(tmp_path / "face.png", height=400, width=400)
    monkeypatch.setattr("cvsr.cli.memory.available_memory", lambda: 4_000_000)
    assert f"reference={face}: 1 frame of 400x400 take" in refused("--reference", face)


def test_the_small_video_reads_none(weights, tmp_path, capsys):
    arguments = ["generate", "a ball", str(tmp_path / "ball.mp4"), "--no-upscale", "--reference", "face.png"]
    assert main([*arguments, "--weights", str(weights)]) == 2
    assert "no-upscale: leaves out what has --reference; allowed" in capsys.readouterr().err
