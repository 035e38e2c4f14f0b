"""The frames of whatever a path names, one by one: a video file, an image, an animation, or a folder of frames."""

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path

import numpy as np

from cvsr.data.decoding import DEFAULT_FPS, VideoReader
from cvsr.data.files import VideoError, input_path
from cvsr.data.images import READ_SUFFIXES, frame_files, read_frames, read_image


class FrameSource:
    """Iterating reads frames, uint8 (H, W, 3), all of one size; what else the path holds is known afterwards.

    Args:
        path: the name of a local file or folder. Images of a folder are taken in natural order, 24 a second.
        salvage: from a damaged or cut-off video file take the frames that can be read.
        max_frames: take no more than this many, from the start (what comes after them is not checked).

    Attributes:
        expected: about how many frames come, known before the first; None where a file does not tell.
        seconds: when each frame is shown, of those that have a clock.
        metadata, audio, pixel_aspect: as of a `cvsr.data.video.Video`.

    Raises:
        VideoError: one line on what is wrong with the file and what to do about it.
    """

    def __init__(self, path: str | PathLike, *, salvage: bool = False, max_frames: int | None = None):
        if max_frames is not None and max_frames < 1:
            raise VideoError(f"max_frames={max_frames}: nothing to read; allowed 1 or more, or None for all")
        self.path, self.salvage, self.max_frames = input_path(path), salvage, max_frames
        self.expected: int | None = None
        self.seconds: list[Fraction] = []
        self.metadata: dict = {}
        self.audio: Path | None = None
        self.pixel_aspect = Fraction(1)
        self._fps: Fraction | None = None

    @property
    def fps(self) -> Fraction:
        """The header's frame rate, unless there is none or the timestamps tell of another."""
        seconds = self.seconds
        if len(seconds) < 2 or (self.salvage and self._fps):  # salvaged frames leave gaps
            return self._fps or DEFAULT_FPS
        measured = (len(seconds) - 1) / (seconds[-1] - seconds[0])
        if self._fps is not None and abs(measured - self._fps) <= self._fps / 20:
            return self._fps
        return min(max(measured, Fraction(1, 100)), Fraction(1000)).limit_denominator(1001)

    def timestamps(self, count: int) -> list[Fraction]:
        """When each of the frames is shown; where they have no clock, in equal steps."""
        return self.seconds if len(self.seconds) == count else [index / self.fps for index in range(count)]

    def __iter__(self) -> Iterator[np.ndarray]:
        count = 0
        for frame in self._alike(itertools.islice(self._frames(), self.max_frames)):
            count += 1
            yield frame
        if not count:
            raise VideoError(f"path={self.path}: no frame can be read; make or download it again")

    def _frames(self) -> Iterator[np.ndarray]:
        self.seconds = []
        if self.path.is_dir():
            files = frame_files(self.path)
            self._fps, self.expected, self.metadata = DEFAULT_FPS, len(files), read_image(files[0], 1)[2]
            yield from read_frames(files)
        elif self.path.suffix.lower() in READ_SUFFIXES:
            frames, seconds, self.metadata = read_image(self.path, self.max_frames)
            self.expected = len(frames)
            for index, frame in enumerate(frames):
                self.seconds += seconds[index : index + 1] if seconds else []
                yield frame
        else:
            with VideoReader(self.path, salvage=self.salvage) as reader:
                self._fps, self.expected, self.metadata = reader.fps, reader.frames, reader.metadata
                self.audio = self.path if reader.has_audio else None
                for frame, second in reader:
                    self.pixel_aspect = reader.pixel_aspect
                    self.seconds.append(second)
                    yield frame

    def _alike(self, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        shape = None
        for index, image in enumerate(images):
            shape = shape or image.shape
            if image.shape != shape:
                sizes = "{1}x{0} to {3}x{2}".format(*shape[:2], *image.shape[:2])
                problem = f"the size changes from {sizes} at frame {index}"
                raise VideoError(f"path={self.path}: {problem}; make all frames alike")
            yield image
