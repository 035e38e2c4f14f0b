"""Compression loses more the harder it is, is exact in repetition, and keeps every size."""

import numpy as np
import pytest

from cvsr.data.degradations import compression as module
from cvsr.data.degradations.compression import CODECS, H264, Compression, RandomCompression, RandomH264
from cvsr.data.degradations.jpeg import Jpeg, RandomJpeg

STREAMS = [Compression(codec, 0.3) for codec in CODECS]


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


@pytest.mark.parametrize(
    "kinds", [[Jpeg(95), Jpeg(60), Jpeg(30), Jpeg(5)], [H264(5), H264(20), H264(30), H264(40)]]
)
def test_harder_is_worse(moving, kinds):
    frames = moving(5, 48, 64)
    quality = [psnr(kind.apply(frames), frames) for kind in kinds]
    assert quality == sorted(quality, reverse=True)
    assert quality[0] > 35
    assert quality[0] - quality[-1] > 6


@pytest.mark.parametrize("codec", CODECS)
def test_fewer_bits_are_worse(moving, codec):
    frames = moving(9, 64, 96)
    quality = [psnr(Compression(codec, bits).apply(frames), frames) for bits in (4.0, 0.2, 0.01)]
    assert quality == sorted(quality, reverse=True)
    assert quality[0] > 35
    assert quality[0] - quality[-1] > 5


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("bits", [0.4, 1.5])
def test_encoders_keep_roughly_to_the_bits(codec, bits, monkeypatch):
    spent, encode = [], module._encode
    monkeypatch.setattr(module, "_encode", lambda *a: spent.extend(p := encode(*a)) or p)
    frames = np.random.default_rng(0).normal(128, 20, (9, 128, 160, 3)).clip(0, 255).astype(np.uint8)
    Compression(codec, bits).apply(frames)
    assert 0.4 < 8 * sum(packet.size for packet in spent) / (bits * 9 * 128 * 160) < 2.5


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 7, 2), (3, 15, 33), (2, 65, 70)])
@pytest.mark.parametrize("kind", [Jpeg(80), H264(20), *STREAMS], ids=str)
def test_any_size_and_number_of_frames(kind, shape):
    frames = np.full((*shape, 3), 100, np.uint8)
    compressed = kind.apply(frames)
    assert compressed.shape == frames.shape
    assert compressed.dtype == np.uint8
    assert np.abs(compressed - 100.0).max() <= 3


def test_jpeg_takes_every_frame_alone_and_h264_does_not(moving):
    frames = moving(6, 32, 32)
    assert np.array_equal(Jpeg(40).apply(frames)[3:], Jpeg(40).apply(frames[3:]))
    assert not np.array_equal(H264(30).apply(frames)[3:], H264(30).apply(frames[3:]))


def test_x264_repeats_itself(moving):
    """With its macroblock tree, one encoding of this clip in ten differs from the others."""
    frames = moving(9, 64, 64)
    assert len({H264(27).apply(frames).tobytes() for _ in range(20)}) == 1


@pytest.mark.parametrize("kind", STREAMS, ids=str)
def test_streams_repeat_themselves(moving, kind):
    frames = moving(9, 64, 64)
    assert len({kind.apply(frames).tobytes() for _ in range(4)}) == 1


def test_draws_cover_their_range():
    rng = np.random.default_rng(0)
    assert {RandomJpeg(quality=(30, 33)).sample(rng, (8, 8)).quality for _ in range(60)} == {30, 31, 32, 33}
    assert {RandomH264(crf=(20, 21)).sample(rng, (8, 8)).crf for _ in range(30)} == {20, 21}
    drawn = [RandomCompression().sample(rng, (8, 8)) for _ in range(60)]
    assert {stream.codec for stream in drawn} == set(CODECS)
    assert all(0.15 <= stream.bits_per_pixel <= 1.5 for stream in drawn)


def test_mistakes():
    with pytest.raises(ValueError, match="crf="):
        RandomH264(crf=(20, 60))
    with pytest.raises(ValueError, match=r"codec='vp9': unknown; allowed \['h264', 'h265', 'mpeg4'\]"):
        RandomCompression(codecs=("h264", "vp9"))
    with pytest.raises(ValueError, match="codecs="):
        RandomCompression(codecs=())
    with pytest.raises(ValueError, match="bits_per_pixel="):
        RandomCompression(bits_per_pixel=(0, 1))


def test_a_missing_encoder_is_named_with_those_that_are_there(monkeypatch):
    without = module.CODECS["h265"]._replace(encoder="libx266")
    monkeypatch.setitem(module.CODECS, "h265", without)
    for make in (lambda: Compression("h265", 1.0), lambda: RandomCompression(codecs=("h265",))):
        with pytest.raises(ValueError, match=r"no encoder libx266; allowed \['h264', 'mpeg4'\]; try"):
            make()
