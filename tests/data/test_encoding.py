import os
import resource
from fractions import Fraction

import av
import numpy as np
import pytest

from cvsr.data.encoding import VideoWriter, as_rate
from cvsr.data.files import VideoError
from cvsr.data.video import Video, read_video, write_video


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_chunks_make_one_video_with_its_settings(tmp_path, moving, suffix):
    path, frames, settings = (
        tmp_path / f"out.{suffix}",
        moving(7),
        {"seed": 3, "prompt": 'ein "Würfel" 🎲', "scale": 1.5},
    )
    with VideoWriter(path, 25, metadata=settings, crf=4) as writer:
        writer.write(frames[:3])
        writer.write(frames[3:])
        assert not path.exists()
    video = read_video(path)
    assert video.metadata == settings
    assert video.fps == 25
    assert video.timestamps == [Fraction(index, 25) for index in range(7)]
    assert np.abs(video.frames.astype(float) - frames).mean() < 3


@pytest.mark.parametrize(("height", "colours"), [(96, 6), (720, 1), (1080, 1)])
def test_exact_size_tagged_colours_and_no_shift(tmp_path, moving, height, colours):
    frames = moving(2, height, 64)
    write_video(tmp_path / "out.mp4", frames, 24, crf=2)
    with av.open(str(tmp_path / "out.mp4")) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.height, codec.width, codec.pix_fmt, codec.name) == (height, 64, "yuv420p", "h264")
        tags = (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range)
        assert tags == (colours, colours, colours, 1)
    shift = (read_video(tmp_path / "out.mp4").frames.astype(float) - frames).mean(axis=(0, 1, 2))
    assert np.abs(shift).max() < 0.5


@pytest.mark.parametrize(("height", "width"), [(37, 52), (36, 51), (1, 1), (3, 5)])
def test_odd_sides_repeat_their_last_line(tmp_path, moving, height, width):
    frames = moving(2, height, width)
    write_video(tmp_path / "out.mp4", frames, 24, crf=2)
    read = read_video(tmp_path / "out.mp4").frames
    assert read.shape == (2, height + height % 2, width + width % 2, 3)
    if min(height, width) > 30:
        assert np.abs(read[:, :height, :width].astype(float) - frames).mean() < 3


@pytest.mark.parametrize("fps", [24, 25, 12.5, 59.94, 1, 120, Fraction(30000, 1001), Fraction(24000, 1001)])
def test_frame_rate_and_timestamps_come_back_exactly(tmp_path, moving, fps):
    write_video(tmp_path / "out.mp4", moving(5, 16, 16), fps)
    video = read_video(tmp_path / "out.mp4")
    assert video.fps == as_rate(fps)
    assert video.timestamps == [index / video.fps for index in range(5)]


def test_variable_rate_comes_back_exactly(tmp_path, moving):
    seconds = [Fraction(0), Fraction(1, 30), Fraction(1, 10), Fraction(3, 25), Fraction(1, 2), Fraction(2, 3)]
    for suffix, step in (("mp4", 0), ("mkv", Fraction(1, 2000))):
        write_video(tmp_path / f"out.{suffix}", Video(moving(6), Fraction(12), seconds))
        read = read_video(tmp_path / f"out.{suffix}").timestamps
        assert all(abs(a - b) <= step for a, b in zip(read, seconds, strict=True))


def test_one_frame_lasts_as_long_as_its_rate_says(tmp_path, moving):
    write_video(tmp_path / "out.mp4", moving(1), 5)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration == 200_000
    assert len(read_video(tmp_path / "out.mp4")) == 1


def test_shape_of_pixels_is_kept(tmp_path, moving, encode):
    write_video(tmp_path / "out.mp4", Video(moving(2), Fraction(24), pixel_aspect=Fraction(16, 11)))
    assert read_video(tmp_path / "out.mp4").pixel_aspect == Fraction(16, 11)


