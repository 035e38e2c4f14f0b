from fractions import Fraction

import av
import numpy as np
import pytest

from cvsr.data.clips import ClipInfo, ClipReader, check_clip
from cvsr.data.files import VideoError
from cvsr.data.video import Video, read_video, write_video


@pytest.fixture(scope="module")
def clip(tmp_path_factory, moving):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    write_video(path, moving(30), 24)
    return path


def test_checked_clip_says_what_it_holds(clip):
    assert check_clip(clip) == ClipInfo(frames=30, height=48, width=64, fps=Fraction(24))


def decoded(path):
    """All frames through PyAV with its default conversion, which is decord's."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_frames_are_those_that_pyav_decodes(clip, tmp_path, moving, encode):
    frames = moving(30)
    uneven = [Fraction(i, 24) + Fraction(i % 3, 200) for i in range(30)]
    write_video(tmp_path / "vfr.mp4", Video(frames, Fraction(24), uneven))
    encode(tmp_path / "many_b.mp4", frames, options={"bf": "8", "g": "12", "b-adapt": "0", "b_strategy": "0"})
    for path in (clip, tmp_path / "vfr.mp4", tmp_path / "many_b.mp4"):
        check_clip(path)
        truth = decoded(path).astype(float)
        for wanted in ([0, 1, 2], [29], [3, 11, 12, 28], range(30)):
            with ClipReader(path) as reader:
                assert np.abs(reader.get(wanted) - truth[list(wanted)]).mean(axis=(1, 2, 3)).max() < 0.5


def test_turned_clip_is_turned_as_by_the_strict_reader(tmp_path, moving, encode):
    encode(tmp_path / "turned.mp4", moving(6, 64, 96), rotation=(90, False))
    with ClipReader(tmp_path / "turned.mp4") as reader:
        got = reader.get(range(6)).astype(float)
    distance = np.abs(got[:, None] - read_video(tmp_path / "turned.mp4").frames[None]).mean(
        axis=(2, 3, 4)
    )  # (6, 6)
    assert got.shape == (6, 96, 64, 3)
    assert distance.argmin(axis=1).tolist() == list(range(6))
    assert distance.min() < 5  # decord's colours are FFmpeg's fast ones


def test_one_reader_serves_many_requests(clip):
    with ClipReader(clip) as reader:
        everything = reader.get(range(30))
        for wanted in ([20, 21], [3], [0, 29], [20, 21]):
            assert np.array_equal(reader.get(wanted), everything[wanted])
        assert reader.fps == 24


def test_frames_are_resized_while_decoding(clip):
    with ClipReader(clip, width=32, height=16) as reader:
        assert reader.get([0, 5]).shape == (2, 16, 32, 3)
    for size in ({"width": 32}, {"width": 0, "height": 16}, {"width": 32, "height": -1}):
        with pytest.raises(VideoError, match="give both"):
            ClipReader(clip, **size)


@pytest.mark.parametrize("wanted", [[], [-1], [30], [2, 1], [1, 1], [1.5], ["1"], [None]])
def test_indices_that_decord_would_accept_are_refused(clip, wanted):
    with ClipReader(clip) as reader, pytest.raises(VideoError, match="indices"):
        reader.get(wanted)


def test_indices_may_be_numpy_integers(clip):
    with ClipReader(clip) as reader:
        assert reader.get(np.array([0, 4])).shape == (2, 48, 64, 3)


def test_unfit_clips_are_refused(clip, tmp_path, moving):
    content = clip.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 3 // 4])
    (tmp_path / "text.mp4").write_text("hello")
    for name, problem in (("cut.mp4", "cut off"), ("text.mp4", "text"), ("missing.mp4", "no such file")):
        with pytest.raises(VideoError, match=problem):
            check_clip(tmp_path / name)
    with pytest.raises(VideoError, match="decord cannot open"):
        ClipReader(tmp_path / "text.mp4")


def test_clip_that_decord_reads_otherwise_is_refused(clip, monkeypatch):
    monkeypatch.setattr(ClipReader, "__len__", lambda self: 29)
    with pytest.raises(VideoError, match=r"29, 48, 64.* where the file holds \(30, 48, 64\)"):
        check_clip(clip)


def test_a_clip_that_decord_seeks_wrongly_is_refused(tmp_path, monkeypatch):
    """As happens with open groups of pictures: the count is right and the frames are not."""
    path = tmp_path / "clip.mp4"
    frames = np.zeros((45, 64, 64, 3), np.uint8) + np.arange(45, dtype=np.uint8)[:, None, None, None] * 5
    write_video(path, frames, fps=25)
    assert check_clip(path).frames == 45
    honest = ClipReader.get
    monkeypatch.setattr(ClipReader, "get", lambda self, indices: honest(self, [max(0, i - 3) for i in indices]))
    with pytest.raises(VideoError, match="frame 39 is 14 levels off"):
        check_clip(path)
