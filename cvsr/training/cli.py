"""python -m cvsr fit: LightningCLI over the kit's modules and data."""

from pytorch_lightning import LightningDataModule, LightningModule
from pytorch_lightning.cli import LightningCLI


def main(arguments: list[str]) -> None:
    """Train what a recipe (YAML) describes; every value of it can be overruled, like `--trainer.devices=2`."""
    LightningCLI(
        LightningModule,
        LightningDataModule,
        subclass_mode_model=True,
        subclass_mode_data=True,
        save_config_kwargs={"overwrite": True},
        args=["fit", *arguments],
    )
