"""Errors planted in a video where it is known what is right: does super-resolution repair them or draw them large?

A generated video has fingers too many and letters melted into each other. Here a place of every clip is twisted and
another one stained, the same in all of its frames; what becomes of both is measured against the clean input.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.data.resize import resize

RADIUS = 0.12  # of an error, the standard deviation of its bell, in shorter sides of the frame
TWIST = math.radians(120)  # at the middle of the twisted place
STAIN = 0.7  # opacity at the middle of the stained place


def plant_errors(video: Tensor, seed: int) -> Tensor:
    """A video (B, 3, T, H, W) in [-1, 1] with a twist and a stain in each clip; clip i by `seed` + i.

    The stain has the colour of another place of the same clip, so that it is wrong and yet not out of place.
    """
    return torch.cat([_plant(clip[None], np.random.default_rng(seed + i)) for i, clip in enumerate(video)])


def survival(result: Tensor, clean_result: Tensor, planted: Tensor, clean: Tensor) -> Tensor:
    """How much of the planted errors is left in the result: (B,), 1 = drawn as they are, 0 = gone.

        <result - clean result, e> / <e, e>,        e = the errors, enlarged bicubically

    Args:
        result: made of the planted input, (B, 3, T, H', W').
        clean_result: made of the clean one from the same noise.
        planted: input with errors, (B, 3, T, H, W).
        clean: input without.
    """
    error = resize(planted - clean, *result.shape[-2:])
    axes = (1, 2, 3, 4)
    return ((result - clean_result) * error).sum(axes) / error.square().sum(axes)


def structure_kept(result: Tensor, clean: Tensor) -> Tensor:
    """How much of what a clean input shows is in the result made of it: (B,), 1 = all, 0 = nothing.

        <result, c> / <c, c>,        c = the input without its mean, enlarged bicubically

    An error that fades together with everything else has not been repaired: set `survival` beside it.

    Args:
        result: (B, 3, T, H', W').
        clean: the input, (B, 3, T, H, W).
    """
    axes = (1, 2, 3, 4)
    enlarged = resize(clean, *result.shape[-2:])
    contrast = enlarged - enlarged.mean(axes, keepdim=True)
    return (result * contrast).sum(axes) / contrast.square().sum(axes)


def _plant(clip: Tensor, rng: np.random.Generator) -> Tensor:
    """Twist and stain one clip (1, 3, T, H, W), at opposite sides of its middle."""
    height, width = clip.shape[-2:]
    angle, distance = rng.uniform(0, 2 * math.pi), rng.uniform(0.15, 0.3)
    middle = distance * torch.tensor([math.cos(angle), math.sin(angle)])  # (x, y) in shorter sides
    twisted = _twist(clip, middle, TWIST * rng.choice([-1, 1]))
    row, column = int(rng.integers(height)), int(rng.integers(width))
    colour = clip[:, :, :, row, column, None, None]  # (1, 3, T, 1, 1)
    return torch.lerp(twisted, colour.expand_as(clip), STAIN * _bell(clip, -middle))


def _twist(clip: Tensor, middle: Tensor, turn: float) -> Tensor:
    """Turn the place around `middle` by `turn` radians, less and less towards its border."""
    place, scale = _places(clip)
    angle = turn * _bell(clip, middle)
    x, y = (place - middle).unbind(-1)
    turned = torch.stack([x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()], -1) + middle
    frames = clip[0].transpose(0, 1)  # (T, 3, H, W)
    grid = (turned / scale).expand(len(frames), -1, -1, -1)
    result = F.grid_sample(frames, grid, padding_mode="reflection", align_corners=False)
    return result.transpose(0, 1)[None]


def _bell(clip: Tensor, middle: Tensor) -> Tensor:
    """(H, W), 1 at `middle`."""
    place, _ = _places(clip)
    return torch.exp(-(place - middle).square().sum(-1) / (2 * RADIUS**2))


def _places(clip: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels' (x, y) from the frame's middle in shorter sides, (H, W, 2), and the frame's half size in them, (2,)."""
    height, width = clip.shape[-2:]
    half = torch.tensor([width, height]) / (2 * min(height, width))
    y, x = ((torch.arange(n) + 0.5) / n * 2 - 1 for n in (height, width))
    return torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1) * half, half
