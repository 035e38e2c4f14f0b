import av
import numpy as np
import pytest

from cvsr.data import decoding
from cvsr.data.decoding import VideoReader
from cvsr.data.files import VideoError
from cvsr.data.video import read_video, write_video


def refusal(path, **options):
    with pytest.raises(VideoError) as caught:
        read_video(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


@pytest.fixture
def clip(tmp_path, moving):
    path = tmp_path / "clip.mp4"
    write_video(path, moving(24), 24)
    return path


def test_what_is_no_video_is_refused_each_in_its_own_words(tmp_path, clip, encode, moving):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("#EXTM3U\n/etc/passwd\n")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "head.mp4").write_bytes(clip.read_bytes()[:400])
    messages = [
        refusal(tmp_path / "missing.mp4"),
        refusal(tmp_path / "folder"),
        refusal(tmp_path / "empty.mp4"),
        refusal(tmp_path / "text.mp4"),
        refusal(tmp_path / "noise.mp4"),
        refusal(tmp_path / "head.mp4"),
        refusal("http://example.com/clip.mp4"),
        refusal(f"concat:{clip}|{clip}"),
        refusal("/dev/zero"),
        refusal(""),
    ]
    words = ["no such file", "without frames", "empty", "a text file", "beyond reading", "cut off"]
    for message, word in zip(messages, [*words, "address", "address", "device", "name"], strict=True):
        assert word in message


