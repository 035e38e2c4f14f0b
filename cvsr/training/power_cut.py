"""A run that ends in the middle of a step: to see that it goes on as if it had not."""

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor


class PowerCut(Exception):
    """What a `Cut` raises."""


class Cut(Callback):
    """Ends a run in step `at`, with the loss computed and nothing learnt from it."""

    def __init__(self, at: int):
        self.at = at

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        if trainer.global_step == self.at:
            raise PowerCut(f"no power in step {self.at}")
