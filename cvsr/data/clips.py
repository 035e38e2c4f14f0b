"""Random access into the clips of a data set, through decord.

decord is fast and trusting: it reads cut-off and shifted files without a word. So clips are checked once,
with `check_clip`, when a data set is built, and only then read with `ClipReader`. Files that a user names
never come here (see `cvsr.data.video.read_video`).

decord's colours are those of FFmpeg's fast path: about one level darker than `read_video`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import index as as_index
from os import PathLike

import cv2  # noqa: F401 (before decord: loaded after it, OpenCV finds decord's zlib and reads no PNG)
import decord
import numpy as np

from cvsr.data.decoding import VideoReader
from cvsr.data.files import VideoError, input_path

_COMPARE_EVERY = 40  # frames; some files come out grey where decord seeks into an open group of pictures
_SAME_FRAME = 5.0  # mean levels; decord's colour conversion alone differs by up to 3


@dataclass(frozen=True)
class ClipInfo:
    """What a checked clip holds: number of frames, size in pixels, average frames a second."""

    frames: int
    height: int
    width: int
    fps: Fraction


def check_clip(path: str | PathLike) -> ClipInfo:
    """Decode a clip strictly from end to end, and see that decord counts and shows the same frames.

    Raises `VideoError` where either fails: such a clip does not belong into a data set.
    """
    kept: dict[int, np.ndarray] = {}
    with VideoReader(path) as reader:
        for index, (image, _) in enumerate(reader):
            if index % _COMPARE_EVERY == _COMPARE_EVERY - 1:
                kept[index] = image.astype(np.int16)
    count, (height, width) = index + 1, image.shape[:2]  # at least one frame, or the reader had raised
    with ClipReader(path) as clip:
        seen = (len(clip), *clip.get([0]).shape[1:3])
    if seen != (count, height, width):
        holds = f"(frames, height, width) {seen} where the file holds {(count, height, width)}"
        raise VideoError(f"path={path}: decord sees {holds}; encode it anew as mp4")
    for index, image in kept.items():
        with ClipReader(path) as clip:  # a fresh one, so that it has to seek
            levels = np.abs(clip.get([index])[0] - image).mean()
        if levels > _SAME_FRAME:
            raise VideoError(
                f"path={path}: decord's frame {index} is {levels:.0f} levels off; encode it anew as mp4"
            )
    return ClipInfo(count, height, width, reader.fps)


class ClipReader:
    """Frames of a checked clip by number. Open it where it is used, for a short time, in a `with` block.

    Args:
        path: a clip that `check_clip` has passed.
        width, height: enlarge or reduce to this size while decoding (both or neither).
    """

    def __init__(self, path: str | PathLike, *, width: int | None = None, height: int | None = None):
        if (width, height) != (None, None) and not (width and height and min(width, height) > 0):
            raise VideoError(f"width={width}, height={height}: give both, 1 or more, or neither")
        self.path = input_path(path)
        try:
            size = {"width": width or -1, "height": height or -1}
            self._reader = decord.VideoReader(str(self.path), decord.cpu(0), **size, num_threads=1)
        except Exception as error:  # decord has one error, many lines long, for everything
            raise VideoError(f"path={path}: decord cannot open it; encode it anew as H.264 mp4") from error
        self.fps = Fraction(self._reader.get_avg_fps()).limit_denominator(1001)

    def __enter__(self) -> "ClipReader":
        return self

    def __exit__(self, *_) -> None:
        self._reader = None  # decord frees its frames with the reader

    def __len__(self) -> int:
        return len(self._reader)

    def get(self, indices: Sequence[int]) -> np.ndarray:
        """Frames uint8 (T, H, W, 3) of rising `indices` (decord itself takes -1, 1.5 and nothing at all)."""
        try:
            wanted = [as_index(index) for index in indices]
        except TypeError:
            raise VideoError(f"indices={indices}: not whole numbers; allowed 0 to {len(self) - 1}") from None
        if not wanted or wanted != sorted(set(wanted)) or wanted[0] < 0 or wanted[-1] >= len(self):
            raise VideoError(f"indices={wanted}: must rise within 0 to {len(self) - 1}; sort them")
        try:
            frames = self._reader.get_batch(wanted).asnumpy()  # (T, H, W, 3)
        except Exception as error:
            problem = "decord cannot decode it at this size (it fails at a width of 48)"
            raise VideoError(f"path={self.path}: {problem}; try another width, or encode it anew") from error
        self._reader.seek(0)  # or decord decodes the rest of the clip into memory in the background
        return frames
