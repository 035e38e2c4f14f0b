"""How a transformer is adapted to patches: branches that see what it does not, and what joins them to its blocks.

PatchVSR section 3.2; `cvsr.models.patch_transformer` puts the parts together.

Legend: B batch, c channels of latents, t h w latent size, T frames and S tokens a frame, G tokens of the whole clip,
D width, d channels of a head, m rows of modulation in a block.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cvsr.models.attention import HeadNorm, Mix, attention
from cvsr.models.scopes import Layout
from cvsr.models.transformer import TransformerBlock


class Branch(nn.Module):
    """An embedding of latents, and blocks as the base has them; `PatchTransformer` runs them."""

    def __init__(self, channels: int, patch_size: Sequence[int], depth: int, *sizes):
        super().__init__()
        self.patch_size = tuple(patch_size)
        self.embedding = nn.Linear(channels * math.prod(patch_size), sizes[0])
        self.blocks = nn.ModuleList(TransformerBlock(*sizes) for _ in range(depth))
        nn.init.xavier_uniform_(self.embedding.weight)
        nn.init.zeros_(self.embedding.bias)


class BlockAdapter(nn.Module):
    """What joins a block of the base: the context of the whole clip beside its text, the patch's feature at its end."""

    def __init__(self, width: int, heads: int, reads_context: bool):
        super().__init__()
        self.context = ContextAttention(width, heads) if reads_context else None
        self.to_feature = nn.Linear(width, width)
        silence(self.to_feature)

    def forward(
        self,
        block: TransformerBlock,
        x: Tensor,
        text: Tensor,
        reading: Mix,
        modulation: Tensor,
        layout: Layout,
        feature: Tensor,
        context: Tensor | None,
    ) -> Tensor:
        """The block's x (B, T, S, D), with a feature (B, T, S, D) and a context (B, G, D); others: the block's own."""

        def read_both(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            return reading(query, key, value) + self.context(query, context)

        x = block(x, text, reading if self.context is None else read_both, modulation, layout)
        return x + self.to_feature(feature)


class ContextAttention(nn.Module):
    """Cross-attention {Q, K_g, V_g} whose query is that of the text's, {Q, K_c, V_c} (section 3.2)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_key_value = nn.Linear(width, 2 * width)
        self.norm_key = HeadNorm(width // heads, eps=1e-6)
        self.to_out = nn.Linear(width, width)
        silence(self.to_out)

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        """Let a query (B, n, heads, d) read a context (B, G, D). Returns (B, n, D)."""
        key, value = self.to_key_value(context).unflatten(-1, (2, self.heads, -1)).unbind(2)  # (B, G, heads, d)
        return self.to_out(attention(query, self.norm_key(key), value))


def place_mask(place: Tensor, whole: Tensor) -> Tensor:
    """How much of each position of latents (B, c, t, h, w) lies in a place (B, 4): (B, 1, t, h, w), 1 inside.

    The paper's mask is binary; along the edges this one keeps what a coarse grid would round away.
    """
    covered = []
    for first, last, count in ((0, 2, whole.shape[3]), (1, 3, whole.shape[4])):
        positions = torch.arange(count, device=place.device)
        begin, end = (count * place[:, edge, None] for edge in (first, last))  # (B, 1)
        covered.append((torch.minimum(end, positions + 1) - torch.maximum(begin, positions)).clamp(0, 1))  # (B, n)
    mask = torch.einsum("by,bx->byx", *covered)[:, None, None]  # (B, 1, 1, h, w)
    return mask.expand(-1, -1, whole.shape[2], -1, -1).to(whole)


def check_context(low: Tensor, whole: Tensor, place: Tensor) -> None:
    """ValueError unless the whole clip's latents and the place fit those of the patch (B, c, t, h, w)."""
    if whole.ndim != 5 or whole.shape[:3] != low.shape[:3]:
        raise ValueError(
            f"whole={tuple(whole.shape)}: does not fit the patch; allowed {tuple(low.shape[:3])} and any height and"
            " width; try the latents of the clip's same frames"
        )
    if place.shape != (len(low), 4):
        raise ValueError(
            f"place={tuple(place.shape)}: wrong shape; allowed ({len(low)}, 4); try top, left, bottom, right"
        )
    if place.device.type == "cpu" and not ((place >= 0) & (place <= 1)).all():
        raise ValueError(f"place={place.tolist()}: outside of the clip; allowed 0 to 1; try shares of its sides")


def silence(layer: nn.Linear) -> None:
    """Let a layer start by saying nothing."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
