"""Attention in windows against the other ways to compute the same: a benchmark."""

import itertools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cvsr.evaluation.cost import least_seconds
from cvsr.models.attention import attend
from cvsr.models.windows import (
    AdaptiveWindow,
    FixedWindow,
    Packing,
    Size,
    WindowRule,
    pack_with_text,
    partition,
)

CASES: dict[str, tuple[Size, WindowRule]] = {  # tokens, one for 8×8 (teaching) or 16×16 pixels, and their windows
    "17 × 256 × 256, teaching": ((5, 32, 32), FixedWindow((3, 8, 8))),
    "17 × 256 × 256": ((5, 16, 16), AdaptiveWindow()),
    "33 × 512 × 512": ((9, 32, 32), AdaptiveWindow()),
    "17 × 1088 × 1920": ((5, 68, 120), AdaptiveWindow()),
    "77 × 1088 × 1920": ((20, 68, 120), AdaptiveWindow()),
}
TEXT_TOKENS = 32  # a caption's
OTHERS = ("loop over windows", "padded, with a mask")
FULL_UP_TO = 10_000  # tokens; beyond, full attention is computed for a share of the queries
LONG = 100_000  # tokens; from here on once around is enough: no noise of the machine shows in seconds


def windows(size: Size, rule: WindowRule) -> Packing:
    """The shifted windows of a grid of `size` tokens, a caption in each."""
    return pack_with_text((partition(size, rule, shifted=True),), (TEXT_TOKENS,))


def ways(size: Size, packing: Packing, heads: int, head_dim: int) -> dict[str, Callable[[], Tensor]]:
    """Attention in the windows of a grid of `size` tokens: ours, window by window, padded with a mask; and full."""
    lengths, total = packing.lengths, len(packing.rows)
    query, key, value = torch.randn(3, total, heads, head_dim)
    edges = list(itertools.pairwise([0, *itertools.accumulate(lengths)]))
    longest = max(lengths)
    inside = torch.arange(longest) < torch.tensor(lengths)[:, None]  # (windows, longest)
    mask = inside[:, None, None, :]

    def loop() -> Tensor:
        return torch.cat([_attention(*(x[a:b] for x in (query, key, value))) for a, b in edges])

    def padded() -> Tensor:
        filled = []
        for x in (query, key, value):
            pad = x.new_zeros(len(lengths), longest, heads, head_dim)
            pad[inside] = x
            filled.append(pad.transpose(1, 2))  # (windows, heads, longest, d)
        return F.scaled_dot_product_attention(*filled, attn_mask=mask).transpose(1, 2)[inside]

    tokens = size[0] * size[1] * size[2] + TEXT_TOKENS
    asking = min(tokens, FULL_UP_TO * FULL_UP_TO // tokens)
    full = torch.randn(3, tokens, heads, head_dim)
    return {
        "ours": lambda: attend(query, key, value, lengths, "sdpa"),
        "loop over windows": loop,
        "padded, with a mask": padded,
        f"full attention of {asking} of {tokens} queries": lambda: _attention(full[0, :asking], full[1], full[2]),
    }


@torch.no_grad()
def measure(heads: int, head_dim: int, rounds: int) -> tuple[dict[str, str], list[float]]:
    """Milliseconds of every way at every size, in words, and ours ÷ loop and ours ÷ padded at the largest size.

    Beside them, what padding would cost if all ways computed at one speed: the squares of the windows' lengths.
    """
    sides, ratios = {}, []
    for name, (size, rule) in CASES.items():
        packing = windows(size, rule)
        calls = ways(size, packing, heads, head_dim)
        for way in OTHERS:
            torch.testing.assert_close(calls["ours"](), calls[way](), rtol=1e-4, atol=1e-4)
        seconds = least_seconds(calls, rounds if math.prod(size) < LONG else 1)
        ratios = [seconds["ours"] / seconds[way] for way in OTHERS]
        sides |= {f"{name}, {way}": f"{1e3 * value:.1f} ms" for way, value in seconds.items()}
        sides[f"{name}, ours ÷ {' and ÷ '.join(OTHERS)}"] = " and ".join(f"{ratio:.2f}" for ratio in ratios)
        needed = sum(n**2 for n in packing.lengths) / (len(packing.lengths) * max(packing.lengths) ** 2)
        sides[f"{name}, ours ÷ padded by operations"] = f"{needed:.2f}"
    return sides, ratios


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Of (n, heads, d), one segment."""
    q, k, v = (x.transpose(0, 1)[None] for x in (query, key, value))
    return F.scaled_dot_product_attention(q, k, v)[0].transpose(0, 1)
