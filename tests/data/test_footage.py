"""Footage tells of a file what reading it whole would, and its frames come as often as they are asked for."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from cvsr.data.files import VideoError
from cvsr.data.footage import survey
from cvsr.data.video import Video, read_video, write_video


def as_read_whole(path, **options) -> None:
    footage, video = survey(path, **options), read_video(path, **options)
    assert len(footage) == len(video)
    assert (footage.height, footage.width) == video.frames.shape[1:3]
    for name in ("fps", "timestamps", "metadata", "audio", "pixel_aspect"):
        assert getattr(footage, name) == getattr(video, name), name
    assert [number for scene in footage.scenes for number in scene] == list(range(len(video)))
    for _ in range(2):
        assert np.array_equal(np.stack(list(footage)), video.frames)


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (12, 16, 24, 3), dtype=np.uint8)


def test_videos(frames, tmp_path):
    write_video(tmp_path / "a.mp4", frames, fps=Fraction(30000, 1001), metadata={"cvsr": {"seed": 3}})
    as_read_whole(tmp_path / "a.mp4")
    as_read_whole(tmp_path / "a.mp4", max_frames=5)
    uneven = [Fraction(n * n, 100) for n in range(1, 13)]
    write_video(tmp_path / "b.mkv", Video(frames, 24, uneven, pixel_aspect=Fraction(4, 3)))
    as_read_whole(tmp_path / "b.mkv")


def test_pictures_animations_and_folders(frames, tmp_path):
    write_video(tmp_path / "a.png", frames[:1], fps=1)
    as_read_whole(tmp_path / "a.png")
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(tmp_path / "a.webp", save_all=True, append_images=images[1:], duration=70, lossless=True)
    as_read_whole(tmp_path / "a.webp")
    write_video(f"{tmp_path}/frames/", frames, fps=24)
    as_read_whole(tmp_path / "frames")
    as_read_whole(tmp_path / "frames", max_frames=3)


def test_scenes_end_where_cuts_are(tmp_path):
    still = [np.full((n, 32, 48, 3), colour, np.uint8) for n, colour in ((9, (200, 30, 30)), (7, (20, 40, 160)))]
    write_video(tmp_path / "a.mp4", np.concatenate(still), fps=24)
    assert survey(tmp_path / "a.mp4").scenes == [range(9), range(9, 16)]
    assert survey(tmp_path / "a.mp4", max_frames=10).scenes == [range(9), range(9, 10)]
    assert survey(tmp_path / "a.mp4", max_frames=4).scenes == [range(4)]


def test_damage_is_found_before_any_frame_is_used_and_what_is_left_can_be_taken(frames, tmp_path):
    write_video(tmp_path / "whole.mkv", np.concatenate([frames] * 3), fps=24)
    content = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(VideoError, match=r"damaged or cut off .*--salvage"):
        survey(tmp_path / "cut.mkv")
    as_read_whole(tmp_path / "cut.mkv", salvage=True)


def test_what_cannot_be_looked_through(frames, tmp_path):
    with pytest.raises(VideoError, match="no such file"):
        survey(tmp_path / "absent.mp4")
    with pytest.raises(VideoError, match="max_frames=0: nothing to read"):
        survey(tmp_path / "absent.mp4", max_frames=0)
    (tmp_path / "frames").mkdir()
    for name, size in (("1.png", 16), ("2.png", 18)):
        Image.new("RGB", (size, 16)).save(tmp_path / "frames" / name)
    with pytest.raises(VideoError, match="the size changes from 16x16 to 18x16 at frame 1"):
        survey(tmp_path / "frames")
