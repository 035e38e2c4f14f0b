"""Training pixels: clips cut once from videos, the world and photographs, kept as .npy files, read at random.

A folder of clips is built by `build_pixels`, a clip a file, each written whole or not at all, so that a build
that was stopped goes on where it was. Readers map the files into memory and touch only what they crop. Beside a
clip lie its caption (.txt), for scenes of the world, where its subject is seen (.png, the frames one below the other,
white on black), and, for the tasks that have them, its references (.npz, see `cvsr.data.references`).
"""

import json
import os
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from cvsr.data.images import write_image
from cvsr.data.mixture import Mixture
from cvsr.data.pixel_sources import PixelSources, check_video, clips_of
from cvsr.data.references import write_references
from cvsr.data.stream import Ticket, random_of
from cvsr.data.video import to_tensor

REDUCTION = 2.0  # how much smaller a training crop may be than its place in the clip: sharper than any camera's
COLOURS = 0.5  # largest change of contrast and saturation: few clips are to show many looks


def build_pixels(folder: str | Path, sources: PixelSources) -> Path:
    """Make the clips that are not there yet.

    Raises:
        ValueError: the folder holds clips of other sources, or a video is shorter or smaller than a clip.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings, record = json.dumps(sources.describe(), indent=1), folder / "sources.json"
    if record.exists() and record.read_text() != settings:
        raise ValueError(
            f"folder={folder}: holds clips of other sources; allowed an empty one; try another folder"
        )
    record.write_text(settings)
    todo = [(name, make) for name, make in clips_of(sources) if not (folder / f"{name}.npy").exists()]
    for video in sources.videos if todo else ():
        check_video(video, sources)
    for name, make in tqdm(todo, desc=f"clips in {folder.name}", disable=not todo):
        clip = make()
        (folder / f"{name}.txt").write_text(clip.caption)
        if clip.subject is not None:
            mask = 255 * clip.subject.reshape(-1, sources.size).astype(np.uint8)
            write_image(folder / f"{name}.png", mask, clip.caption, ".png")
        if clip.references is not None:
            write_references(folder / f"{name}.npy", clip.references)
        with open(folder / "unfinished", "wb") as file:
            np.save(file, clip.frames)
        os.replace(folder / "unfinished", folder / f"{name}.npy")
    return folder


class PixelClips(Dataset):
    """Random crops (3, T, H, W) in [-1, 1] of the clips in a folder, varied at random, by (seed, ticket).

    Every second crop is reduced by area, up to `REDUCTION` times, and every second one has its contrast and
    saturation changed; each is mirrored, turned and played backwards or not: what an autoencoder has to keep all
    the same.

    Args:
        folder: made by `build_pixels`.
        shares: see `cvsr.data.mixture.Mixture`.
        seed: of every draw.
    """

    def __init__(self, folder: str | Path, shares: dict[str, float] | None = None, seed: int = 0):
        self.mixture = Mixture(sorted(Path(folder).glob("*.npy")), shares)
        self.seed = seed

    def __getitem__(self, ticket: Ticket) -> Tensor:
        rng, bucket = random_of(self.seed, ticket.index), ticket.bucket
        clip = np.load(self.mixture.draw(rng, bucket.sources), mmap_mode="r")
        largest = min(REDUCTION, min(clip.shape[1:3]) / bucket.size)
        side = int(bucket.size * largest ** max(0.0, rng.uniform(-1, 1)))
        start, top, left = (
            int(rng.integers(have - want + 1))
            for have, want in zip(clip.shape[:3], (bucket.frames, side, side), strict=True)
        )
        crop = clip[start : start + bucket.frames, top : top + side, left : left + side]
        size = (bucket.size, bucket.size)
        crop = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in crop])
        mirrored, turned, backwards = rng.random(3) < 0.5
        crop = crop[:, :, ::-1] if mirrored else crop
        crop = crop.swapaxes(1, 2) if turned else crop
        video = to_tensor((crop[::-1] if backwards else crop).copy())
        contrast, saturation = 1 + COLOURS * np.maximum(0, rng.uniform(-1, 1)) * rng.uniform(-1, 1, size=2)
        grey = video.mean(dim=0, keepdim=True)
        return (contrast * (grey + saturation * (video - grey))).clamp(-1, 1)


class WholeClips(Dataset):
    """Every clip (3, T, H, W) in [-1, 1] of a folder made by `build_pixels`, once, in the order of its name."""

    def __init__(self, folder: str | Path):
        self.files = sorted(Path(folder).glob("*.npy"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Tensor:
        return to_tensor(np.load(self.files[index]))
