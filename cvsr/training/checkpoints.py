"""Checkpoints that are whole or not there, and a run that stops before it spoils its weights."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, flushes to disk, then takes its place: a killed run leaves the last one whole."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Save to `path`; the folder is made if need be."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        with unfinished.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


class StopOnNaN(Callback):
    """Stops before the step that would put NaN into the weights; `OnExceptionCheckpoint` then saves good ones."""

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """FloatingPointError if the loss is no finite number, in every process if in one."""
        if not trainer.strategy.reduce_boolean_decision(bool(torch.isfinite(loss)), all=True):
            raise FloatingPointError(
                f"loss={loss.item()} at step {trainer.global_step}: no finite number; the weights of the step before"
                " are kept; try a lower learning_rate or look at the data of this step"
            )
