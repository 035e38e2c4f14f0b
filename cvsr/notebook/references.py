"""What a network reads in its references, drawn as arrows: for lesson 06.

Legend: n tokens of one sample, the target's first and then those of each reference; t frames, y rows and x columns of a
clip in tokens.
"""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate

import cv2
import numpy as np
import torch
from torch import Tensor

from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.reading import Reading, watched
from cvsr.models.windows import Size
from cvsr.notebook.figures import side_by_side

ASKING, READ = (86, 180, 233), (230, 159, 0)  # sky and orange
HEAD = 10  # pixels of an arrow's
DIMMED = 0.4  # how much of a picture is left where nothing is read


@torch.no_grad()
def readings(network: HybridTransformer, run: Callable[[], object]) -> list[list[Reading]]:
    """What the 3D attention of every block (inner) reads in every call of the network (outer) while `run` runs.

    One sample a call.
    """
    with watched([block.self_attentions[1] for block in network.blocks]) as seen:
        run()
    depth = len(network.blocks)
    return [seen[start : start + depth] for start in range(0, len(seen), depth)]


def places(grids: Sequence[Size]) -> np.ndarray:
    """Clip, frame, row and column of every token of clips of so many tokens (t, y, x), in their order: (n, 4)."""
    return np.array([(clip, *place) for clip, grid in enumerate(grids) for place in np.ndindex(*grid)])


def strongest(weights: Tensor, grids: Sequence[Size], count: int) -> list[int]:
    """Numbers of the `count` tokens of references that have most of the weights (n,), the first the most."""
    target = math.prod(grids[0])
    return (target + weights[target:].topk(min(count, len(weights) - target)).indices).tolist()


def draw_reading(
    pictures: Sequence[np.ndarray], grids: Sequence[Size], weights: Tensor, asking: int, read: Sequence[int]
) -> np.ndarray:
    """The target, then its references, bright where they are read, with arrows to the tokens that are read most.

    Args:
        pictures: uint8 (H, W, 3) of the target and of each reference; of a video, one frame.
        grids: tokens of each.
        weights: (n,).
        asking: number of the target's token that reads.
        read: numbers of the tokens that arrows lead to.
    """
    where, gap = places(grids), 24
    height = max(len(picture) for picture in pictures)
    lefts = [0, *accumulate(picture.shape[1] + gap for picture in pictures)]
    canvas = np.full((height, lefts[-1] - gap, 3), 255, np.uint8)
    owns = [weights[where[:, 0] == clip].view(grid).sum(0).numpy() for clip, grid in enumerate(grids)]  # (y, x)
    brightest = max(own.max() for own in owns[1:])
    for clip, (picture, own) in enumerate(zip(pictures, owns, strict=True)):
        light = cv2.resize(own, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR) / brightest
        light = DIMMED + (1 - DIMMED) * light if clip else np.ones_like(light)
        shown = light[..., None] * picture + (1 - light[..., None]) * 255
        canvas[: len(picture), lefts[clip] : lefts[clip] + picture.shape[1]] = shown.round()

    def middle(token: int) -> tuple[int, int]:
        clip, _, y, x = where[token]
        rows, columns = len(pictures[clip]) / grids[clip][1], pictures[clip].shape[1] / grids[clip][2]
        return lefts[clip] + round((x + 0.5) * columns), round((y + 0.5) * rows)

    most = max(float(weights[token]) for token in read)
    for token in reversed(read):  # the strongest on top
        width = max(1, round(4 * float(weights[token]) / most))
        tip = HEAD / math.dist(middle(asking), middle(token))
        cv2.arrowedLine(canvas, middle(asking), middle(token), (255, 255, 255), width + 2, cv2.LINE_AA, 0, tip)
        cv2.arrowedLine(canvas, middle(asking), middle(token), READ, width, cv2.LINE_AA, 0, tip)
    cv2.circle(canvas, middle(asking), 7, ASKING, 3, cv2.LINE_AA)
    return side_by_side({f"the target, and its {len(pictures) - 1} references": canvas}, height)
