"""Attention: of video tokens to each other, to text, and inside segments of many lengths.

`attend` is what attention in windows and in sparse blocks rests on: tokens of many segments stand in one row, and
every token sees its own segment only. Three back ends compute it, exactly and alike:

    sdpa     PyTorch's scaled dot-product attention, once for all segments of one length; everywhere
    varlen   torch.nn.attention.varlen, one kernel for all lengths; CUDA, half precision
    flash    flash-attn's kernel of the same kind; CUDA, half precision, to be installed apart

Queries and keys pass an RMS norm per head before their product, which keeps the logits bounded however
large the weights grow (QK-norm; Henry et al. 2020, Dehghani et al. 2023, section 2).

Legend: B batch, n video tokens, L text tokens, D width, d = D / heads, N tokens of all segments together, M what
they read together.
"""

import importlib.util
import itertools
from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvsr.models.rope import rotate

Lengths = tuple[int, ...]  # tokens of segments that follow each other
Mix = Callable[[Tensor, Tensor, Tensor], Tensor]  # queries, keys and values (B, n, heads, d) to (B, n, D)

def attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled dot-product attention, softmax(q kᵀ / √d) v, of (B, n or L, heads, d) tensors.

    The mask (B, L) is bool, True = attended. Returns (B, n, D).
    """
    query, key, value = (x.transpose(1, 2) for x in (query, key, value))  # (B, heads, n or L, d)
    if mask is not None:
        mask = mask[:, None, None, :]  # (B, 1, 1, L)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(2)  # (B, n, D)


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    lengths: Lengths,
    backend: str = "auto",
    key_lengths: Lengths | None = None,
) -> Tensor:
    """Attention inside segments, which follow each other without gaps. Returns (N, heads, d).

    Args:
        query: (N, heads, d), of the tokens of all segments.
        key: (M, heads, d), of the tokens that the segments read; in self-attention those of `query`.
        value: likewise.
        lengths: tokens of each segment, N together.
        backend: "auto" (see `choose_backend`) or one of `BACKENDS`.
        key_lengths: tokens that each segment reads, M together; None: its own.

    Raises:
        ValueError: an unknown back end, one that cannot run here, or lengths that do not fit.
    """
    key_lengths = lengths if key_lengths is None else key_lengths
    if len(key_lengths) != len(lengths):
        raise ValueError(f"key_lengths: of {len(key_lengths)} segments; allowed {len(lengths)}, one a segment")
    for name, given, tokens in (("lengths", lengths, query), ("key_lengths", key_lengths, key)):
        if sum(given) != len(tokens):
            raise ValueError(f"{name}: {sum(given)} tokens in all; allowed {len(tokens)}; try those of the windows")
    return BACKENDS[choose_backend(backend, query)](query, key, value, lengths, key_lengths)


def choose_backend(backend: str, query: Tensor) -> str:
    """The name of the back end that runs: for "auto" the fastest that this machine and precision have.

    Raises:
        ValueError: unknown, not installed, or not for this device and precision.
    """
    if backend == "auto":
        return next(name for name in ("flash", "varlen", "sdpa") if not _hindrance(name, query))
    if backend not in BACKENDS:
        raise ValueError(f"backend={backend!r}: unknown; allowed 'auto', {', '.join(map(repr, BACKENDS))}")
    if hindrance := _hindrance(backend, query):
        raise ValueError(f"backend={backend!r}: {hindrance}; try 'sdpa', which is exact everywhere")
    return backend


def _hindrance(backend: str, query: Tensor) -> str:
    """Why a back end cannot run on such tokens; empty if it can."""
    if backend == "sdpa":
        return ""
    if backend == "flash" and importlib.util.find_spec("flash_attn") is None:
        return "flash-attn is not installed (pip install flash-attn --no-build-isolation, with a CUDA compiler)"
    if not query.is_cuda:
        return f"runs on CUDA, the tokens are on {query.device}"
    return "" if query.dtype in (torch.float16, torch.bfloat16) else f"takes half precision, not {query.dtype}"


def _attend_by_length(query: Tensor, key: Tensor, value: Tensor, lengths: Lengths, key_lengths: Lengths) -> Tensor:
    """One batched attention for each run of segments of one length; neighbours of one length cost no copy."""
    mixed, start, key_start = [], 0, 0
    for count, length, key_length in _runs(lengths, key_lengths):
        rows = slice(start, start + count * length)
        key_rows = slice(key_start, key_start + count * key_length)
        q = query[rows].unflatten(0, (count, length)).transpose(1, 2)  # (count, heads, length, d)
        k, v = (x[key_rows].unflatten(0, (count, key_length)).transpose(1, 2) for x in (key, value))
        of_run = F.scaled_dot_product_attention(q, k, v)  # (count, heads, length, d)
        mixed.append(of_run.transpose(1, 2).flatten(0, 1))  # (count · length, heads, d)
        start, key_start = rows.stop, key_rows.stop
    return torch.cat(mixed) if len(mixed) > 1 else mixed[0]


@lru_cache(maxsize=64)
def _runs(lengths: Lengths, key_lengths: Lengths) -> list[tuple[int, int, int]]:
    """Number of segments, tokens and tokens read of every run of segments that are alike in both."""
    pairs = itertools.groupby(zip(lengths, key_lengths, strict=True))
    return [(len(list(group)), length, key_length) for (length, key_length), group in pairs]


def _attend_torch_varlen(
    query: Tensor, key: Tensor, value: Tensor, lengths: Lengths, key_lengths: Lengths
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn  # CUDA only

    edges, key_edges = _edges(lengths, query.device), _edges(key_lengths, query.device)
    return varlen_attn(query, key, value, edges, key_edges, max(lengths), max(key_lengths))


def _attend_flash(query: Tensor, key: Tensor, value: Tensor, lengths: Lengths, key_lengths: Lengths) -> Tensor:
    from flash_attn import flash_attn_varlen_func  # an optional extra

    edges, key_edges = _edges(lengths, query.device), _edges(key_lengths, query.device)
    return flash_attn_varlen_func(query, key, value, edges, key_edges, max(lengths), max(key_lengths))


@lru_cache(maxsize=64)
def _edges(lengths: Lengths, device: torch.device) -> Tensor:
    """Where segments begin, and the end of the last: (segments + 1,) int32."""
    return torch.tensor([0, *itertools.accumulate(lengths)], dtype=torch.int32, device=device)


BACKENDS = {"sdpa": _attend_by_length, "varlen": _attend_torch_varlen, "flash": _attend_flash}


class HeadNorm(nn.RMSNorm):
    """RMS norm of each head's channels, in the precision of its weights also under autocast."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (B, n, heads, d)."""
        return super().forward(x.to(self.weight.dtype))


