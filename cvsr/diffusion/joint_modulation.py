"""Multi-patch joint modulation: one prediction for a large frame out of those of many patches (PatchVSR section 3.3).

The frame is shared out among segments, which do not overlap, and each is seen in a patch of the size that the network
was made for. Auxiliary patches of the same size bridge every line between two segments. In every step of sampling the
predictions of all patches are blended:

    segments     |         0         |         1         |         2         |
    auxiliary              |         a         |         b         |             halves of neighbours
    weight of a            0    ⟋    1    ⟍    0                                 falls from its centre line to its sides
    weight of 1                      0    ⟋    1    ⟍    0                       what is left

Two others show what that is good for: "stitched" has the segments only, each for itself; "averaged" counts everything
that a patch shows alike, as MultiDiffusion does (Bar-Tal et al. 2023, section 4). In all three the weights sum to 1 at
every position, along each axis and hence over the frame: an auxiliary patch of both axes bridges a corner.

Any size: an axis shorter than a patch is one patch of its own length. One that is no multiple has the fewest patches
that cover it, spread evenly, so that they overlap a little; its segments end in the middle of what two patches share.
Positions are those of whatever is predicted: pixels, latents or tokens.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Predict = Callable[[list["Patch"]], Iterable[Tensor]]  # the prediction (…, p, q) for each of some patches


@dataclass(frozen=True)
class Window:
    """Positions from `start` on of an axis, and the weight (p,) of each in the blend."""

    start: int
    weights: Tensor

    @property
    def stop(self) -> int:
        """The position after its last."""
        return self.start + len(self.weights)

    @property
    def slice(self) -> slice:
        """Of the axis."""
        return slice(self.start, self.stop)


@dataclass(frozen=True)
class Patch:
    """One window of each axis of a frame."""

    rows: Window
    columns: Window

    def of(self, frame: Tensor) -> Tensor:
        """The patch (…, p, q) of a frame (…, h, w), as a view."""
        return frame[..., self.rows.slice, self.columns.slice]

    @property
    def weights(self) -> Tensor:
        """Of its positions in the blend, (p, q)."""
        return torch.outer(self.rows.weights, self.columns.weights)

    def place(self, height: int, width: int) -> tuple[float, float, float, float]:
        """Its top, left, bottom and right edge in a frame, as shares of the frame's height and width."""
        rows, columns = self.rows, self.columns
        return rows.start / height, columns.start / width, rows.stop / height, columns.stop / width


def cover(height: int, width: int, size: int, joining: str = "joint") -> list[Patch]:
    """The patches of a frame, `size` positions a side or the frame's where it is smaller.

    Raises:
        ValueError: an unknown joining, a frame without positions, or patches without halves.
    """
    if joining not in JOININGS:
        raise ValueError(f"joining={joining!r}: unknown; allowed {list(JOININGS)}; try 'joint'")
    for name, value, least in (("height", height, 1), ("width", width, 1), ("size", size, 2)):
        if value < least:
            raise ValueError(f"{name}={value}: too small; allowed numbers >= {least}; try {name}=16")
    axes = (JOININGS[joining](side, size) for side in (height, width))
    return [Patch(*windows) for windows in itertools.product(*axes)]


def join(predict: Predict, patches: Sequence[Patch], height: int, width: int, at_once: int) -> Tensor:
    """The blended prediction (…, height, width), asked for of `at_once` patches a time.

    Neither their order nor how many are asked for at once changes it, up to rounding.
    """
    joined = None
    for group in in_groups(patches, at_once):
        for patch, prediction in zip(group, predict(group), strict=True):
            if joined is None:
                joined = prediction.new_zeros(*prediction.shape[:-2], height, width)
            patch.of(joined).addcmul_(prediction, patch.weights.to(prediction))
    assert joined is not None, "no patch"
    return joined


def in_groups(patches: Sequence[Patch], at_once: int) -> Iterator[list[Patch]]:
    """Groups of `at_once` patches, the last of what is left."""
    assert at_once >= 1, at_once
    for first in range(0, len(patches), at_once):
        yield list(patches[first : first + at_once])


def joint(length: int, size: int) -> list[Window]:
    """Segments and the auxiliary patches between them, whose weights fall linearly from their centre lines."""
    size, lines = min(size, length), centre_lines(length, size)
    positions = torch.arange(length) + 0.5
    bridges = [(1 - 2 * (positions - line).abs() / size).clamp(min=0) for line in lines]
    left = 1 - sum(bridges, torch.zeros(length))
    segments = [Window(each.start, each.weights * left[each.slice]) for each in stitched(length, size)]
    starts = [line - size // 2 for line in lines]
    return segments + [Window(at, bridge[at : at + size]) for at, bridge in zip(starts, bridges, strict=True)]


def averaged(length: int, size: int) -> list[Window]:
    """The same patches, each as important as all others that show a position."""
    windows = joint(length, size)
    count = torch.zeros(length)
    for window in windows:
        count[window.slice] += 1
    return [Window(window.start, 1 / count[window.slice]) for window in windows]


def stitched(length: int, size: int) -> list[Window]:
    """Segments alone, one beside the other."""
    size = min(size, length)
    edges = itertools.pairwise([0, *centre_lines(length, size), length])
    windows = []
    for start, (first, last) in zip(_starts(length, size), edges, strict=True):
        weights = torch.zeros(size)
        weights[first - start : last - start] = 1
        windows.append(Window(start, weights))
    return windows


JOININGS = {"joint": joint, "averaged": averaged, "stitched": stitched}


def borders(length: int, size: int, joining: str = "joint") -> list[int]:
    """Where, inside of an axis, the part of a patch in the blend begins or ends: what may be seen as a seam."""
    found = set()
    for window in JOININGS[joining](length, size):
        shown = window.start + window.weights.nonzero()
        found |= {int(shown.min()), int(shown.max()) + 1} if len(shown) else set()
    return sorted(found - {0, length})


def centre_lines(length: int, size: int) -> list[int]:
    """Where one segment of an axis ends and the next begins."""
    pairs = itertools.pairwise(_starts(length, size))
    return [(before + after + size) // 2 for before, after in pairs]  # the middle of what both patches show


def _starts(length: int, size: int) -> list[int]:
    """Of the fewest patches that cover an axis, spread evenly."""
    last, count = max(length - size, 0), math.ceil(length / size)
    return [round(last * index / max(count - 1, 1)) for index in range(count)]
