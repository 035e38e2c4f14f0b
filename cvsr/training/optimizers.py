"""What flow matching is trained with: AdamW, or Muon for the matrices of a transformer's blocks and AdamW for all else.

Muon's update (Jordan et al. 2024, "Muon"; torch.optim.Muon) is the gradient's mean over steps with all singular values
brought near 1: rare directions, such as those by which a target finds its place in a reference, get as much of it as
common ones.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

WEIGHT_DECAY = 0.01


def adamw(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.AdamW:
    """AdamW that forgets old squared gradients fast: trainings are short."""
    return torch.optim.AdamW(parameters, learning_rate, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)


class MuonWithAdamW(torch.optim.Optimizer):
    """One optimizer out of two, which share their groups and their state, so that it is saved and resumed as any.

    Args:
        matrices: parameters (rows, columns), for Muon, whose update is as large as AdamW's (Liu et al. 2025, "Muon is
            scalable for LLM training", section 2.2).
        others: parameters for AdamW.
        learning_rate: of both.
    """

    def __init__(self, matrices: Iterable[nn.Parameter], others: Iterable[nn.Parameter], learning_rate: float):
        muon = torch.optim.Muon(matrices, learning_rate, WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw")
        self._each = [muon, adamw(others, learning_rate)]
        super().__init__([group for each in self._each for group in each.param_groups], {})
        self._share()

    @torch.no_grad()
    def step(self, closure=None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for each in self._each:
            each.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        for each, group in zip(self._each, self.param_groups, strict=True):
            each.param_groups, each.state = [group], self.state


def matrices_of(blocks: nn.Module) -> list[nn.Parameter]:
    """The weights of all linear layers."""
    return [layer.weight for layer in blocks.modules() if isinstance(layer, nn.Linear) and layer.weight.requires_grad]
