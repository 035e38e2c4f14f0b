"""Covering a video with overlapping tiles that fade into each other.

A video too long or too large for one pass is cut along time, height and width; a tile is one span of each.
The weights of an axis sum to 1 at every position, hence so do their products: the tiles' sum is the video.
"""

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

SPATIAL, TEMPORAL = 8, 4  # pixels and frames a latent position
PATCH = 2 * SPATIAL  # pixels a token of 2×2 latents: tiles start between tokens


@dataclass(frozen=True)
class Span:
    """Positions start … stop - 1 of an axis, with the weight (stop - start,) of each in the blend."""

    start: int
    stop: int
    weights: Tensor

    @property
    def slice(self) -> slice:
        """Of the axis itself."""
        return slice(self.start, self.stop)

    def latent_slice(self, compression: int) -> slice:
        """Of the same axis in latents. `stop - 1` serves both kinds: 4n + 1 frames and 8n pixels."""
        return slice(self.start // compression, (self.stop - 1) // compression + 1)


@dataclass(frozen=True)
class Tile:
    """One span of each axis."""

    frames: Span
    rows: Span
    columns: Span

    def of(self, video: Tensor) -> Tensor:
        """The tile of a video (…, T, H, W), as a view."""
        return video[..., self.frames.slice, self.rows.slice, self.columns.slice]

    def of_latents(self, latents: Tensor) -> Tensor:
        """The tile of latents (…, t, h, w), as a view."""
        rows, columns = self.rows.latent_slice(SPATIAL), self.columns.latent_slice(SPATIAL)
        return latents[..., self.frames.latent_slice(TEMPORAL), rows, columns]

    @property
    def weights(self) -> Tensor:
        """Of every pixel in the blend, (T, H, W) of the tile."""
        return torch.einsum("t,h,w->thw", self.frames.weights, self.rows.weights, self.columns.weights)


@dataclass(frozen=True)
class Tiling:
    """How large a tile may be, and how much of it neighbours share at least.

    Args:
        pixels, overlap: height and width of a tile, a multiple of 16.
        frames, frame_overlap: its length, 4n + 1.
    """

    pixels: int = 256
    overlap: int = 32
    frames: int = 17
    frame_overlap: int = 5

    def __post_init__(self):
        if self.pixels < PATCH or self.pixels % PATCH:
            raise ValueError(f"pixels={self.pixels}: no tile's size; allowed multiples of {PATCH}; try 256")
        if self.frames <= TEMPORAL or self.frames % TEMPORAL != 1:
            raise ValueError(f"frames={self.frames}: no tile's length; allowed 5, 9, 13, 17, …; try 17")
        if not 0 <= self.overlap <= self.pixels - PATCH:
            raise ValueError(f"overlap={self.overlap}: too much; allowed 0 to {self.pixels - PATCH}; try 0")
        most = self.frames - TEMPORAL
        if not 0 <= self.frame_overlap <= most:
            raise ValueError(f"frame_overlap={self.frame_overlap}: too much; allowed 0 to {most}; try 1")

    def cover(self, frames: int, height: int, width: int) -> list[Tile]:
        """The tiles of 4n + 1 frames of a height and width in multiples of 16; all of one time in a row."""
        time = spans(frames, self.frames, self.frame_overlap, TEMPORAL)
        rows, columns = (spans(side, self.pixels, self.overlap, PATCH) for side in (height, width))
        return [Tile(*each) for each in itertools.product(time, rows, columns)]


def spans(length: int, size: int, overlap: int, step: int) -> list[Span]:
    """Cover `length` positions with the fewest spans of `size` that overlap by at least `overlap`.

    Starts are multiples of `step` and spread evenly; neighbours fade into each other linearly. One span
    covers a length of at most `size`.
    """
    size = min(size, length)
    stride = (size - overlap) // step * step
    assert size == length or stride > 0, (size, overlap, step)
    assert (length - size) % step == 0, (length, size, step)
    count = 1 if size == length else 1 + math.ceil((length - size) / stride)
    last = (length - size) // step
    starts = [step * round(last * index / max(count - 1, 1)) for index in range(count)]
    neighbours = zip([None, *starts], starts, [*starts[1:], None], strict=False)
    ramps = torch.stack([_ramp(start, before, after, size, length) for before, start, after in neighbours])
    weights = ramps / ramps.sum(0)  # (count, length)
    return [
        Span(start, start + size, row[start : start + size])
        for start, row in zip(starts, weights, strict=True)
    ]


def _ramp(start: int, before: int | None, after: int | None, size: int, length: int) -> Tensor:
    """1 inside the span, 0 outside, rising and falling over what it shares with the spans beside it."""
    position = torch.arange(length) - start
    ramp = ((position >= 0) & (position < size)).float()
    if before is not None:
        ramp *= ((position + 1) / (before + size - start + 1)).clamp(0, 1)
    if after is not None:
        ramp *= ((size - position) / (start + size - after + 1)).clamp(0, 1)
    return ramp
