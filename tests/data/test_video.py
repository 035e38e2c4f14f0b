from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cvsr.data import video as module
from cvsr.data.files import VideoError
from cvsr.data.video import Video, read_video, to_frames, to_tensor, video_output, write_video


@given(arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.just(3))))
def test_frames_to_tensor_and_back_is_exact(frames):
    tensor = to_tensor(frames)
    assert tensor.shape == (3, *frames.shape[:3])
    assert tensor.dtype == torch.float32
    assert tensor.abs().max() <= 1
    assert np.array_equal(to_frames(tensor), frames)


def test_every_level_survives_and_the_ends_are_one():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    tensor = to_tensor(levels)
    assert (tensor.min(), tensor.max()) == (-1, 1)
    for dtype in (torch.float32, torch.float64):
        assert np.array_equal(to_frames(tensor.to(dtype)), levels)


def test_tensor_out_of_range_is_clamped_and_without_meaning_refused():
    assert to_frames(torch.tensor([-3.0, 0.0, 3.0]).reshape(3, 1, 1, 1)).ravel().tolist() == [0, 128, 255]
    for wrong in (
        torch.zeros(1, 3, 1, 1, 1),
        torch.zeros(4, 1, 1, 1),
        torch.zeros(3, 1, 1, 1, dtype=torch.uint8),
    ):
        with pytest.raises(VideoError, match="must be float"):
            to_frames(wrong)
    with pytest.raises(VideoError, match="NaN"):
        to_frames(torch.full((3, 1, 2, 2), float("nan")))


def test_video_has_a_timestamp_for_each_frame(moving):
    video = Video(moving(3), 12.5)
    assert video.fps == Fraction(25, 2)
    assert video.timestamps == [0, Fraction(2, 25), Fraction(4, 25)]
    with pytest.raises(VideoError, match="2 for 3 frames"):
        Video(moving(3), 24, [Fraction(0), Fraction(1)])


def test_enlarged_frames_keep_everything_else(tmp_path, moving, encode):
    encode(tmp_path / "in.mp4", moving(12), ticks=[i * 25 + i % 3 for i in range(12)], sound="aac")
    video = read_video(tmp_path / "in.mp4")
    enlarged = replace(video, frames=video.frames.repeat(2, axis=1).repeat(2, axis=2), metadata={"scale": 2})
    write_video(tmp_path / "out.mp4", enlarged)
    result = read_video(tmp_path / "out.mp4")
    assert result.frames.shape == (12, 96, 128, 3)
    assert result.timestamps == video.timestamps
    assert result.metadata == {"scale": 2}
    assert result.audio == tmp_path / "out.mp4"


def test_part_of_a_video(tmp_path, moving):
    write_video(tmp_path / "clip.mp4", moving(9), 24)
    assert len(read_video(tmp_path / "clip.mp4", max_frames=4)) == 4
    assert len(read_video(tmp_path / "clip.mp4", max_frames=99)) == 9
    with pytest.raises(VideoError, match="max_frames=0"):
        read_video(tmp_path / "clip.mp4", max_frames=0)


def test_video_larger_than_memory_is_refused_before_it_is_read(tmp_path, moving, monkeypatch):
    write_video(tmp_path / "clip.mp4", moving(9), 24)
    monkeypatch.setattr(module, "MAX_BYTES", 5 * 48 * 64 * 3)
    with pytest.raises(VideoError, match="read a part with max_frames"):
        read_video(tmp_path / "clip.mp4")
    assert len(read_video(tmp_path / "clip.mp4", max_frames=5)) == 5


def test_more_frames_than_the_header_guessed(tmp_path, moving, encode):
    encode(tmp_path / "clip.mkv", moving(9), ticks=list(range(0, 27, 3)))  # 200 a second, said to be 24
    assert len(read_video(tmp_path / "clip.mkv")) == 9
    assert read_video(tmp_path / "clip.mkv").fps == pytest.approx(200, rel=0.02)


@settings(max_examples=15)
@given(steps=st.lists(st.integers(1, 5000), min_size=1, max_size=12), clock=st.integers(1, 90000))
def test_any_rising_timestamps_come_back(tmp_path_factory, moving, steps, clock):
    seconds = [Fraction(int(tick), clock) for tick in np.cumsum(steps) - steps[0]]
    path = tmp_path_factory.mktemp("clock") / "out.mp4"
    write_video(path, Video(moving(len(steps), 16, 16), Fraction(24), seconds))
    assert read_video(path).timestamps == seconds


@pytest.mark.parametrize("name", ["out.mp4", "frames/"])
def test_frames_are_written_as_they_come_or_not_at_all(tmp_path, moving, name):
    folder, like = tmp_path / "results", Video(moving(7), 12, metadata={"seed": 1})
    folder.mkdir()
    with video_output(f"{folder}/{name}", like) as write:
        for at in range(0, 7, 3):
            write(like.frames[at : at + 3])
            assert not (folder / name).exists()
    write_video(f"{tmp_path}/whole_{name}", like)
    streamed, whole = read_video(folder / name), read_video(tmp_path / f"whole_{name}")
    assert np.array_equal(streamed.frames, whole.frames)
    assert (streamed.timestamps, streamed.metadata) == (whole.timestamps, whole.metadata)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("name", ["out.mp4", "frames/"])
def test_frames_too_few_or_too_many_leave_nothing(tmp_path, moving, name, count):
    with pytest.raises(VideoError), video_output(f"{tmp_path}/{name}", Video(moving(3), 12)) as write:
        write(moving(count))
    assert list(tmp_path.iterdir()) == []
