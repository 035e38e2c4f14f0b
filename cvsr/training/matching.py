"""Teaching attention where to look: what a reference shows of a place is found at a place of its own.

A network learns in minutes to read an ID image's colours, which are the same all over an object, and not in hours to
look up its print, for which it must know which of the picture's places is which of the object's. The world knows
(`cvsr.data.references.places_in`): while a model trains, some heads of its 3D attention are asked to look there. Their
loss is the cross-entropy of the attention of the target's tokens,

    -Σ_n w_n log softmax(q kᵀ / √d)_n

where w are the bilinear weights of the four tokens of the ID image around the true place. Ours; the paper
(UniMMVSR section 3.2) leaves the search to 3D attention and to training of another length.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from cvsr.models.attention import SelfAttention
from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.reading import Reading

HEADS = 2  # of a block, the first ones


def middle_attentions(transformer: HybridTransformer) -> list[SelfAttention]:
    """The 3D attention of the middle blocks: there what is looked up has been understood, and is still to be drawn."""
    depth = len(transformer.blocks)
    return [transformer.blocks[block].self_attentions[-1] for block in sorted({(depth - 1) // 2, depth // 2})]


def matching_loss(
    reading: Reading, size: Sequence[int], references: Sequence[Sequence[Tensor]], places: Sequence[Sequence[Tensor]]
) -> Tensor:
    """Mean cross-entropy over all positions of which some ID image is known to show the place, and the heads.

    Args:
        reading: of all samples, one after the other, the target's tokens first.
        size: (t, h, w) of the target's latents; a position is a token.
        references: of each sample, latents (c, t, h, w).
        places: of each sample, (2, t, h, w) for each of its references, or nothing.

    Returns:
        A number; 0 where nothing is known.
    """
    query, key = reading.query[:, :HEADS], reading.key[:, :HEADS]  # (N, heads, d)
    losses, start = [query.new_zeros(0)], 0
    targets = math.prod(size)
    for shown, known in zip(references, places, strict=True):
        ends = [targets]
        for latents in shown:
            ends.append(ends[-1] + latents[0].numel())
        for number, where in enumerate(known):
            losses.append(_losses(query, key, start, ends, number, shown[number].shape[-2:], where))
        start += ends[-1]
    return torch.cat(losses).mean() if any(map(len, losses)) else query.sum() * 0


def _losses(
    query: Tensor, key: Tensor, start: int, ends: list[int], number: int, sides: Sequence[int], where: Tensor
) -> Tensor:
    """The cross-entropies (n · heads,) of one reference, the tokens of whose sample begin at `start`."""
    x, y = where.flatten(1)  # (t · h · w,) each
    asked = (x >= 0).nonzero().flatten()
    rows = query[start + asked].transpose(0, 1)  # (heads, n, d)
    columns = key[start : start + ends[-1]].transpose(0, 1)  # (heads, m, d)
    logits = (rows @ columns.transpose(1, 2) / math.sqrt(query.shape[-1])).log_softmax(-1)
    height, width = sides
    weights = 0.0
    for tokens, weight in corners(x[asked] * width - 0.5, y[asked] * height - 0.5, height, width):
        there = (ends[number] + tokens).expand(len(logits), -1)[..., None]  # (heads, n, 1)
        weights = weights + weight * logits.gather(2, there)[..., 0]
    return -weights.flatten()


def corners(x: Tensor, y: Tensor, height: int, width: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The four positions, row by row counted, around (x, y) on a grid, and their bilinear weights; all are (n,)."""
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    left, top = x.floor().clamp(max=max(0, width - 2)), y.floor().clamp(max=max(0, height - 2))
    for down in (0, 1):
        for right in (0, 1):
            column, row = (left + right).clamp(max=width - 1), (top + down).clamp(max=height - 1)
            weight = (1 - (x - left - right).abs()).clamp(min=0) * (1 - (y - top - down).abs()).clamp(min=0)
            yield (row * width + column).long(), weight
