"""What attention in windows costs, by the size of the window."""

from collections.abc import Sequence

import torch

from cvsr.evaluation.cost import least_seconds
from cvsr.models.attention import attend
from cvsr.models.windows import FixedWindow, Size, pack_with_text, partition


def pairs(size: Size, window: Size, text: int) -> int:
    """Query-key pairs of one attention in windows over `size` tokens, each window joined by `text` tokens."""
    cut = partition(size, FixedWindow(window), shifted=False)
    return sum((length + text) ** 2 for length in cut.lengths)


@torch.no_grad()
def seconds(
    size: Size, windows: Sequence[Size], text: int, heads: int = 3, head_dim: int = 64, rounds: int = 3
) -> dict[Size, float]:
    """Least seconds of one attention layer's core by window, each window joined by `text` tokens."""
    sides = {}
    for window in windows:
        packing = pack_with_text((partition(size, FixedWindow(window), False),), (text,))
        tokens = torch.randn(3, len(packing.rows), heads, head_dim, generator=torch.Generator().manual_seed(0))
        sides[window] = lambda qkv=tokens, lengths=packing.lengths: attend(*qkv, lengths)
    return least_seconds(sides, rounds)
