"""What can be wrong with files: one clear line, code 2, nothing left behind, before the long work."""

import os
import resource
import shutil
import signal

import av
import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from cvsr.cli.main import main
from cvsr.data.video import read_video, write_video
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.weights import read_card, write_card


@pytest.fixture
def refused(weights, tmp_path, capsys, monkeypatch):
    """Run `upscale`, expect a mistake; nothing may be computed or written. Returns the one line."""
    folder = tmp_path / "results"
    folder.mkdir()

    def must_not_run(*_, **__):
        raise AssertionError("the long work began")

    monkeypatch.setattr(SuperResolutionPipeline, "stream", must_not_run)

    def run(source, output=None, *options, weights=weights) -> str:
        before = sorted(tmp_path.rglob("*"))
        target = folder / "large.mp4" if output is None else output
        assert main(["upscale", str(source), str(target), "--weights", str(weights), *options]) == 2
        assert sorted(tmp_path.rglob("*")) == before
        captured = capsys.readouterr()
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1, captured.err
        return captured.err

    return run


def test_missing_file(refused, tmp_path):
    assert "no such file" in refused(tmp_path / "absent.mp4")


def test_folder_without_frames(refused, tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "notes.txt").write_text("none here")
    assert str(tmp_path / "frames") in refused(tmp_path / "frames")


