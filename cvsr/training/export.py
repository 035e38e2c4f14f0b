"""Finished weights, in the folder that everything else loads them from."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from diffusers import DiffusionPipeline
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn

from cvsr.pipelines.store import BASE, save
from cvsr.training.budget import Budget
from cvsr.weights import Card, weights_folder, write_card

AUTOENCODER = {"autoencoder": "../autoencoder"}  # every pipeline's, stored once


class Exportable(Protocol):
    """What a Lightning module has to offer."""

    def finished(self) -> nn.Module | DiffusionPipeline:
        """The model, or the pipeline that it belongs to."""


class Export(Callback):
    """Saves the trained model with its card at the end of a run that reached its budget.

    Args:
        name: of the model's folder in the weights folder.
        recipe: the YAML file of this run.
        data: one sentence on what it was trained on.
        folder: of the weights; the repository's by default.
        after: the YAML files of the runs before it that led to the weights it began with.
        base: the folder, in that of the weights, of the part that the transformer adapts and keeps as it is; none: the
            transformer is stored whole.
    """

    def __init__(
        self,
        name: str,
        recipe: str,
        data: str,
        folder: str | None = None,
        after: Sequence[str] = (),
        base: str | None = None,
    ):
        self.target, self.data = weights_folder(folder) / name, data
        self.recipes = [*after, recipe]
        self.bases = {} if base is None else {"transformer": base}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write a new folder beside the old one and put it in its place."""
        model = pl_module.finished()  # all processes put it together, one writes it
        if not trainer.is_global_zero:
            return
        shared = AUTOENCODER if isinstance(model, DiffusionPipeline) else {}
        bases = {part: self.target.parent / base for part, base in self.bases.items()}
        unfinished = self.target.with_name(f".{self.target.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        save(model, unfinished, list(shared), bases)
        lent = {part + BASE: f"../{base}" for part, base in self.bases.items()}
        write_card(unfinished, self._card(trainer, pl_module, shared | lent))
        shutil.rmtree(self.target, ignore_errors=True)
        unfinished.rename(self.target)

    def _card(self, trainer: Trainer, module: LightningModule, shared: dict[str, str]) -> Card:
        seconds = next((c.elapsed() for c in trainer.callbacks if isinstance(c, Budget)), time.process_time())
        device = (
            torch.cuda.get_device_name()
            if module.device.type == "cuda"
            else f"CPU, {torch.get_num_threads()} threads"
        )
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return Card(
            config=self.recipes[-1],
            command=" && ".join(f"python -m cvsr fit --config {recipe}" for recipe in self.recipes),
            commit=_commit(),
            seed=module.hparams.seed,
            data=self.data,
            steps=trainer.global_step,
            device=device,
            minutes=round(seconds / 60, 1),
            held_out={
                k.removeprefix("held_out/"): round(v, 4)
                for k, v in figures.items()
                if k.startswith("held_out/")
            },
            shared=shared,
        )


def _commit() -> str:
    """The checkout's commit, or "unknown" outside of one."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or "unknown"