def test_sound_only_is_refused(tmp_path, clip):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        container.mux([*stream.encode(silence), *stream.encode(None)])
    assert "sound only" in refusal(path)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_cut_off_file_offers_its_readable_frames(tmp_path, moving, suffix):
    whole, cut = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    write_video(whole, moving(24), 24)
    frames = read_video(whole).frames
    content = whole.read_bytes()
    cut.write_bytes(content[: len(content) * 7 // 10])
    message = refusal(cut)
    saved = read_video(cut, salvage=True)
    assert 1 <= len(saved) < 24
    assert f"{len(saved)} of" in message
    assert "salvage=True" in message
    assert np.array_equal(saved.frames, frames[: len(saved)])
    assert len(read_video(cut, max_frames=2)) == 2


def test_cut_off_before_the_index_offers_nothing(tmp_path, moving, encode):
    encode(tmp_path / "late_index.mp4", moving(12))
    content = (tmp_path / "late_index.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    assert "beyond reading" in refusal(tmp_path / "cut.mp4")


def test_overwritten_bytes_are_noticed_again_and_again(tmp_path, clip):
    content = bytearray(clip.read_bytes())
    for eighth in (3, 4, 5, 6):  # in several places: a single one may by chance still decode
        start = len(content) * eighth // 8
        content[start : start + 200] = np.random.default_rng(eighth).bytes(200)
    (tmp_path / "hurt.mp4").write_bytes(content)
    first = refusal(tmp_path / "hurt.mp4")
    assert "damaged" in first
    assert refusal(tmp_path / "hurt.mp4") == first  # a repeated log message is a message
    assert av.logging.get_level() is None


def test_random_damage_never_escapes_the_one_error(tmp_path, clip):
    content, draw = clip.read_bytes(), np.random.default_rng(2)
    whole, silent = read_video(clip), 0
    for _ in range(60):
        mutant = bytearray(content)
        for place in draw.integers(len(mutant), size=16):
            mutant[place] ^= int(draw.integers(1, 256))
        (tmp_path / "mutant.mp4").write_bytes(mutant)
        try:
            read = read_video(tmp_path / "mutant.mp4")
        except VideoError:
            continue
        silent += not (read.timestamps == whole.timestamps and np.array_equal(read.frames, whole.frames))
    assert silent <= 1


def test_frames_lost_before_the_first_keyframe_are_missed(tmp_path, moving):
    write_video(tmp_path / "whole.mkv", moving(12), 24)
    with (
        av.open(str(tmp_path / "whole.mkv")) as source,
        av.open(str(tmp_path / "shifted.mp4"), "w") as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in list(source.demux(video=0))[1:-1]:
            packet.stream = stream
            output.mux(packet)
    assert "damaged or cut off" in refusal(tmp_path / "shifted.mp4")


def test_size_that_changes_on_the_way_is_refused(tmp_path, moving, encode):
    for name, width in (("a", 64), ("b", 96)):
        encode(tmp_path / f"{name}.ts", moving(6, 48, width), options={"bf": "0"})
    joined = tmp_path / "joined.ts"
    joined.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    refusal(joined)
    assert read_video(joined, salvage=True).frames.shape[1:] == (48, 64, 3)


@pytest.mark.parametrize(
    ("degrees", "flip"), [(90, False), (180, False), (-90, False), (0, True), (90, True)]
)
def test_rotation_and_mirroring_are_applied_once(tmp_path, moving, encode, degrees, flip):
    frames = moving(3)
    encode(tmp_path / "upright.mp4", frames)
    encode(tmp_path / "turned.mp4", frames, rotation=(degrees, flip))
    expected = np.rot90(read_video(tmp_path / "upright.mp4").frames, degrees // 90, axes=(1, 2))
    expected = expected[:, :, ::-1] if flip else expected
    assert np.array_equal(read_video(tmp_path / "turned.mp4").frames, expected)


def test_timestamps_of_a_variable_rate_are_kept(tmp_path, moving, encode):
    ticks = [0, 20, 60, 72, 300, 400]
    encode(tmp_path / "vfr.mp4", moving(6), ticks=ticks)
    assert [second * 600 for second in read_video(tmp_path / "vfr.mp4").timestamps] == ticks


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "suffix"),
    [("libx264", "yuv420p", "avi"), ("libx264", "yuv420p", "ts"), ("mpeg4", "yuv420p", "mp4"),
     ("libx264", "yuv420p10le", "mp4"), ("libx264", "yuvj420p", "mp4"), ("libx264", "yuv444p", "mkv"),
     ("libvpx-vp9", "yuv420p", "webm"), ("ffv1", "yuv420p", "mkv"), ("mjpeg", "yuvj420p", "mov")],
)  # fmt: skip
def test_every_kind_of_file_gives_its_frames_without_a_colour_shift(
    tmp_path, moving, encode, codec, pix_fmt, suffix
):
    frames = moving(6)
    encode(
        tmp_path / f"clip.{suffix}",
        frames,
        codec,
        pix_fmt,
        options={"crf": "6", "qscale": "2", "b": "2000000"},
    )
    read = read_video(tmp_path / f"clip.{suffix}").frames.astype(float)
    assert read.shape == frames.shape
    assert np.abs(read - frames).mean() < 4
    assert (
        np.abs((read - frames).mean(axis=(0, 1, 2))).max() < 1.5
    )  # the encoder's own conversion is 1 too dark


def test_high_dynamic_range_is_refused(tmp_path, moving, encode):
    encode(
        tmp_path / "hdr.mp4", moving(2), pix_fmt="yuv420p10le", options={"x264-params": "transfer=smpte2084"}
    )
    assert "high dynamic range" in refusal(tmp_path / "hdr.mp4")


def test_limits_hold_before_decoding(clip, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1000)
    assert "64x48 pixels" in refusal(clip)
    monkeypatch.setattr(decoding, "MAX_PIXELS", 2**26)
    monkeypatch.setattr(decoding, "MAX_SECONDS", 0.5)
    assert "1 seconds" in refusal(clip)


def test_unlisted_codec_is_refused(tmp_path, moving, encode):
    encode(tmp_path / "clip.avi", moving(3), "utvideo")
    assert "codec utvideo is not read" in refusal(tmp_path / "clip.avi")


def test_reader_streams_and_counts(clip):
    with VideoReader(clip) as reader:
        assert (reader.frames, reader.fps, reader.has_audio) == (24, 24, False)
        image, second = next(iter(reader))
    assert (image.shape, image.dtype, second) == ((48, 64, 3), np.uint8, 0)
    with VideoReader(clip) as reader:
        assert reader.count() == 24
