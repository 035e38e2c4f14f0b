"""A video that need not fit into memory: looked through once, strictly, and then read as often as is wanted.

    footage = survey("clip.mp4")
    for scene in footage.scenes:
        for frame in itertools.islice(frames, len(scene)): …       # frames = iter(footage)

The first pass finds what is wrong with a file before any long work, and learns what that work has to know: how many
frames there are, when each is shown, and where scenes end. For videos in memory see `cvsr.data.video`.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path

import numpy as np

from cvsr.data.decoding import DEFAULT_FPS, VideoReader
from cvsr.data.files import VideoError, input_path
from cvsr.data.images import READ_SUFFIXES, frame_files, read_frames, read_image
from cvsr.data.scene_cuts import scene_cuts
from cvsr.data.video import alike, frame_rate


@dataclass
class Footage:
    """What is known of a video after one pass over it; iterating reads its frames, uint8 (H, W, 3).

    Attributes:
        path: where it is read from.
        height, width: of its frames, upright, in pixels.
        fps, timestamps, metadata, audio, pixel_aspect: as of a `cvsr.data.video.Video`.
        scenes: the numbers of the frames of each, in order.
        salvage: whether what is damaged is left out.
    """

    path: Path
    height: int
    width: int
    fps: Fraction
    timestamps: list[Fraction]
    metadata: dict
    audio: Path | None
    pixel_aspect: Fraction
    scenes: list[range]
    salvage: bool = False

    def __len__(self) -> int:
        return len(self.timestamps)

    def __iter__(self) -> Iterator[np.ndarray]:
        return itertools.islice(_Source(self.path, self.salvage), len(self))


def survey(path: str | PathLike, *, salvage: bool = False, max_frames: int | None = None) -> Footage:
    """Look through a video file, an image (one frame), an animation or a folder of frames, strictly.

    Args:
        path: the name of a local file or folder. Images of a folder are taken in natural order, 24 a second.
        salvage: from a damaged or cut-off video file take the frames that can be read.
        max_frames: take no more than this many, from the start (what comes after them is not checked).

    Raises:
        VideoError: one line on what is wrong with the file and what to do about it.
    """
    if max_frames is not None and max_frames < 1:
        raise VideoError(f"max_frames={max_frames}: nothing to read; allowed 1 or more, or None for all")
    source, shape, count = _Source(input_path(path), salvage), None, 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal shape, count
        for frame in alike(itertools.islice(source, max_frames), source.path):
            shape, count = frame.shape, count + 1
            yield frame

    starts = [0, *scene_cuts(counted())]
    if shape is None:
        raise VideoError(f"path={source.path}: no frame can be read; make or download it again")
    seconds = source.seconds if len(source.seconds) == count else None  # None: a folder, or a picture
    fps = source.fps if salvage and source.fps else frame_rate(source.fps, seconds)  # salvaged frames leave gaps
    return Footage(
        source.path,
        *shape[:2],
        fps,
        seconds or [index / fps for index in range(count)],
        source.metadata,
        source.audio,
        source.pixel_aspect,
        [range(start, stop) for start, stop in itertools.pairwise([*starts, count])],
        salvage,
    )


class _Source:
    """Frames of whatever a path names; what else it holds is known when they have been read."""

    def __init__(self, path: Path, salvage: bool):
        self.path, self.salvage = path, salvage
        self.fps: Fraction | None = None
        self.seconds: list[Fraction] = []
        self.metadata: dict = {}
        self.audio: Path | None = None
        self.pixel_aspect = Fraction(1)

    def __iter__(self) -> Iterator[np.ndarray]:
        if self.path.is_dir():
            files = frame_files(self.path)
            self.fps, self.metadata = DEFAULT_FPS, read_image(files[0], 1)[2]
            yield from read_frames(files)
        elif self.path.suffix.lower() in READ_SUFFIXES:
            frames, seconds, self.metadata = read_image(self.path)
            for index, frame in enumerate(frames):
                self.seconds += seconds[index : index + 1] if seconds else []
                yield frame
        else:
            with VideoReader(self.path, salvage=self.salvage) as reader:
                self.fps, self.metadata = reader.fps, reader.metadata
                self.audio = self.path if reader.has_audio else None
                for frame, second in reader:
                    self.pixel_aspect = reader.pixel_aspect
                    self.seconds.append(second)
                    yield frame