@pytest.mark.parametrize(
    ("sound", "source", "suffix", "kept"),
    [("aac", "mp4", "mp4", "aac"), ("libmp3lame", "mp4", "mkv", "mp3"), ("libopus", "mkv", "mp4", "opus"),
     ("pcm_s16le", "mov", "mp4", "aac"), ("libopus", "mkv", "mov", "aac"),
     ("pcm_s16le", "mov", "mkv", "pcm")],
)  # fmt: skip
def test_sound_is_carried_over_to_the_end_of_the_picture(
    tmp_path, moving, encode, sound, source, suffix, kept
):
    encode(tmp_path / f"in.{source}", moving(24), sound=sound)
    video = read_video(tmp_path / f"in.{source}")
    assert video.audio == tmp_path / f"in.{source}"
    for frames in (24, 12):
        part = Video(video.frames[:frames], video.fps, video.timestamps[:frames], audio=video.audio)
        write_video(tmp_path / f"out.{suffix}", part)
        with av.open(str(tmp_path / f"out.{suffix}")) as container:
            stream = container.streams.audio[0]
            assert kept in stream.codec_context.name
            heard = sum(frame.samples for frame in container.decode(stream)) / stream.sample_rate
        assert heard == pytest.approx(frames / 24, abs=0.1)


def test_sound_stays_in_step_when_the_picture_starts_late(tmp_path, moving, encode):
    encode(tmp_path / "in.mp4", moving(12), ticks=[120 + 25 * index for index in range(12)], sound="aac")
    video = read_video(tmp_path / "in.mp4")
    assert video.timestamps[0] == Fraction(1, 5)
    write_video(tmp_path / "out.mp4", video)
    assert read_video(tmp_path / "out.mp4").timestamps == video.timestamps


def test_damaged_sound_is_named(tmp_path, moving):
    (tmp_path / "text.mp4").write_text("no sound")
    with pytest.raises(VideoError, match="text"):
        write_video(tmp_path / "out.mp4", Video(moving(2), Fraction(24), audio=tmp_path / "text.mp4"))
    assert os.listdir(tmp_path) == ["text.mp4"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_interrupted_writing_leaves_the_old_file(tmp_path, moving, error):
    (tmp_path / "out.mp4").write_text("old")
    with pytest.raises(error), VideoWriter(tmp_path / "out.mp4", 24) as writer:  # noqa: PT012
        writer.write(moving(3))
        raise error
    assert os.listdir(tmp_path) == ["out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "old"


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.png", "out.jpg", "out/"])
def test_disk_that_fills_up_anywhere_is_noticed_and_nothing_is_left(tmp_path, name):
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    frames = frames[:1] if name.endswith(("png", "jpg")) else frames
    reference = f"{tmp_path}/whole{name[3:]}"
    write_video(reference, frames, 24)
    size = os.path.getsize(reference + ("000000.png" if name == "out/" else ""))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for share in (0, 0.01, 0.3, 0.6, 0.9, 0.99, 1):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (max(0, int(size * share) - 1), limits[1]))
            with pytest.raises(VideoError, match="largest size"):
                write_video(f"{tmp_path}/{name}", frames, 24)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert len(os.listdir(tmp_path)) == 1


def test_wrong_frames_are_refused(tmp_path, moving):
    path = tmp_path / "out.mp4"
    cases = [
        (lambda: write_video(path, moving(2) / 255.0, 24), "uint8"),
        (lambda: write_video(path, moving(2)[0], 24), "uint8"),
        (lambda: write_video(path, moving(2)[:0], 24), "frames=0"),
        (lambda: write_video(path, moving(2)), "fps=None"),
        (lambda: write_video(path, moving(2), 0), "fps=0"),
        (lambda: write_video(path, moving(2), float("nan")), "fps=nan"),
        (lambda: write_video(path, moving(2), 24, crf=99), "crf=99"),
        (lambda: write_video(path, moving(2), 24, metadata={"model": object()}), "JSON"),
        (lambda: write_video(path, Video(moving(2), 24, [Fraction(1), Fraction(1)])), "must rise"),
        (lambda: write_video(path, np.zeros((1, 2, 20000, 3), np.uint8), 24), "16384"),
        (lambda: write_video(tmp_path / "out.png", moving(2), 24), "one frame makes an image"),
    ]
    for call, problem in cases:
        with pytest.raises(VideoError, match=problem):
            call()
    with pytest.raises(VideoError, match="size changes"), VideoWriter(path, 24) as writer:  # noqa: PT012
        writer.write(moving(2))
        writer.write(moving(2, 32, 32))
    with pytest.raises(VideoError, match="no frame"), VideoWriter(path, 24):
        pass
    assert os.listdir(tmp_path) == []
