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

from cvsr.data.frame_source import FrameSource
from cvsr.data.scene_cuts import scene_cuts


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
        return iter(FrameSource(self.path, salvage=self.salvage, max_frames=len(self)))


def survey(path: str | PathLike, *, salvage: bool = False, max_frames: int | None = None) -> Footage:
    """Look through a video file, an image (one frame), an animation or a folder of frames, strictly.

    Args:
        path: the name of a local file or folder. Images of a folder are taken in natural order, 24 a second.
        salvage: from a damaged or cut-off video file take the frames that can be read.
        max_frames: take no more than this many, from the start (what comes after them is not checked).

    Raises:
        VideoError: one line on what is wrong with the file and what to do about it.
    """
    source, shape, count = FrameSource(path, salvage=salvage, max_frames=max_frames), (), 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal shape, count
        for frame in source:
            shape, count = frame.shape, count + 1
            yield frame

    starts = [0, *scene_cuts(counted())]
    return Footage(
        source.path,
        *shape[:2],
        source.fps,
        source.timestamps(count),
        source.metadata,
        source.audio,
        source.pixel_aspect,
        [range(start, stop) for start, stop in itertools.pairwise([*starts, count])],
        salvage,
    )
