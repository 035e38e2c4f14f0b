"""Sparse local attention: a block of a frame reads itself and the few blocks of the whole video that matter to it most.

SimpleGVR (section 4.4) cuts every latent frame into 2D blocks of one size, lets each block attend to itself and to
the k most relevant others of the video, later frames included; 12×9 tokens and k = 1 make 216 keys a query, whatever
the size of the video. It names neither the score nor who chooses. Here they are near MoBA (Lu et al. 2025, section 2),
which it follows: the product of a mean key with the queries, in every head for itself; but where there each query
chooses, a block chooses as one, by its mean query, and is one segment of `attend`.

What is chosen is gathered, never masked: blocks at the borders are smaller and stay so. The choice has no gradient, all
that is computed with it has.

Legend: B batch, n = T·Y·X tokens in the order of the grid, d channels of a head, k other blocks that a block reads,
m segments: the blocks of all heads and clips.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from cvsr.models.attention import attend
from cvsr.models.windows import Size

Block = tuple[int, int]  # height and width in tokens


def sparse_local_attention(
    query: Tensor, key: Tensor, value: Tensor, size: Size, block: Block, top_k: int = 1
) -> Tensor:
    """Attend inside blocks, and from each block to the `top_k` others that matter to it most.

    With `top_k` of all other blocks this is full attention.

    Args:
        query: (B, n, heads, d), normed and turned to its positions.
        key: likewise.
        value: (B, n, heads, d).
        size: of the video, (T, Y, X) tokens.
        block: its height and width in tokens; smaller at the lower and right border.
        top_k: how many other blocks each reads; all, where there are fewer.

    Returns:
        (B, n, D).

    Raises:
        ValueError: see `choose_blocks`.
    """
    batch, tokens, heads, _ = query.shape
    chosen = choose_blocks(query, key, size, block, top_k).flatten(0, 2)  # (m, 1 + k)
    blocks = cut_into_blocks(size, block, query.device)
    corner = torch.arange(batch * heads, device=query.device)  # of each clip and head, the row of its first token
    corner = corner // heads * tokens * heads + corner % heads
    corner = corner.repeat_interleave(len(blocks.lengths))  # (m,)

    lengths = blocks.lengths[chosen]  # (m, 1 + k)
    together = (lengths[:, 0] * tokens + lengths.sum(1)).argsort(stable=True)  # segments of one shape in a row
    chosen, corner, lengths = chosen[together], corner[together], lengths[together]

    asking = _rows(chosen[:, :1], corner, blocks, heads)  # (B·n·heads,)
    asked = _rows(chosen, corner, blocks, heads)
    query, key, value = (x.flatten(0, 2)[:, None] for x in (query, key, value))  # (B·n·heads, 1, d)
    mixed = attend(
        query.index_select(0, asking),
        key.index_select(0, asked),
        value.index_select(0, asked),
        lengths=tuple(lengths[:, 0].tolist()),
        key_lengths=tuple(lengths.sum(1).tolist()),
    )
    return torch.empty_like(mixed).index_copy_(0, asking, mixed).view(batch, tokens, -1)


@torch.no_grad()
def choose_blocks(query: Tensor, key: Tensor, size: Size, block: Block, top_k: int) -> Tensor:
    """Which blocks each block reads: (B, heads, blocks, 1 + k), itself first, then by falling relevance.

    Blocks are numbered frame by frame and row by row, as in `cut_into_blocks`.

    The arguments are those of `sparse_local_attention`.

    Raises:
        ValueError: a block larger than a frame, or top_k below 1.
    """
    check_sparse(block, top_k)
    count = len(cut_into_blocks(size, block, query.device).lengths)
    relevance = torch.einsum("bihd,bjhd->bhij", _means(query, size, block), _means(key, size, block))
    relevance.diagonal(dim1=-2, dim2=-1).fill_(math.inf)
    return relevance.topk(min(1 + top_k, count)).indices


@dataclass(frozen=True, eq=False)
class Blocks:
    """The 2D blocks of a video.

    Attributes:
        tokens: (blocks, longest) tokens of the grid in each block, block by block in the order of the grid; what a
            smaller block lacks stands at its end.
        lengths: (blocks,) how many each holds.
        inside: (blocks, longest) whether there is a token; None where all blocks are of one size.
    """

    tokens: Tensor
    lengths: Tensor
    inside: Tensor | None


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # what is kept from here serves training, too
def cut_into_blocks(size: Size, block: Block, device: torch.device | str = "cpu") -> Blocks:
    """Cut every frame of a video of `size` tokens into blocks, numbered frame by frame and row by row.

    Raises:
        ValueError: a block larger than a frame.
    """
    _, height, width = size
    if block[0] > height or block[1] > width:
        raise ValueError(
            f"block={tuple(block)}: larger than a frame of {height}×{width} tokens; allowed up to"
            f" ({height}, {width}); try ({max(1, height // 2)}, {max(1, width // 2)})"
        )
    t, y, x = torch.meshgrid(*(torch.arange(axis, device=device) for axis in size), indexing="ij")
    rows, columns = math.ceil(height / block[0]), math.ceil(width / block[1])
    block_of = ((t * rows + y // block[0]) * columns + x // block[1]).flatten()
    lengths = block_of.bincount()
    inside = torch.arange(int(lengths.max()), device=device) < lengths[:, None]
    tokens = torch.zeros_like(inside, dtype=torch.long)
    tokens[inside] = block_of.argsort(stable=True)
    return Blocks(tokens, lengths, None if inside.all() else inside)


def check_sparse(block: Block, top_k: int) -> None:
    """ValueError unless a block has a height and a width and reads at least one other."""
    if len(block) != 2 or min(block) < 1:
        raise ValueError(f"block={tuple(block)}: no block; allowed height and width >= 1; try (12, 9)")
    if top_k < 1:
        raise ValueError(f"top_k={top_k}: allowed whole numbers >= 1; try top_k=1")


def _means(x: Tensor, size: Size, block: Block) -> Tensor:
    """The mean of x (B, n, heads, d) over each block: (B, blocks, heads, d)."""
    frames, height, width = size
    maps = rearrange(x, "B (T Y X) H d -> (B T) (H d) Y X", T=frames, Y=height, X=width)
    means = F.avg_pool2d(maps, tuple(block), ceil_mode=True)  # at the borders the mean of what is there
    return rearrange(means, "(B T) (H d) y x -> B (T y x) H d", T=frames, H=x.shape[2])


def _rows(chosen: Tensor, corner: Tensor, blocks: Blocks, heads: int) -> Tensor:
    """Rows of (B·n·heads, d) by segment: the tokens of its chosen blocks (m, …), counted from its corner (m,)."""
    rows = blocks.tokens[chosen].mul_(heads).add_(corner[:, None, None])  # (m, …, longest)
    return rows.flatten() if blocks.inside is None else rows[blocks.inside[chosen]]
