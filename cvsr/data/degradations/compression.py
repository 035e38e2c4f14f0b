"""Video compression: real encoders, whose damage depends on motion and lives from frame to frame.

RealBasicVSR (Chan et al. 2022) adds it to the degradations of pictures.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.random import Generator

from cvsr.data.degradations.ranges import Range, check_range, uniform, uniform_integer
from cvsr.data.ffmpeg import EXACT_COLOURS

_RATE = 24  # frames a second; encoders weigh frames by how long they are seen
_BT601 = {"colorspace": Colorspace.ITU601, "color_range": ColorRange.MPEG}


class Codec(NamedTuple):
    """How a codec is called.

    Attributes:
        encoder, decoder: FFmpeg's names.
        options: the encoder's settings.
        least_side: of frames in pixels, as the encoder can take them.
        buffered: whether it is held to its bits by a buffer as long as the clip. Without one, MPEG-4 and x265 spend
            too much at first, to make it good later; with one, x264 starves the first frame of small clips.
    """

    encoder: str
    decoder: str
    options: dict[str, str]
    least_side: int = 2
    buffered: bool = True


# One thread each: results depend on the number of threads. x264 without mbtree: with it, its result for small
# frames varies with what the memory held before. So does x265's for frames of 64 pixels; below, it even crashes.
CODECS = {
    "h264": Codec("libx264", "h264", {"preset": "medium", "mbtree": "0"}, buffered=False),
    "h265": Codec(
        "libx265",
        "hevc",
        {"preset": "medium", "x265-params": "pools=none:frame-threads=1:info=0:log-level=none"},
        least_side=128,
    ),
    "mpeg4": Codec("mpeg4", "mpeg4", {}),
}


@dataclass(frozen=True)
class H264:
    """Compression by x264 with a constant rate factor `crf`, 0 (lossless but for chroma) to 51, as files have it."""

    crf: int

    def __post_init__(self):
        check_codec("h264")

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), compressed and decompressed, as yuv420p."""
        return _there_and_back(frames, CODECS["h264"], {"crf": str(self.crf)})


@dataclass(frozen=True)
class RandomH264:
    """Compressions of constant rate factors `crf`: 18 is hardly seen, 35 is a poor stream."""

    crf: Range = (18, 35)

    def __post_init__(self):
        check_codec("h264")
        check_range("crf", self.crf, 0, 51)

    def sample(self, rng: Generator, size: tuple[int, int]) -> H264:
        """Draw a constant rate factor."""
        return H264(uniform_integer(rng, self.crf))


@dataclass(frozen=True)
class Compression:
    """Compression at a bit rate, as streams have it.

    Attributes:
        codec: a key of `CODECS`.
        bits_per_pixel: that the encoder aims at over the whole clip; it needs more where its coarsest steps do.
    """

    codec: str
    bits_per_pixel: float

    def __post_init__(self):
        check_codec(self.codec)

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), compressed and decompressed, as yuv420p."""
        codec = CODECS[self.codec]
        bits = max(1000, round(self.bits_per_pixel * frames[..., 0].size))  # of the whole clip
        rate = bits * _RATE // len(frames)  # a second
        settings = {"b": rate, "bt": rate // 8}
        if codec.buffered:
            settings |= {"maxrate": rate, "bufsize": bits}
        return _there_and_back(frames, codec, {name: str(value) for name, value in settings.items()})


@dataclass(frozen=True)
class RandomCompression:
    """Compressions at random bit rates.

    Attributes:
        codecs: one is drawn.
        bits_per_pixel: by default RealBasicVSR's 10 to 100 kbit for a frame of 256×256 pixels.
    """

    codecs: tuple[str, ...] = ("h264", "h265", "mpeg4")
    bits_per_pixel: Range = (0.15, 1.5)

    def __post_init__(self):
        if not self.codecs:
            raise ValueError(f"codecs=[]: nothing to draw from; allowed {list(CODECS)}; try [h264]")
        for codec in self.codecs:
            check_codec(codec)
        check_range("bits_per_pixel", self.bits_per_pixel, 0.001, 24)

    def sample(self, rng: Generator, size: tuple[int, int]) -> Compression:
        """Draw a codec and a bit rate."""
        return Compression(self.codecs[rng.integers(len(self.codecs))], uniform(rng, self.bits_per_pixel))


def check_codec(name: str) -> None:
    """Raise ValueError for a codec that is unknown, or whose encoder this build of PyAV lacks."""
    if name not in CODECS:
        raise ValueError(f"codec={name!r}: unknown; allowed {list(CODECS)}; try h264")
    if not _present(CODECS[name].encoder):
        here = [codec for codec, parts in CODECS.items() if _present(parts.encoder)]
        raise ValueError(
            f"codec={name!r}: this PyAV ({av.__version__}) has no encoder {CODECS[name].encoder}; allowed {here};"
            " try one of them, or PyAV's wheels from PyPI, which have all"
        )


def _present(encoder: str) -> bool:
    try:
        av.Codec(encoder, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True


def _there_and_back(frames: np.ndarray, codec: Codec, settings: dict[str, str]) -> np.ndarray:
    """Frames through the encoder and the decoder; edges are repeated up to even sides that the encoder takes."""
    count, height, width, _ = frames.shape
    rows, columns = (max(codec.least_side, side + side % 2) for side in (height, width))
    padded = np.pad(frames, ((0, 0), (0, rows - height), (0, columns - width), (0, 0)), mode="edge")
    packets = _encode(padded, codec, settings)
    decoder = av.CodecContext.create(codec.decoder, "r")
    decoder.thread_count = 1
    pictures = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
    assert len(pictures) == count
    return np.stack([_to_rgb(picture)[:height, :width] for picture in pictures])


def _encode(frames: np.ndarray, codec: Codec, settings: dict[str, str]) -> list[av.Packet]:
    encoder = av.CodecContext.create(codec.encoder, "w")
    encoder.height, encoder.width, encoder.pix_fmt = *frames.shape[1:3], "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, _RATE), _RATE
    encoder.thread_count = 1
    encoder.options = codec.options | settings
    packets = []
    for index, frame in enumerate(frames):
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        to_yuv = {f"dst_{name}": value for name, value in _BT601.items()}
        picture = picture.reformat(format="yuv420p", interpolation=EXACT_COLOURS, **to_yuv)
        picture.pts, picture.time_base = index, encoder.time_base
        packets += encoder.encode(picture)
    return packets + encoder.encode(None)


def _to_rgb(picture: av.VideoFrame) -> np.ndarray:
    from_yuv = {f"src_{name}": value for name, value in _BT601.items()}
    return picture.reformat(format="rgb24", interpolation=EXACT_COLOURS, **from_yuv).to_ndarray()
