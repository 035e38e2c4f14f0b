"""H.264: real video compression, whose damage depends on motion and lives from frame to frame.

RealBasicVSR (Chan et al. 2022) adds it to the degradations of pictures.
"""

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.random import Generator

from cvsr.data.degradations.ranges import Range, check_range, uniform_integer
from cvsr.data.ffmpeg import EXACT_COLOURS

_RATE = 24  # frames a second; x264 weighs frames by how long they are seen
_BT601 = {"colorspace": Colorspace.ITU601, "color_range": ColorRange.MPEG}


@dataclass(frozen=True)
class H264:
    """Compression by x264 with a constant rate factor `crf`, 0 (lossless but for chroma) to 51."""

    crf: int

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), compressed and decompressed, as yuv420p; an odd side is made even in between."""
        count, height, width, _ = frames.shape
        even = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        packets = self._encode(even)
        decoder = av.CodecContext.create("h264", "r")
        decoder.thread_count = 1
        pictures = [picture for packet in [*packets, None] for picture in decoder.decode(packet)]
        assert len(pictures) == count
        return np.stack([_to_rgb(picture)[:height, :width] for picture in pictures])

    def _encode(self, frames: np.ndarray) -> list[av.Packet]:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.height, encoder.width, encoder.pix_fmt = *frames.shape[1:3], "yuv420p"
        encoder.time_base = Fraction(1, _RATE)
        encoder.thread_count = 1  # the result depends on the number of threads
        # Without mbtree: with it, x264's result for small frames varies with what the memory held before.
        encoder.options = {"crf": str(self.crf), "preset": "medium", "mbtree": "0"}
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


@dataclass(frozen=True)
class RandomH264:
    """Compressions of constant rate factors `crf`: 18 is hardly seen, 35 is a poor stream."""

    crf: Range = (18, 35)

    def __post_init__(self):
        check_range("crf", self.crf, 0, 51)

    def sample(self, rng: Generator, size: tuple[int, int]) -> H264:
        """Draw a constant rate factor."""
        return H264(uniform_integer(rng, self.crf))