class SelfAttention(nn.Module):
    """Multi-head self-attention with QK-norm and rotary positions.

    Who sees whom is not its own affair: the same weights serve every `Mix`.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_qkv = nn.Linear(width, 3 * width)
        self.norm_query = HeadNorm(width // heads, eps=1e-6)
        self.norm_key = HeadNorm(width // heads, eps=1e-6)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, rotation: Tensor, mix: Mix = attention) -> Tensor:
        """Attend among x (B, n, D) at the rotary positions `rotation` (n, d / 2). Returns (B, n, D)."""
        qkv = self.to_qkv(x).unflatten(-1, (3, self.heads, -1))  # (B, n, 3, heads, d)
        query, key, value = qkv.unbind(2)
        query = rotate(self.norm_query(query), rotation)
        key = rotate(self.norm_key(key), rotation)
        return self.to_out(mix(query, key, value))


class CrossAttention(nn.Module):
    """Multi-head attention from video tokens to text tokens, with QK-norm.

    As in `SelfAttention`, who sees whom is left to a `Mix`.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.to_query = nn.Linear(width, width)
        self.to_key_value = nn.Linear(width, 2 * width)
        self.norm_query = HeadNorm(width // heads, eps=1e-6)
        self.norm_key = HeadNorm(width // heads, eps=1e-6)
        self.to_out = nn.Linear(width, width)

    def forward(self, x: Tensor, text: Tensor, mix: Mix = attention) -> Tensor:
        """Let x (B, n, D) read text (B, L, D). Returns (B, n, D)."""
        query = self.norm_query(self.to_query(x).unflatten(-1, (self.heads, -1)))  # (B, n, heads, d)
        key_value = self.to_key_value(text).unflatten(-1, (2, self.heads, -1))  # (B, L, 2, heads, d)
        key, value = key_value.unbind(2)
        return self.to_out(mix(query, self.norm_key(key), value))
