"""Shifted 3D windows of any size: where they lie, and the order of tokens that puts each window's together.

SeedVR's attention (section 3.1) cuts a video's tokens into large windows, in every second layer into windows
moved by half a window, and lets the windows at the borders be smaller: no padding, no mask, any length and
size. Two rules say how large a window is; everything else follows from the size.

Legend: T Y X tokens along time, height and width, n = T·Y·X; a span (start, stop) is a piece of an axis.
"""

import itertools
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

Size = tuple[int, int, int]  # along time, height and width
Span = tuple[int, int]


class WindowRule(ABC):
    """How large a window is in a video of a given size."""

    @abstractmethod
    def window(self, size: Size) -> Size:
        """The window (t, y, x) in tokens for a video of (T, Y, X) tokens; it may be larger than the video."""


@dataclass(frozen=True)
class FixedWindow(WindowRule):
    """One window for all videos; the paper's is 5×64×64 latent positions (section 3.1 and table 4)."""

    size: Size

    def __post_init__(self):
        if len(self.size) != 3 or min(self.size) < 1:
            raise ValueError(f"size={self.size}: no window; allowed three numbers >= 1; try (5, 32, 32)")

    def window(self, size: Size) -> Size:
        """The same whatever the video."""
        return self.size


@dataclass(frozen=True)
class AdaptiveWindow(WindowRule):
    """A fixed number of windows in a video of the shape of 45×80 tokens, more in a longer or slimmer one.

    The released models' rule: the picture is thought of scaled to `reference` positions, its shape kept, and cut
    into `counts` pieces; so a window holds about as many tokens whatever the resolution.

    Args:
        counts: windows along time, height and width.
        reference: tokens of the picture that the counts are meant for, 720p in patches of 16 pixels.
        frames: latent frames that the count along time is meant for; a longer video has more windows.
    """

    counts: Size = (4, 3, 3)
    reference: int = 45 * 80
    frames: int = 30

    def __post_init__(self):
        if len(self.counts) != 3 or min(self.counts) < 1:
            raise ValueError(f"counts={self.counts}: no windows; allowed three numbers >= 1; try (4, 3, 3)")

    def window(self, size: Size) -> Size:
        """⌈min(T, frames) / counts⌉ along time, ⌈round(side · scale) / counts⌉ along height and width."""
        frames, height, width = size
        scale = math.sqrt(self.reference / (height * width))
        return (
            math.ceil(min(frames, self.frames) / self.counts[0]),
            max(1, math.ceil(round(height * scale) / self.counts[1])),
            max(1, math.ceil(round(width * scale) / self.counts[2])),
        )


def axis_spans(length: int, window: int, shifted: bool) -> list[Span]:
    """Cut an axis into windows; shifted ones begin half a window earlier, and the first and last are smaller.

    An axis no longer than the window is one span, shifted or not.

    Raises:
        ValueError: a length or window below 1.
    """
    if length < 1 or window < 1:
        raise ValueError(f"length={length}, window={window}: nothing to cut; allowed numbers >= 1")
    move = 0.5 if shifted and window < length else 0.0
    count = math.ceil(length / window + move)
    edges = [(max(int((i - move) * window), 0), min(int((i - move + 1) * window), length)) for i in range(count)]
    return [(start, stop) for start, stop in edges if stop > start]


@dataclass(frozen=True, eq=False)
class Partition:
    """The windows of one video: where each token goes so that a window's tokens follow each other.

    Windows of the same shape stand together. `x[order]` puts tokens x (n, …) of a T × Y × X grid in window
    order, `packed[inverse]` puts them back.

    Attributes:
        spans: the three spans of each window, in the order of the tokens.
        order: (n,) token of the grid that stands at each place.
        inverse: (n,) place of each token of the grid.
        lengths: tokens of each window.
        coordinates: (n, 3) position of each token inside its window, in window order: what its rotary
            embedding is made from (section 3.1).
    """

    spans: tuple[tuple[Span, Span, Span], ...]
    order: Tensor
    inverse: Tensor
    lengths: tuple[int, ...]
    coordinates: Tensor


@lru_cache(maxsize=64)
def partition(size: Size, rule: WindowRule, shifted: bool) -> Partition:
    """Cut a video of `size` tokens into the windows of a rule; shifted as in every second layer.

    Raises:
        ValueError: an axis without tokens.
    """
    axes = [axis_spans(length, part, shifted) for length, part in zip(size, rule.window(size), strict=True)]
    boxes = sorted(itertools.product(*axes), key=_shape)  # stable: within a shape as they lie
    grid = torch.arange(math.prod(size)).view(size)
    pieces, places = [], []
    for box in boxes:
        pieces.append(grid[tuple(slice(*span) for span in box)].flatten())
        axes_inside = [torch.arange(stop - start, dtype=torch.float32) for start, stop in box]
        places.append(torch.stack(torch.meshgrid(*axes_inside, indexing="ij"), dim=-1).flatten(0, 2))
    order = torch.cat(pieces)
    return Partition(
        spans=tuple(boxes),
        order=order,
        inverse=order.argsort(),
        lengths=tuple(len(piece) for piece in pieces),
        coordinates=torch.cat(places),
    )


@dataclass(frozen=True)
class Packing:
    """Every window of every clip with that clip's text behind it, as segments for `attend`.

    The rows are the video tokens of all clips, one clip after the other and each in the order of its grid (n), and
    then the text tokens of all clips (M). Segments of one length stand together.

    Attributes:
        rows: (N,) which row stands at each place of the packed sequence; a text token stands in every window.
        lengths: tokens of each segment.
        video_places: (n,) where each video token stands.
        text_places: (K,) where the copies of the text tokens stand, token by token.
        copies: (M,) how many copies each text token has: the windows of its clip.
    """

    rows: Tensor
    lengths: tuple[int, ...]
    video_places: Tensor
    text_places: Tensor
    copies: Tensor

    def to(self, device: torch.device) -> "Packing":
        """The same on another device."""
        tensors = ("rows", "video_places", "text_places", "copies")
        return replace(self, **{name: getattr(self, name).to(device) for name in tensors})


@lru_cache(maxsize=64)
def pack_with_text(cuts: tuple[Partition, ...], text_lengths: tuple[int, ...]) -> Packing:
    """Pack the windows of clips of any sizes, each clip with a text of any length: nothing is padded.

    Raises:
        ValueError: not one text a clip.
    """
    if len(cuts) != len(text_lengths):
        raise ValueError(f"text_lengths={text_lengths}: allowed one for each of {len(cuts)} clips")
    video_tokens = sum(len(cut.order) for cut in cuts)
    segments, video_start, text_start = [], 0, video_tokens
    for cut, length in zip(cuts, text_lengths, strict=True):
        text = torch.arange(text_start, text_start + length)
        windows = cut.order.split(cut.lengths)
        segments += [torch.cat([window + video_start, text]) for window in windows]
        video_start, text_start = video_start + len(cut.order), text_start + length
    segments.sort(key=len)
    packed = torch.cat(segments)
    places = packed.argsort(stable=True)  # of the video tokens first, then of each text token's copies
    return Packing(
        rows=packed,
        lengths=tuple(len(segment) for segment in segments),
        video_places=places[:video_tokens],
        text_places=places[video_tokens:],
        copies=torch.bincount(packed)[video_tokens:],
    )


def _shape(box: tuple[Span, Span, Span]) -> Size:
    return tuple(stop - start for start, stop in box)