def test_empty_file(refused, tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refused(tmp_path / "empty.mp4")


def test_text_renamed(refused, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    assert "text.mp4" in refused(tmp_path / "text.mp4")


@pytest.fixture
def truncated(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    write_video(tmp_path / "whole.mkv", frames, fps=24)
    content = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) * 2 // 3])
    return tmp_path / "cut.mkv"


def test_truncated_file_offers_what_can_be_read(refused, truncated):
    assert "--salvage" in refused(truncated)


def test_salvage_takes_what_can_be_read(weights, truncated, tmp_path):
    output = tmp_path / "saved.mp4"
    options = ["--salvage", "--steps", "1", "--weights", str(weights), "--scale", "2"]
    assert main(["upscale", str(truncated), str(output), *options]) == 0
    assert 1 <= len(read_video(output)) < 24


def test_sound_only(refused, tmp_path):
    with av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    shutil.copy(tmp_path / "sound.m4a", tmp_path / "sound.mp4")
    assert "sound.mp4" in refused(tmp_path / "sound.mp4")


def test_output_folder_missing(refused, clip, tmp_path):
    assert "does not exist" in refused(clip, tmp_path / "absent" / "large.mp4")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_output_folder_write_protected(refused, clip, tmp_path):
    protected = tmp_path / "protected"
    protected.mkdir(mode=0o500)
    assert "not allowed" in refused(clip, protected / "large.mp4")


def test_output_where_no_file_can_be_made(refused, clip):
    assert "output=/proc/large.mp4" in refused(clip, "/proc/large.mp4")


def test_output_of_unknown_kind(refused, clip, tmp_path):
    assert "unknown kind" in refused(clip, tmp_path / "large.txt")


@pytest.mark.parametrize("link", [False, True])
def test_output_is_input(refused, clip, tmp_path, link):
    output = clip
    if link:
        output = tmp_path / "link.mp4"
        output.symlink_to(clip)
    content = clip.read_bytes()
    assert "overwrite the input" in refused(clip, output)
    assert clip.read_bytes() == content


def test_comparison_would_overwrite_the_input(refused, clip, tmp_path):
    source = clip.rename(tmp_path / "large_compare.mp4")
    assert "overwrite the input" in refused(source, tmp_path / "large.mp4", "--compare")


def test_full_disk(weights, clip, tmp_path, capsys):
    """The system's limit on file size stands for a disk that fills up in the middle of writing."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    output = tmp_path / "results"
    output.mkdir()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        code = main(
            ["upscale", str(clip), str(output / "large.mp4"), "--steps", "1", "--weights", str(weights)]
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    error = capsys.readouterr().err.splitlines()[-1]
    assert code == 2
    assert error.startswith(f"error: output={output / 'large.mp4'}: ")
    assert list(output.iterdir()) == []


def test_result_too_large_for_the_file_format_or_for_memory(refused, clip, monkeypatch):
    assert "makes 24000x16000 pixels; allowed 16384 a side" in refused(clip, None, "--scale", "1000")
    monkeypatch.setattr("cvsr.cli.memory.available_memory", lambda: 2_000_000)
    assert "too little for 5 frames in tiles of 64 pixels" in refused(clip, None, "--scale", "8")


def test_scale_that_leaves_nothing(weights, clip, tmp_path, capsys):
    arguments = [
        "upscale",
        str(clip),
        str(tmp_path / "none.mp4"),
        "--scale",
        "0.01",
        "--weights",
        str(weights),
    ]
    assert main(arguments) == 2
    assert "scale=0.01: nothing is left" in capsys.readouterr().err


def test_empty_prompt_is_allowed(weights, clip, tmp_path):
    options = ["--prompt", "", "--steps", "1", "--frames", "1", "--weights", str(weights)]
    assert main(["upscale", str(clip), str(tmp_path / "out.mp4"), *options]) == 0
    options = ["--steps", "1", "--frames", "1", "--weights", str(weights), "--no-upscale"]
    assert main(["generate", "", str(tmp_path / "out.mp4"), *options]) == 0


@pytest.fixture
def copied(weights, tmp_path):
    return shutil.copytree(weights, tmp_path / "weights")


def transformer_of(weights):
    return weights / "super_resolution" / "transformer" / "diffusion_pytorch_model.safetensors"


def test_weights_missing(refused, clip, copied):
    shutil.rmtree(copied / "super_resolution")
    assert "no such folder; allowed" in refused(clip, weights=copied)


def test_weights_of_a_system_that_are_not_there(refused, clip, copied):
    shutil.rmtree(copied / "seedvr")
    error = refused(clip, None, "--system", "seedvr", weights=copied)
    assert f"weights={copied / 'seedvr'}: no such folder; allowed" in error


def test_a_film_does_not_go_into_a_picture(refused, clip, tmp_path):
    assert "one frame makes an image" in refused(clip, tmp_path / "results" / "large.png")


def test_an_unknown_colour_correction(refused, clip):
    error = refused(clip, None, "--colour-correction", "lab")
    assert "colour-correction=lab: unknown; allowed none, wavelet, adain; try" in error


def test_weights_lacking_a_file(refused, clip, copied):
    transformer_of(copied).unlink()
    assert "is missing" in refused(clip, weights=copied)


def test_weights_with_a_flipped_bit(refused, clip, copied):
    content = bytearray(transformer_of(copied).read_bytes())
    content[-1] ^= 1
    transformer_of(copied).write_bytes(content)
    assert "is damaged" in refused(clip, weights=copied)


def test_weights_that_are_a_pointer(refused, clip, copied):
    transformer_of(copied).write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "is a Git LFS pointer" in refused(clip, weights=copied)


def test_weights_shared_with_a_damaged_folder(refused, clip, copied):
    (copied / "autoencoder" / "config.json").write_text("{}")
    assert "autoencoder: config.json is damaged" in refused(clip, weights=copied)


def test_weights_of_another_shape(refused, clip, copied):
    tensors = load_file(transformer_of(copied))
    key = next(name for name, tensor in tensors.items() if tensor.ndim == 2)
    tensors[key] = tensors[key][:, :-1].contiguous()
    save_file(tensors, transformer_of(copied), metadata={"format": "pt"})
    write_card(copied / "super_resolution", read_card(copied / "super_resolution"))
    assert "weights=" in refused(clip, weights=copied)


def test_generate_refuses_before_it_works(weights, tmp_path, capsys):
    assert main(["generate", "a ball", str(tmp_path / "none" / "ball.mp4"), "--weights", str(weights)]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert main(["generate", "a ball", str(tmp_path / "ball.mp4"), "--weights", str(tmp_path)]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
