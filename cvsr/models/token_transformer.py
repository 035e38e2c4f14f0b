"""UniMMVSR's ablation "full token-concat": the low-resolution video comes as tokens, too (section 4.4, table 2).

    hybrid      target and input share tokens      N + R tokens of N in the target and R in the references
    by token    the input has its own             2N + R

Whatever the target is to know of its input, attention has to fetch. What it costs: every layer works on about twice as
many tokens, and 3D attention on about four times as many pairs of them.

The weights are those of the hybrid design, to the last name and shape.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cvsr.models.hybrid_transformer import HybridTransformer


class TokenTransformer(HybridTransformer):
    """A `HybridTransformer` whose input, the second half of `in_channels`, is the first of the clips beside the target.

    It is embedded as its channels were. Its rotary positions are the target's own, with "separated" ones, too: it lies
    on the target pixel by pixel, which the paper gives as the reason for channels and leaves open here. References
    follow after both.
    """

    def clips(self, hidden_states: Tensor, references: Sequence[Sequence[Tensor]]) -> list[list[Tensor]]:
        """The noisy target without its input, the input without noise, then references."""
        noisy, low = hidden_states.chunk(2, dim=1)
        targets = torch.cat([noisy, torch.zeros_like(low)], dim=1)
        inputs = torch.cat([torch.zeros_like(noisy), low], dim=1)
        samples = zip(targets, inputs, references, strict=True)
        return [[target, given, *others] for target, given, others in samples]

    def starts(self, lengths: Sequence[int]) -> list[int]:
        """Target and input together at 0."""
        _, *others = lengths
        return [0, *super().starts(others)]

    def _embed(self, clips: list[Tensor]) -> list[Tensor]:
        target, *others = clips
        return [*super()._embed([target]), *super()._embed(others)]
