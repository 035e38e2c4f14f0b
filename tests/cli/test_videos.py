"""upscale and generate write what they say: size, rate, sound, settings; a signal leaves nothing."""

import os
import shutil
import signal
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from cvsr.cli.main import main
from cvsr.data.video import Video, read_video, write_video
from cvsr.pipelines.seedvr import SeedVRPipeline
from cvsr.pipelines.store import save
from cvsr.presets import PRESETS, SAMPLING
from cvsr.systems.seedvr import build_seedvr
from cvsr.weights import Card, write_card


def upscale(weights, *arguments) -> int:
    return main(["upscale", *map(str, arguments), "--weights", str(weights), "--steps", "1"])


def generate(weights, *arguments) -> int:
    return main(
        ["generate", *map(str, arguments), "--weights", str(weights), "--steps", "1", "--frames", "3"]
    )


def has_sound(path) -> bool:
    with av.open(str(path)) as file:
        return bool(file.streams.audio)


def test_upscale_keeps_rate_and_sound_and_notes_its_settings(weights, clip, tmp_path, capsys):
    output = tmp_path / "large.mp4"
    assert upscale(weights, clip, output, "--seed", 7, "--prompt", "a ball", "--compare") == 0
    before, after = read_video(clip), read_video(output)
    assert after.frames.shape == (6, 64, 96, 3)
    assert (after.fps, after.timestamps) == (before.fps, before.timestamps)
    assert has_sound(output)
    settings = after.metadata["cvsr"]
    assert (settings["command"], settings["seed"], settings["prompt"], settings["scale"]) == (
        "upscale",
        7,
        "a ball",
        4,
    )
    assert read_video(tmp_path / "large_compare.mp4").frames.shape == (6, 64 + 28, 3 * 96, 3)
    assert f"wrote {output}: 6 frames of 96x64" in capsys.readouterr().out


@pytest.mark.parametrize(("scale", "size"), [("1.5", (24, 36)), ("0.5", (8, 12)), ("2.3", (38, 56))])
def test_other_scales(weights, clip, tmp_path, scale, size):
    assert upscale(weights, clip, tmp_path / "out.mp4", "--scale", scale, "--frames", 2) == 0
    assert read_video(tmp_path / "out.mp4").frames.shape == (2, *size, 3)


@pytest.fixture(scope="module")
def seedvr(weights, tmp_path_factory):
    """The weights folder with a tiny SeedVR among the others."""
    folder = shutil.copytree(weights, tmp_path_factory.mktemp("with_seedvr") / "weights")
    torch.manual_seed(0)
    save(SeedVRPipeline(**vars(build_seedvr(PRESETS["tiny"], ["a red ball"]))), folder / "seedvr")
    write_card(folder / "seedvr", Card("tiny", "none", "0", 0, "nothing", 0, "cpu", 0.0, {}))
    return folder


def test_seedvr_enlarges_clips_and_pictures(seedvr, clip, tmp_path):
    assert upscale(seedvr, clip, tmp_path / "large.mp4", "--system", "seedvr") == 0
    large = read_video(tmp_path / "large.mp4")
    assert large.frames.shape == (6, 64, 96, 3)
    assert large.metadata["cvsr"]["system"] == "seedvr"
    write_video(tmp_path / "photo.png", np.zeros((1, 9, 11, 3), np.uint8), fps=1)
    assert upscale(seedvr, tmp_path / "photo.png", tmp_path / "large.jpg", "--system", "seedvr") == 0
    assert read_video(tmp_path / "large.jpg").frames.shape == (1, 36, 44, 3)


def test_a_colour_correction_is_noted_and_changes_the_result(weights, clip, tmp_path):
    results = {}
    for kind in ("none", "wavelet", "adain"):
        options = ["--colour-correction", kind, "--consistency", 0, "--frames", 1]
        assert upscale(weights, clip, tmp_path / f"{kind}.png", *options) == 0
        results[kind] = read_video(tmp_path / f"{kind}.png")
        assert results[kind].metadata["cvsr"]["colour_correction"] == kind
    pictures = {results[kind].frames.tobytes() for kind in results}
    assert len(pictures) == 3


def test_a_long_clip_keeps_its_timestamps_and_both_files_their_frames(weights, tmp_path):
    rng, seconds = np.random.default_rng(0), [Fraction(n * n + 20 * n, 1000) for n in range(30)]
    frames = rng.integers(0, 256, (30, 4, 6, 3), dtype=np.uint8)
    write_video(tmp_path / "small.mp4", Video(frames, 20, seconds))
    assert upscale(weights, tmp_path / "small.mp4", tmp_path / "large.mp4", "--compare") == 0
    large, both = read_video(tmp_path / "large.mp4"), read_video(tmp_path / "large_compare.mp4")
    assert large.timestamps == both.timestamps == seconds
    assert (large.frames.shape, len(both)) == ((30, 16, 24, 3), 30)


def test_an_image_and_a_folder_of_frames(weights, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (1, 9, 11, 3), dtype=np.uint8)
    write_video(tmp_path / "small.png", picture, fps=1)
    assert upscale(weights, tmp_path / "small.png", tmp_path / "large.png") == 0
    assert read_video(tmp_path / "large.png").frames.shape == (1, 36, 44, 3)
    assert upscale(weights, tmp_path / "small.png", f"{tmp_path}/frames/", "--compare") == 0
    assert read_video(tmp_path / "frames").frames.shape == (1, 36, 44, 3)
    assert (tmp_path / "frames_compare.mp4").exists()


def test_generate_makes_the_large_video_and_beside_it_the_comparison(weights, tmp_path):
    output = tmp_path / "ball.mp4"
    assert generate(weights, "a red ball", output, "--compare") == 0
    video = read_video(output)
    assert video.frames.shape == (3, 256, 256, 3)
    assert video.metadata["cvsr"]["prompt"] == "a red ball"
    used = {name: video.metadata["cvsr"][name] for name in ("strength", "detail", "consistency")}
    assert used == {name: getattr(SAMPLING, name) for name in used}
    assert read_video(tmp_path / "ball_compare.mp4").frames.shape == (3, 256 + 28, 3 * 256, 3)


def test_the_same_command_makes_the_same_file_and_another_seed_another(weights, tmp_path):
    frames = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert generate(weights, "", tmp_path / f"{name}.mp4", "--no-upscale", "--seed", seed) == 0
        frames.append(read_video(tmp_path / f"{name}.mp4").frames)
    assert frames[0].shape == (3, 64, 64, 3)
    assert np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], frames[2])


def test_a_short_video_is_the_beginning_of_one_as_long_as_in_training(weights, tmp_path):
    made = []
    for frames in ("6", "17"):
        options = ["--no-upscale", "--steps", "1", "--frames", frames, "--weights", str(weights)]
        assert main(["generate", "a red ball", f"{tmp_path / frames}/", *options]) == 0
        made.append(read_video(tmp_path / frames).frames)
    assert np.array_equal(made[0], made[1][:6])


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind(weights, clip, tmp_path, capsys, monkeypatch, sent, code):
    output = tmp_path / "results"
    output.mkdir()
    handler = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started pytest in the background
    step = FlowMatchEulerDiscreteScheduler.step

    def interrupted_step(*arguments, **options):
        os.kill(os.getpid(), sent)
        return step(*arguments, **options)

    monkeypatch.setattr(FlowMatchEulerDiscreteScheduler, "step", interrupted_step)
    assert main(["upscale", str(clip), str(output / "large.mp4"), "--weights", str(weights)]) == code
    assert "Traceback" not in capsys.readouterr().err
    assert list(output.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is handler
