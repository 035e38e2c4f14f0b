"""What self-attention reads while a network runs: to look at it, and to teach it.

Legend: n tokens of all samples of a call, d channels of a head.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from cvsr.models.attention import SelfAttention


@dataclass(frozen=True)
class Reading:
    """One call of a `SelfAttention`.

    Attributes:
        query: (n, heads, d), normed and turned to their positions.
        key: likewise.
        value: (n, heads, d).
        mixed: what it made of them, (n, heads · d).
    """

    query: Tensor
    key: Tensor
    value: Tensor
    mixed: Tensor

    def weights(self, tokens: Sequence[int] | Tensor) -> Tensor:
        """How much each of m tokens reads of every token, if all see all: (heads, m, n), of sum 1 over n."""
        query, key = self.query[tokens].transpose(0, 1), self.key.transpose(0, 1)
        return torch.softmax(query @ key.transpose(1, 2) / math.sqrt(key.shape[-1]), dim=-1)


@contextmanager
def watched(attentions: Sequence[SelfAttention]) -> Iterator[list[Reading]]:
    """The readings of some attentions, call by call, of all that runs inside; gradients flow through them."""
    seen: list[Reading] = []

    def watch(_: SelfAttention, inputs: tuple) -> tuple:
        x, turns, mix = inputs

        def kept(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            mixed = mix(query, key, value)  # (1, n, heads · d)
            seen.append(Reading(query[0], key[0], value[0], mixed[0]))
            return mixed

        return x, turns, kept

    hooks = [attention.register_forward_pre_hook(watch) for attention in attentions]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
