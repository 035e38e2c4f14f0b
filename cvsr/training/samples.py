"""Pictures of what a model makes while it trains: a curve that goes down is not a picture that looks right."""

from pathlib import Path

import cv2
import numpy as np
import torch
from einops import rearrange
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_frames, to_tensor
from cvsr.data.world import render
from cvsr.pipelines.text_to_video import TextToVideoPipeline


class Samples(Callback):
    """Writes a sheet of samples, a row a held-out scene and up to three frames a clip, every so many steps.

    A base model's rows show what it makes of the captions, a super-resolution model's the input enlarged
    bicubically, the result and the truth.

    Args:
        folder: where `step-00001000.png` and so on go.
        every: steps between two sheets.
        count: scenes on a sheet.
        size: of the finished videos in pixels.
        frames: of each, 4n + 1.
    """

    def __init__(self, folder: str, every: int = 500, count: int = 4, size: int = 64, frames: int = 17):
        self.folder, self.every, self.count = Path(folder), every, count
        self.size, self.frames = size, frames

    @torch.no_grad()
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs, batch, batch_idx: int
    ) -> None:
        if trainer.global_step % self.every:
            return
        pl_module.eval()
        scenes = [sample_scene(i, "validation") for i in range(self.count)]
        drawn = [render(scene, self.frames, self.size, self.size) for scene in scenes]
        pipeline = pl_module.pipeline
        pipeline.set_progress_bar_config(disable=True)
        if isinstance(pipeline, TextToVideoPipeline):
            captions = [d.caption for d in drawn]
            result = pipeline(
                captions, self.size, self.size, self.frames, generator=torch.Generator().manual_seed(0)
            ).frames
            columns = [result]
        else:
            truth = torch.stack([to_tensor(d.frames) for d in drawn])
            small = resize(truth, self.size // 4, self.size // 4).clamp(-1, 1)
            result = pipeline(small, generator=torch.Generator().manual_seed(0)).frames
            columns = [resize(small, self.size, self.size), result, truth]
        pl_module.train()
        if not trainer.is_global_zero:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(self.folder / f"step-{trainer.global_step:08d}.png"), sheet(columns)[..., ::-1])


def sheet(columns: list[Tensor]) -> np.ndarray:
    """First, middle and last frames n of videos (B, 3, T, H, W) beside each other: uint8 (B·H, columns·n·W, 3)."""
    shown = sorted({0, columns[0].shape[2] // 2, columns[0].shape[2] - 1})
    chosen = torch.stack([column[:, :, shown].clamp(-1, 1).cpu() for column in columns])
    return to_frames(rearrange(chosen, "k b c t h w -> c 1 (b h) (k t w)"))[0]
