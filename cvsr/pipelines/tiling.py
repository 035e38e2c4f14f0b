"""Covering a long axis with overlapping spans that fade into each other.

A video too long or too large for one pass is cut along time, height and width; a tile is one span of each.
The weights of an axis sum to 1 at every position, hence so do their products: the tiles' sum is the video.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


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


def spans(length: int, size: int, overlap: int, step: int) -> list[Span]:
    """Cover `length` positions with the fewest spans of `size` that overlap by at least `overlap`.

    Starts are multiples of `step` and spread evenly; neighbours fade into each other linearly. One span covers
    a length of at most `size`.
    """
    size = min(size, length)
    stride = (size - overlap) // step * step
    assert size == length or stride > 0, (size, overlap, step)
    assert (length - size) % step == 0, (length, size, step)
    count = 1 if size == length else 1 + math.ceil((length - size) / stride)
    last = (length - size) // step
    starts = [step * round(last * index / max(count - 1, 1)) for index in range(count)]
    ramps = torch.stack(
        [_ramp(start, before, after, size, length) for before, start, after in _neighbours(starts)]
    )
    weights = ramps / ramps.sum(0)  # (count, length)
    return [
        Span(start, start + size, row[start : start + size])
        for start, row in zip(starts, weights, strict=True)
    ]


def _neighbours(starts: list[int]) -> list[tuple[int | None, int, int | None]]:
    return list(zip([None, *starts], starts, [*starts[1:], None], strict=False))


def _ramp(start: int, before: int | None, after: int | None, size: int, length: int) -> Tensor:
    """1 inside the span, 0 outside, rising and falling over what it shares with the spans beside it."""
    position = torch.arange(length) - start
    ramp = ((position >= 0) & (position < size)).float()
    if before is not None:
        ramp *= ((position + 1) / (before + size - start + 1)).clamp(0, 1)
    if after is not None:
        ramp *= ((size - position) / (start + size - after + 1)).clamp(0, 1)
    return ramp
