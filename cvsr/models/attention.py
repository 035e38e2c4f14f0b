"""Self-attention over video tokens and cross-attention from video tokens to text.

Queries and keys pass an RMS norm per head before their product, which keeps the logits bounded however
large the weights grow (QK-norm; Henry et al. 2020, Dehghani et al. 2023, section 2).

Legend: B batch, n video tokens, L text tokens, D width, d = D / heads.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from cvsr.models.rope import rotate


def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention, softmax(q kᵀ / √d) v, of (B, n or L, heads, d) tensors.

    The mask (B, L) is bool, True = attended. Returns (B, n, D).
    """
    query, key, value = (x.transpose(1, 2) for x in (query, key, value))  # (B, heads, n or L, d)
    if mask is not None:
        mask = mask[:, None, None, :]  # (B, 1, 1, L)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(2)  # (B, n, D)


class HeadNorm(nn.RMSNorm):
    """RMS norm of each head's channels, in the precision of its weights also under autocast."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (B, n, heads, d)."""
        return super().forward(x.to(self.weight.dtype))


class SelfAttention(nn.Module):
    """Multi-head self-attention with QK-norm and rotary positions."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * width)
        self.norm_query = HeadNorm(width // heads, eps=1e-6)
        self.norm_key = HeadNorm(width // heads, eps=1e-6)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, rotation: Tensor) -> Tensor:
        """Attend among x (B, n, D) at the rotary positions `rotation` (n, d / 2). Returns (B, n, D)."""
        qkv = self.to_qkv(x).unflatten(-1, (3, self.heads, -1))  # (B, n, 3, heads, d)
        query, key, value = qkv.unbind(2)
        query = rotate(self.norm_query(query), rotation)
        key = rotate(self.norm_key(key), rotation)
        return self.to_out(attention(query, key, value))


class CrossAttention(nn.Module):
    """Multi-head attention from video tokens to text tokens, with QK-norm."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width)
        self.to_key_value = nn.Linear(width, 2 * width)
        self.norm_query = HeadNorm(width // heads, eps=1e-6)
        self.norm_key = HeadNorm(width // heads, eps=1e-6)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Let x (B, n, D) read text (B, L, D); mask (B, L) bool, one True a row. Returns (B, n, D)."""
        query = self.norm_query(self.to_query(x).unflatten(-1, (self.heads, -1)))  # (B, n, heads, d)
        key_value = self.to_key_value(text).unflatten(-1, (2, self.heads, -1))  # (B, L, 2, heads, d)
        key, value = key_value.unbind(2)
        return self.to_out(attention(query, self.norm_key(key), value, mask))
