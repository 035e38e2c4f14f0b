"""The clips that models are measured on: held-out scenes of the world, and pieces of real videos."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from cvsr.data.scenes import sample_scene
from cvsr.data.video import read_video, to_frames, to_tensor
from cvsr.data.world import render

FRAMES, PIXELS = 17, 256
REAL_SIZE = (256, 384)
STARTS = (20, 40)  # first frames of the pieces of a real video
WORLD = "world"  # name of the group; real clips go by their files' names
SPLIT = "test"  # never trained on, never looked at while training
VALIDATION = "validation"  # never trained on; settings are chosen by these


@dataclass(frozen=True)
class Clip:
    """A clip by the name of its group; `load` makes it, (1, 3, T, H, W) in [-1, 1]."""

    group: str
    load: Callable[[], Tensor]


def world_clips(
    count: int, frames: int = FRAMES, pixels: int = PIXELS, split: str = SPLIT, crop: int | None = None
) -> list[Clip]:
    """The first `count` scenes of a split, or of each the middle of crop × crop pixels."""

    def draw(seed: int) -> Tensor:
        video = to_tensor(render(sample_scene(seed, split), frames, pixels, pixels).frames)[None]
        return middle(video, crop or pixels)

    return [Clip(WORLD, lambda seed=seed: draw(seed)) for seed in range(count)]


def real_clips(
    paths: Sequence[str | Path],
    size: tuple[int, int] = REAL_SIZE,
    frames: int = FRAMES,
    starts: Sequence[int] = STARTS,
) -> list[Clip]:
    """Pieces of video files at their native resolution: the middle of so many frames from each start.

    Raises:
        ValueError: a file that cannot be read, is smaller, or too short.
    """
    clips = []
    for path in paths:
        video = read_video(path, max_frames=max(starts) + frames).frames  # (T, H, W, 3)
        height, width = video.shape[1:3]
        if len(video) < max(starts) + frames or height < size[0] or width < size[1]:
            raise ValueError(
                f"clips={path}: {len(video)} frames of {width}x{height};"
                f" allowed {max(starts) + frames} of {size[1]}x{size[0]} or more; try a longer or larger one"
            )
        top, left = (height - size[0]) // 2, (width - size[1]) // 2
        middle = video[:, top : top + size[0], left : left + size[1]]
        pieces = [middle[start : start + frames].copy() for start in starts]  # without the rest of the video
        clips += [Clip(Path(path).stem, lambda piece=piece: to_tensor(piece)[None]) for piece in pieces]
    return clips


def middle(video: Tensor, side: int) -> Tensor:
    """The middle side × side pixels of square videos (B, 3, T, H, H)."""
    inside = slice((video.shape[-1] - side) // 2, (video.shape[-1] + side) // 2)
    return video[..., inside, inside]


def eight_bit(video: Tensor) -> Tensor:
    """(B, 3, T, H, W) as it is after it was written to a lossless file: in [-1, 1], in steps of 2 / 255."""
    return torch.stack([to_tensor(to_frames(clip)) for clip in video.cpu()])
