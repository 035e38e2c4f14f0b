"""Where one scene ends and the next begins, found in a video frame by frame.

A cut lies between two frames if every one of the few before it differs from every one of the few after it, and far more
than neighbours on either side do. So a flash is none, because what comes after it looks like what was before; nor is a
fade or a dissolve, whose neighbours look alike; nor a fast pan, whose frames all differ (the adaptive threshold of
PySceneDetect, with frames compared across the cut in place of a score a frame).
"""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

LOOK = 4  # frames on either side that are compared: flashes of fewer are none
LEAST = 0.4  # of a difference that is a cut: between real clips it is 0.6 and more, between neighbours in one below 0.2
TIMES = 2.5  # as much as neighbours usually differ
THUMBNAIL = 32  # pixels a side
BINS = (8, 4, 8)  # of hue, saturation and value
CONTRAST = 4.0  # mean difference of thumbnails, 0 to 1, becomes a difference of scenes, likewise


class Look(NamedTuple):
    """What is remembered of a frame."""

    thumbnail: np.ndarray  # (THUMBNAIL, THUMBNAIL), luma in [0, 1]
    histogram: np.ndarray  # of colours, its sum 1


def scene_cuts(frames: Iterable[np.ndarray]) -> Iterator[int]:
    """The numbers of the frames that begin a new scene, in their order; the first frame is none of them.

    Args:
        frames: uint8 (H, W, 3), RGB. Of no more than eight is anything remembered at a time.
    """
    seen: deque[Look] = deque(maxlen=2 * LOOK)
    number = -1
    for number, frame in enumerate(frames):
        seen.append(_look(frame))
        at = number - LOOK + 1  # with this frame, all that are compared behind it are there
        if at > 0 and _is_cut(list(seen), min(at, LOOK)):
            yield at
    for at in range(max(1, number - LOOK + 2), number + 1):  # near the end there are fewer
        last = list(seen)[-(number + 1 - at + min(at, LOOK)) :]
        if _is_cut(last, min(at, LOOK)):
            yield at


def _look(frame: np.ndarray) -> Look:
    small = cv2.resize(frame, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    colours = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    histogram = cv2.calcHist([colours], [0, 1, 2], None, list(BINS), [0, 180, 0, 256, 0, 256])
    return Look(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) / 255.0, histogram / THUMBNAIL**2)


def _is_cut(seen: list[Look], before: int) -> bool:
    """Whether a cut lies behind the first `before` frames."""
    least = min(_difference(a, b) for a in seen[:before] for b in seen[before:])
    sides = (seen[:before], seen[before:])
    usual = [_difference(a, b) for side in sides for a, b in itertools.pairwise(side)]
    return least > max(LEAST, TIMES * float(np.median(usual or [0.0])))


def _difference(a: Look, b: Look) -> float:
    """0 for equal frames to 1: half of it for their colours, wherever they are, half for what is where."""
    colours = np.abs(a.histogram - b.histogram).sum() / 2
    places = min(1.0, CONTRAST * np.abs(a.thumbnail - b.thumbnail).mean())
    return float(colours + places) / 2
