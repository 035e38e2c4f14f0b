"""The weights that a run began with, mixed into those that it ends with (Wortsman et al. 2022, "Robust fine-tuning").

A stage learns something new and forgets a part of what the stages before it knew. Both ends lie in one valley, and in
the middle between them a network does both nearly as well as the end that does it better.
"""

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor


class MixWithStart(Callback):
    """Mixes at the end of a run; in the list of callbacks it stands behind those that change the weights until then.

    Args:
        share: of the first weights in the result, in (0, 1).

    Raises:
        ValueError: another share.
    """

    def __init__(self, share: float = 0.5):
        if not 0 < share < 1:
            raise ValueError(f"share={share}: nothing to mix; allowed between 0 and 1; try 0.5, or no MixWithStart")
        self.share = share
        self.start: dict[str, Tensor] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.start:  # a resumed run has those of its checkpoint
            self.start = {name: weight.detach().clone() for name, weight in _trained(pl_module).items()}

    @torch.no_grad()
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for name, weight in _trained(pl_module).items():
            weight.lerp_(self.start[name].to(weight), self.share)

    def state_dict(self) -> dict[str, Any]:
        return {"start": self.start}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        self.start = state_dict["start"]


def _trained(module: LightningModule) -> dict[str, Tensor]:
    return {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
