"""Interleaving temporal units: a long clip goes through attention in units of a few latent frames, each on its own.

A network trained on short clips extends to long ones (SimpleGVR, section 4.4: trained on 5 latent frames, 17 of video,
extended to 20, 77 of video): no attention ever sees more frames than in training, or frames further apart, and time
and memory grow with the length alone. In every second layer the units are moved by half, so that from layer to layer
news crosses their borders. As with windows, units at the ends are shorter, where a rolled clip would join its end to
its beginning.
"""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from cvsr.models.windows import axis_spans


def in_units(mix: Callable[[Tensor], Tensor], x: Tensor, unit: int, shifted: bool) -> Tensor:
    """Send every temporal unit of x (B, T, …) through `mix` as a clip of its own, (B', t, …) with t ≤ unit.

    Args:
        mix: keeps the shape of what it is given.
        x: tokens by latent frames.
        unit: latent frames in a unit; a clip no longer than that is one unit.
        shifted: whether units begin half a unit earlier.

    Returns:
        A tensor of the shape of x.
    """
    lengths = [stop - start for start, stop in axis_spans(x.shape[1], unit, shifted)]
    pieces, start = [], 0
    for length, group in itertools.groupby(lengths):
        count = len(list(group))
        piece = x[:, start : start + count * length].unflatten(1, (count, length))  # (B, count, t, …)
        pieces.append(mix(piece.flatten(0, 1)).view_as(piece).flatten(1, 2))
        start += count * length
    return torch.cat(pieces, dim=1)
