"""Covering frames with overlapping tiles that fade into each other, and how long a chunk of them may be.

A video too large for one pass is cut along height and width; a tile is one span of each. The weights of an axis
sum to 1 at every position, hence so do their products: the tiles' sum is the video. One too long is cut in time as
well, by `cvsr.pipelines.streaming`, which need not know its length.
"""

import itertools
import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

SPATIAL, TEMPORAL = 8, 4  # pixels and frames a latent position
PATCH = 2 * SPATIAL  # pixels a token of 2×2 latents: tiles start between tokens
LEAST = 64  # pixels a side: smaller tiles save no more memory than they waste in overlaps


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
    """One span of each axis of a frame."""

    rows: Span
    columns: Span

    def of(self, video: Tensor) -> Tensor:
        """The tile of a video (…, H, W), as a view."""
        return video[..., self.rows.slice, self.columns.slice]

    def of_latents(self, latents: Tensor) -> Tensor:
        """The tile of latents (…, h, w), as a view."""
        return latents[..., self.rows.latent_slice(SPATIAL), self.columns.latent_slice(SPATIAL)]

    @property
    def weights(self) -> Tensor:
        """Of every pixel in the blend, (H, W) of the tile."""
        return torch.outer(self.rows.weights, self.columns.weights)

    @property
    def latent_weights(self) -> Tensor:
        """Of every latent position, (h, w) of the tile: the mean of its pixels'."""
        return F.avg_pool2d(self.weights[None], SPATIAL)[0]


@dataclass(frozen=True)
class Tiling:
    """How large a tile may be, and how much of it neighbours share at least.

    Args:
        pixels, overlap: height and width of a tile, a multiple of 16.
        frames, frame_overlap: the length of a chunk, 4n + 1.
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

    @property
    def stride(self) -> int:
        """Frames from the start of a chunk to the start of the next."""
        return (self.frames - self.frame_overlap) // TEMPORAL * TEMPORAL

    def chunks(self, frames: int) -> int:
        """How many chunks a video of so many frames is cut into."""
        return 1 + math.ceil(max(up(frames - 1, TEMPORAL) + 1 - self.frames, 0) / self.stride)

    def smaller(self) -> "Tiling | None":
        """What is tried next where memory is short: shorter chunks, then smaller tiles; None after the smallest."""
        if self.frames > TEMPORAL + 1:
            frames = self.frames - TEMPORAL
            return replace(self, frames=frames, frame_overlap=min(self.frame_overlap, frames - TEMPORAL))
        if self.pixels > LEAST:
            pixels = max(LEAST, self.pixels // 2 // PATCH * PATCH)
            return replace(self, pixels=pixels, overlap=min(self.overlap, pixels // 2))
        return None

    def cover(self, height: int, width: int) -> list[Tile]:
        """The tiles of frames of a height and width in multiples of 16."""
        rows, columns = (spans(side, self.pixels, self.overlap, PATCH) for side in (height, width))
        return [Tile(*each) for each in itertools.product(rows, columns)]


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
    ramps, total = [], torch.zeros(length)
    for before, start, after in neighbours:
        shared_before = 0 if before is None else before + size - start
        ramps.append(fade(size, shared_before, 0 if after is None else start + size - after))
        total[start : start + size] += ramps[-1]
    return [
        Span(start, start + size, ramp / total[start : start + size])
        for start, ramp in zip(starts, ramps, strict=True)
    ]


def fade(size: int, shared_before: int, shared_after: int) -> Tensor:
    """Weights (size,): 1, rising and falling linearly over what is shared with the neighbours on both sides."""
    position = torch.arange(size)
    rise = ((position + 1) / (shared_before + 1)).clamp(max=1)
    fall = ((size - position) / (shared_after + 1)).clamp(max=1)
    return rise * fall


def up(length: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-length // step) * step
