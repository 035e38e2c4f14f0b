"""Windows drawn over a clip, and how far attention carries through them."""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from matplotlib.colors import to_rgb
from torch import Tensor

from cvsr.models.windows import Partition, Size, WindowRule, partition
from cvsr.notebook.figures import PALETTE

COLOURS = [tuple(round(255 * c) for c in to_rgb(code)) for name, code in PALETTE.items() if name != "black"]
STRIPE = 3  # pixels of a border


def draw_windows(frame: np.ndarray, cut: Partition, index: int, pixels: int) -> np.ndarray:
    """A frame (H, W, 3) with the windows that hold latent frame `index`, each tinted and framed.

    No two neighbours have one tint, but tints come again.

    Args:
        frame: uint8, of `pixels` pixels a token.
        cut: the windows of the clip's tokens.
        index: which of its latent frames is shown.
        pixels: height and width of a token.
    """
    picture = np.repeat(np.repeat(frame, 2, axis=0), 2, axis=1)
    places = [{span: place for place, span in enumerate(sorted(set(spans)))} for spans in zip(*cut.spans, strict=True)]
    for (start, stop), rows, columns in cut.spans:
        if not start <= index < stop:
            continue
        top, bottom, left, right = (2 * pixels * edge for edge in (*rows, *columns))
        depth, row, column = (at[span] for at, span in zip(places, ((start, stop), rows, columns), strict=True))
        colour = COLOURS[(3 * depth + 2 * (row % 2) + column % 2) % len(COLOURS)]  # four for all neighbours
        inside = picture[top:bottom, left:right]
        inside[:] = (0.75 * inside + 0.25 * np.array(colour)).astype(np.uint8)
        cv2.rectangle(picture, (left + 1, top + 1), (right - 2, bottom - 2), colour, STRIPE)
    return picture


def receptive_field(
    size: Size, rule: WindowRule, depth: int, start: Size, shift: bool = True, text: bool = False
) -> np.ndarray:
    """Which tokens of a (T, Y, X) grid have news of token `start` after `depth` layers: bool (T, Y, X).

    A layer brings what one token of a window knows to all of its tokens, and, with a text, to the text, from which
    every window hears it one layer later.

    Args:
        size: of the grid.
        rule: how large windows are.
        depth: number of layers.
        start: place of the token.
        shift: whether every second layer moves its windows by half.
        text: whether a text joins every window.
    """
    known, told = np.zeros(size, bool), False
    known[start] = True
    for layer in range(depth):
        heard = np.full(size, told)
        for box in partition(size, rule, shift and layer % 2 == 1).spans:
            window = tuple(slice(*span) for span in box)
            heard[window] |= known[window].any()
        known, told = heard, text
    return known


@torch.no_grad()
def changed_by(network: Callable[[Tensor], Tensor], given: Tensor, start: Size) -> np.ndarray:
    """Which positions of a network's output change when one of its input does: bool (t, h, w).

    Args:
        network: latents (1, c, t, h, w) to an output of the same frames, height and width.
        given: latents to start from.
        start: the position that is changed, in all channels.
    """
    changed = given.clone()
    changed[(0, slice(None), *start)] += 1.0
    return ((network(changed) - network(given)).abs().amax(dim=(0, 1)) > 0).numpy()
