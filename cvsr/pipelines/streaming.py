"""A video that comes in pieces, cut into chunks that overlap in time, redrawn and blended, in memory that stays flat.

Every chunk begins a fixed number of frames after the one before it, and needs to know of the video no more than
whether it goes on; only the last one is moved back, to end with the video and be as long as the others. So a stream
and a whole clip are cut alike, and what is remembered from chunk to chunk are the frames that two of them share.

Legend: B batch, T frames of a chunk, c latent channels.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from cvsr.pipelines.tiling import TEMPORAL, Tiling, fade, up


@dataclass(frozen=True)
class Chunk:
    """Some frames of the input, one latent frame and whole groups of four after it.

    Attributes:
        video: (B, 3, T, H, W), T = 4n + 1; at the end of a video its last frame is repeated.
        start: number of its first frame in the video, a multiple of 4.
        weights: (T,) in the blend, not yet divided by what the chunks over a frame sum to.
        done: so many of its frames are shown by no later chunk; repeated ones do not count.
    """

    video: Tensor
    start: int
    weights: Tensor
    done: int

    @property
    def latents(self) -> slice:
        """Its latent frames among those of the video."""
        first = self.start // TEMPORAL
        return slice(first, first + 1 + (self.video.shape[2] - 1) // TEMPORAL)


def cut(pieces: Iterable[Tensor], tiling: Tiling) -> Iterator[Chunk]:
    """The chunks of a video that comes in pieces (B, 3, T, H, W) of any lengths T ≥ 1.

    Raises:
        ValueError: no piece, one that is no video, or one of another size than the first.
    """
    size, stride = tiling.frames, tiling.stride
    pieces = _checked(pieces)
    ahead, start, shared, ended = None, 0, 0, False  # `ahead`: the frames from `start` on
    while True:
        while not ended and (ahead is None or ahead.shape[2] < stride + size):
            piece = next(pieces, None)
            ended = piece is None
            if piece is not None:
                ahead = piece if ahead is None else torch.cat([ahead, piece], dim=2)
        if ahead is None:
            raise ValueError(
                "pieces=[]: no frame came; allowed one piece (B, 3, T, H, W) or more; try [video]"
            )
        count = ahead.shape[2]
        length = up(count - 1, TEMPORAL) + 1
        step, own = min(stride, length - size), min(size, length)  # the last chunk steps no further
        video = ahead[:, :, torch.arange(own).clamp(max=count - 1)]
        if step <= 0:
            yield Chunk(video, start, fade(own, shared, 0), count)
            return
        yield Chunk(video, start, fade(own, shared, size - step), step)
        ahead, start, shared = ahead[:, :, step:], start + step, size - step


def _checked(pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    first = None
    for piece in pieces:
        check_video(piece)
        first = first or (len(piece), *piece.shape[3:])
        if (len(piece), *piece.shape[3:]) != first:
            raise ValueError(
                f"video={tuple(piece.shape)}: another batch or size than the pieces before; allowed"
                f" ({first[0]}, 3, T, {first[1]}, {first[2]}); try a stream for each video"
            )
        yield piece


def check_video(video: Tensor) -> None:
    """ValueError unless it is a video (B, 3, T, H, W) with something in it."""
    if video.ndim != 5 or video.shape[1] != 3 or not video.numel():
        raise ValueError(f"video={tuple(video.shape)}: no video; allowed (B, 3, T, H, W); try video[None]")


class FrameNoise:
    """The noise of latent frames, drawn in their order one at a time, so that no draw depends on a video's length.

    Chunks that share frames get the same noise for them: they start alike, and agree where they are blended.

    Args:
        draw: the noise of the next latent frame, (B, c, 1, h, w).
    """

    def __init__(self, draw: Callable[[], Tensor]):
        self.draw, self.start, self.frames = draw, 0, []

    def of(self, frames: slice) -> Tensor:
        """(B, c, t, h, w) of some latent frames; those before them are forgotten."""
        self.frames, self.start = self.frames[frames.start - self.start :], frames.start
        while len(self.frames) < frames.stop - frames.start:
            self.frames.append(self.draw())
        return torch.cat(self.frames, dim=2)


class Blend:
    """The weighted sum of chunks, handed out as soon as no later chunk can change it."""

    def __init__(self):
        self.sum: Tensor | None = None  # of the frames that the next chunk shows, too
        self.weights: Tensor | None = None

    def add(self, result: Tensor, chunk: Chunk) -> Tensor:
        """The finished frames (B, 3, chunk.done, H, W), from a chunk's result (B, 3, T, H, W) and all before."""
        weights = chunk.weights.to(result, copy=True)
        total = result * weights[:, None, None]
        if self.sum is not None:
            total[:, :, : len(self.weights)] += self.sum
            weights[: len(self.weights)] += self.weights
        self.sum, self.weights = total[:, :, chunk.done :].clone(), weights[chunk.done :]
        return total[:, :, : chunk.done] / weights[: chunk.done, None, None]
