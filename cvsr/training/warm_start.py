"""Training on from weights that were shipped, where no checkpoint of the run is left."""

from diffusers import DiffusionPipeline
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn

from cvsr.pipelines.store import load


class WarmStart(Callback):
    """Copies shipped weights into a fresh run's model; a resumed run keeps its checkpoint's.

    A model may be deeper than the shipped one: blocks that this one does not have keep the start of their own.

        python -m cvsr fit --config cvsr/training/recipes/text_to_video.yaml
            --trainer.callbacks+=cvsr.training.warm_start.WarmStart --trainer.callbacks.name=text_to_video

    Args:
        name: of the model in the weights folder.
        folder: of the weights; the repository's by default.
    """

    def __init__(self, name: str, folder: str | None = None):
        self.name, self.folder = name, folder

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """WeightsError if the weights are missing or damaged; RuntimeError if they are of another shape."""
        if trainer.ckpt_path is not None:
            return
        shipped = load(self.name, self.folder)
        parts = shipped.components if isinstance(shipped, DiffusionPipeline) else {self.name: shipped}
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                own, known = getattr(pl_module, name), part.state_dict()
                own.load_state_dict(own.state_dict() | known)
