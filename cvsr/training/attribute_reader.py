"""Training the attribute reader on frames of the world, roughened until they look like generated ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from pytorch_lightning import LightningDataModule, LightningModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from cvsr.data.palette import COLOURS
from cvsr.data.pixel_sources import PixelSources
from cvsr.data.pixels import build_pixels
from cvsr.data.scenes import sample_scene
from cvsr.data.shapes import KINDS
from cvsr.data.stream import Bucket, Ticket, random_of, stream
from cvsr.data.video import to_tensor
from cvsr.models.attribute_reader import SIZE, AttributeReader

Labels = tuple[int, int]  # numbers of the kind and the colour of a scene's main object


def labels(seed: int, split: str) -> Labels:
    """What the reader shall say about a scene."""
    main = sample_scene(seed, split).objects[0]
    return list(KINDS).index(main.kind), list(COLOURS).index(main.colour)


class LabelledClips(Dataset):
    """Clips of the world that `build_pixels` made, with the labels of their scenes.

    By number whole, (3, T, 64, 64) in [-1, 1]; by a `Ticket` a random frame of a random clip, (3, 64, 64).
    """

    def __init__(self, folder: str | Path, sources: PixelSources, seed: int = 0):
        self.files = sorted(Path(folder).glob("world-*.npy"))[: sources.world]
        self.labels = [labels(sources.seed + index, sources.split) for index in range(sources.world)]
        self.seed = seed

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, which: int | Ticket) -> tuple[Tensor, Labels]:
        if isinstance(which, int):
            return to_tensor(np.load(self.files[which])), self.labels[which]
        rng = random_of(self.seed, which.index)
        index = int(rng.integers(len(self)))
        clip = np.load(self.files[index], mmap_mode="r")  # (T, 64, 64, 3)
        frame = int(rng.integers(len(clip)))
        return to_tensor(np.array(clip[frame : frame + 1]))[:, 0], self.labels[index]


class AttributeData(LightningDataModule):
    """Frames to learn from and whole held-out clips to be judged by, both with labels.

    Args:
        train_folder, held_out_folder: where the clips are kept; built if they are not there.
        train, held_out: their scenes; held-out ones come from the validation split.
        batch: frames a step.
        workers, seed: of the stream.
    """

    def __init__(
        self,
        train_folder: str,
        held_out_folder: str,
        train: PixelSources,
        held_out: PixelSources,
        batch: int = 64,
        workers: int = 0,
        seed: int = 0,
    ):
        super().__init__()
        self.train_folder, self.held_out_folder = Path(train_folder), Path(held_out_folder)
        self.train, self.held_out = train, replace(held_out, split="validation")
        self.batch, self.workers, self.seed = batch, workers, seed

    def prepare_data(self) -> None:
        """Make the clips that are not there yet."""
        build_pixels(self.train_folder, self.train)
        build_pixels(self.held_out_folder, self.held_out)

    def train_dataloader(self) -> DataLoader:
        """Random frames, without end."""
        clips = LabelledClips(self.train_folder, self.train, self.seed)
        return stream(clips, [Bucket(self.batch, 1, SIZE)], self.trainer.global_step, self.workers)

    def val_dataloader(self) -> DataLoader:
        """Every held-out clip once, whole."""
        return DataLoader(LabelledClips(self.held_out_folder, self.held_out), batch_size=16)


class AttributeReaderTraining(LightningModule):
    """Minimises the cross-entropy of both answers.

    Args:
        learning_rate: its highest, see `Budget`.
        seed: of the weights and of every roughening.
    """

    def __init__(self, learning_rate: float = 2e-3, seed: int = 0):
        super().__init__()
        self.save_hyperparameters()
        torch.manual_seed(seed)
        self.reader = AttributeReader(list(KINDS), list(COLOURS))

    def finished(self) -> AttributeReader:
        """What `Export` saves."""
        return self.reader

    def training_step(self, batch: tuple[Tensor, tuple[Tensor, Tensor]], batch_idx: int) -> Tensor:
        """The loss of one batch of roughened frames."""
        frames, named = batch
        generator = torch.Generator().manual_seed(hash((self.hparams.seed, self.global_step)))
        answers = self.reader(roughen(frames, generator))
        loss = sum(F.cross_entropy(answer, name) for answer, name in zip(answers, named, strict=True))
        self.log("train/loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, tuple[Tensor, Tensor]], batch_idx: int) -> None:
        """How often the reader is right on whole clips."""
        clips, named = batch
        for what, answer, name in zip(("kind", "colour"), self.reader.judge(clips), named, strict=True):
            self.log(f"held_out/{what}_accuracy", (answer.argmax(1) == name).float().mean(), prog_bar=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), self.hparams.learning_rate, weight_decay=0.05)


def roughen(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Frames (B, 3, H, W) mirrored, shifted, blurred, brightened or darkened, and noisy, each in its own way.

    What generated frames do to a true one, only stronger. Colours keep their hue: they are to be named.
    """

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand((len(frames), 1, 1, 1), generator=generator).to(frames)

    mirror = draw(0, 1).lt(0.5).to(frames) * 2 - 1  # -1 or 1
    move = torch.zeros(len(frames), 2, 3).to(frames)
    move[:, 0, 0], move[:, 1, 1] = mirror.flatten(), 1.0
    move[:, :, 2] = torch.cat([draw(-0.12, 0.12), draw(-0.12, 0.12)], dim=1).flatten(1)  # of half a side
    grid = F.affine_grid(move, list(frames.shape), align_corners=False)
    frames = F.grid_sample(frames, grid, padding_mode="reflection", align_corners=False)
    soft = F.avg_pool2d(F.pad(frames, (2, 2, 2, 2), mode="reflect"), 5, stride=1)
    frames = frames + draw(-0.2, 0.9) * (soft - frames)  # a few sharpened, most blurred
    frames = frames * draw(0.85, 1.15) + draw(-0.12, 0.12)
    noise = torch.randn(frames.shape, generator=generator).to(frames)
    return (frames + draw(0, 0.15) * noise).clamp(-1, 1)
