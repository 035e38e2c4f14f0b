"""python -m cvsr fit: LightningCLI over the kit's modules and data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import Callback, LightningDataModule, LightningModule
from pytorch_lightning.cli import LightningCLI


def main(arguments: list[str]) -> None:
    """Train what a recipe (YAML) describes; every value of it can be overruled, like `--trainer.devices=2`."""
    train(arguments)


def train(arguments: list[str], callbacks: Sequence[Callback] = ()) -> LightningCLI:
    """`main`, with callbacks beside the recipe's; what was trained is `.model`, and `.trainer` says how far."""
    return LightningCLI(
        LightningModule,
        LightningDataModule,
        subclass_mode_model=True,
        subclass_mode_data=True,
        save_config_kwargs={"overwrite": True},
        trainer_defaults={"callbacks": list(callbacks)},
        args=["fit", *arguments],
    )


def train_recipe(recipe: Mapping[str, Any], path: Path, callbacks: Sequence[Callback] = ()) -> LightningCLI:
    """`train` a recipe given as plain values, which is written to `path` first, to be trained again from there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(recipe), sort_keys=False))
    return train(["--config", str(path)], callbacks)
