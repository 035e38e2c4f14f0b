"""A video that comes in pieces, cut into chunks that overlap in time, redrawn and blended, in memory that stays flat.

Every chunk begins a fixed number of frames after the one before it, and needs to know of the video no more than
whether it goes on; only the last one is moved back, to end with the video and be as long as the others. So a stream
and a whole clip are cut alike, and what is remembered from chunk to chunk are the frames that two of them share.
Noise is a function of a frame's number: nothing about a chunk depends on how the ones before it were made, and one that
was finished before can be left out.

Legend: B batch, T frames of a chunk, c latent channels.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.pipelines.tiling import TEMPORAL, Tiling, fade, up


@dataclass(frozen=True)
class Chunk:
    """Some frames of the input, one latent frame and whole groups of four after it.

    Attributes:
        video: (B, 3, T, H, W), T = 4n + 1; at the end of a video its last frame is repeated.
        start: number of its first frame in the video.
        weights: (T,) in the blend, not yet divided by what the chunks over a frame sum to.
        done: so many of its frames are shown by no later chunk; repeated ones do not count.
        last: whether the video ends with it.
    """

    video: Tensor
    start: int
    weights: Tensor
    done: int
    last: bool

    @property
    def moments(self) -> range:
        """For each of its latent frames, the number in the video of the last frame that it stands for."""
        return range(self.start, self.start + self.video.shape[2], TEMPORAL)


class Cutter:
    """Cuts chunks off a video that comes in pieces; how long each is may be decided when it is cut.

    Args:
        pieces: (B, 3, T, H, W) of any lengths T ≥ 1.
        start: number of the first frame, where the pieces are part of a longer video.
    """

    def __init__(self, pieces: Iterable[Tensor], start: int = 0):
        self.pieces, self.start = _checked(pieces), start
        self.ahead: Tensor | None = None  # the frames from `start` on
        self.shared = 0  # so many of them were shown by a chunk before
        self.ended = self.finished = False

    def cut(self, tiling: Tiling) -> Chunk:
        """The next chunk; the same again, or another length of it, until `advance`.

        Raises:
            ValueError: no piece, one that is no video, or one of another size than the first.
        """
        size, stride = tiling.frames, tiling.stride
        while not self.ended and (self.ahead is None or self.ahead.shape[2] < stride + size):
            piece = next(self.pieces, None)
            self.ended = piece is None
            if piece is not None:
                self.ahead = piece if self.ahead is None else torch.cat([self.ahead, piece], dim=2)
        if self.ahead is None:
            raise ValueError("pieces=[]: no frame came; allowed one piece (B, 3, T, H, W) or more; try [video]")
        count = self.ahead.shape[2]
        length = up(count - 1, TEMPORAL) + 1
        step, own = min(stride, length - size), min(size, length)  # the last chunk steps no further
        video = self.ahead[:, :, torch.arange(own).clamp(max=count - 1)]
        if step <= 0:
            return Chunk(video, self.start, fade(own, self.shared, 0), count, last=True)
        return Chunk(video, self.start, fade(own, self.shared, size - step), step, last=False)

    def advance(self, chunk: Chunk) -> None:
        """Go on behind the finished frames of a chunk."""
        self.shared = max(self.shared, chunk.video.shape[2]) - chunk.done
        self.start += chunk.done
        self.ahead = self.ahead[:, :, chunk.done :]
        self.finished = chunk.last


def cut(pieces: Iterable[Tensor], tiling: Tiling) -> Iterator[Chunk]:
    """All chunks of a video, of one length; arguments and errors as for a `Cutter`."""
    cutter = Cutter(pieces)
    while not cutter.finished:
        yield (chunk := cutter.cut(tiling))
        cutter.advance(chunk)


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
    """The noise of latent frames, each from its own number and a key: in every chunk that shows a frame it is the same.

    So chunks that share frames start alike, and agree where they are blended; and a run that goes on in the middle of
    a video draws what it would have drawn.

    Args:
        keys: one, or one for each video of a batch; see `draw_key`.
        draw: the noise (B, c, 1, h, w) of one latent frame, from a generator or one a video.
    """

    def __init__(self, keys: list[int], draw: Callable[[list[torch.Generator]], Tensor]):
        self.keys, self.draw = keys, draw

    def of(self, moments: Iterable[int]) -> Tensor:
        """(B, c, t, h, w) of latent frames, named by `Chunk.moments`."""
        return torch.cat([self.draw([_generator(key, each) for key in self.keys]) for each in moments], dim=2)


def draw_key(generator: torch.Generator | None) -> int:
    """A key for noise, from the generator or PyTorch's own: the same seed, the same key; the next call, another."""
    device = "cpu" if generator is None else generator.device
    return int(torch.randint(2**63 - 1, (), generator=generator, device=device))


def _generator(key: int, number: int) -> torch.Generator:
    seed = np.random.SeedSequence((key, number)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed))


class Blend:
    """The weighted sum of chunks, handed out as soon as no later chunk can change it.

    Attributes:
        sum: (B, 3, T, H, W) of the frames that the next chunk shows, too.
        weights: (T,) that they have so far.
        cast: (B, 3), how much brighter each channel of the first chunk's result is than its input.
    """

    def __init__(
        self, sum: Tensor | None = None, weights: Tensor | None = None, cast: Tensor | None = None
    ):
        self.sum, self.weights, self.cast = sum, weights, cast

    def hold_colours(self, result: Tensor, chunk: Chunk) -> None:
        """Give a chunk's result, in place, the colour cast of the first one, so that colours do not jump.

        It is measured against the input, not against the chunk before: small errors would add up over a long video.
        """
        cast = result.mean((2, 3, 4)) - chunk.video.to(result).mean((2, 3, 4))
        if self.cast is None:
            self.cast = cast
        else:
            result += (self.cast.to(cast) - cast)[:, :, None, None, None]

    def add(self, result: Tensor, chunk: Chunk) -> Tensor:
        """The finished frames (B, 3, chunk.done, H, W), from a chunk's result (B, 3, T, H, W) and all before.

        The result is used up: large as it is, it is worked on in place.
        """
        weights = chunk.weights.to(result, copy=True)
        total = result.mul_(weights[:, None, None])
        if self.sum is not None and self.weights is not None:
            shown = len(self.weights)
            if (more := shown - len(weights)) > 0:  # a chunk shorter than the one before may end before it
                total, weights = F.pad(total, (0, 0, 0, 0, 0, more)), F.pad(weights, (0, more))
            total[:, :, :shown] += self.sum.to(total)
            weights[:shown] += self.weights.to(weights)
        finished = total[:, :, : chunk.done].div_(weights[: chunk.done, None, None])
        self.sum, self.weights = total[:, :, chunk.done :].clone(), weights[chunk.done :]
        return finished
