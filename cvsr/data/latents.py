"""Precomputed latents: every clip is encoded once, and training reads the small result.

A folder of clips (`build_pixels`) becomes a folder of latents, one safetensors file a clip, written whole or not
at all; a build that was stopped goes on where it was.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from cvsr.data.images import read_image
from cvsr.data.mixture import Mixture
from cvsr.data.resize import resize
from cvsr.data.stream import Ticket, random_of
from cvsr.data.video import to_tensor

Encode = Callable[[Tensor], Tensor]  # video (1, 3, T, H, W) in [-1, 1] to normalised latents (1, c, t, h, w)


@torch.no_grad()
def build_latents(
    folder: str | Path, clips: str | Path, encode: Encode, codec: str, reduction: int = 1
) -> Path:
    """Encode every clip that has no latents yet.

    Args:
        folder: where the latents go.
        clips: made by `build_pixels`.
        encode: the autoencoder, as a callable.
        codec: what tells this autoencoder from others, such as a hash; noted in the folder.
        reduction: if above 1, the clip reduced so many times and enlarged again is encoded beside it.

    Raises:
        ValueError: the folder holds latents of another autoencoder or reduction.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    made_by, record = f"{codec} {reduction}", folder / "made_by.txt"
    if record.exists() and record.read_text() != made_by:
        raise ValueError(
            f"folder={folder}: holds latents of another autoencoder; allowed those of {made_by}; try another folder"
        )
    record.write_text(made_by)
    todo = [c for c in sorted(Path(clips).glob("*.npy")) if not (folder / f"{c.stem}.safetensors").exists()]
    for clip in tqdm(todo, desc=f"latents in {folder}", disable=not todo):
        video = to_tensor(np.load(clip))[None]  # (1, 3, T, H, W)
        tensors = {"latents": encode(video)[0].half().contiguous()}
        if reduction > 1:
            tensors["low"] = encode(reduce_and_enlarge(video, reduction))[0].half().contiguous()
        mask = subject_mask(clip.with_suffix(".png"), video.shape[2:])
        tensors["subject"] = shares_of(mask, tensors["latents"].shape[1:]).half()
        save_file(tensors, folder / "unfinished", {"caption": clip.with_suffix(".txt").read_text()})
        os.replace(folder / "unfinished", folder / f"{clip.stem}.safetensors")
    return folder


def reduce_and_enlarge(video: Tensor, reduction: int) -> Tensor:
    """(B, 3, T, H, W) as it comes back from a video `reduction` times smaller, 8 bits a value, in [-1, 1]."""
    height, width = video.shape[-2:]
    small = resize(video, height // reduction, width // reduction).clamp(-1, 1)
    small = ((small + 1) * 127.5).round() / 127.5 - 1  # what a file can hold
    return resize(small, height, width).clamp(-1, 1)


def subject_mask(path: Path, size: Sequence[int]) -> Tensor:
    """The mask (1, T, H, W) that `build_pixels` wrote beside a clip of `size` (T, H, W); zeros if it wrote none."""
    if not path.exists():
        return torch.zeros(1, *size)
    (stacked,), _, _ = read_image(path)  # (T·H, W, 3)
    return torch.from_numpy(stacked[..., 0] > 127).view(1, *size).float()


def shares_of(mask: Tensor, size: Sequence[int]) -> Tensor:
    """How much of each latent position a mask (1, T, H, W) covers, (1, t, h, w) of `size`; frame 1 stands alone."""
    frames, height, width = size
    first = F.adaptive_avg_pool3d(mask[:, :1], (1, height, width))
    if frames == 1:
        return first
    return torch.cat([first, F.adaptive_avg_pool3d(mask[:, 1:], (frames - 1, height, width))], dim=1)


def latent_frames(frames: int) -> np.ndarray:
    """The middle one of the frames that each latent frame stands for; the first stands for frame 0 alone."""
    return np.r_[0, 3:frames:4]


class LatentClips(Dataset):
    """Random crops of latents, by (seed, ticket): {"latents": (c, t, h, w), "caption": str}, and what else there is:

    "low" (c, t, h, w), the same clip reduced and enlarged, if it was built; "subject" (1, t, h, w), how much of each
    position the main object covers, where that is known. A crop begins with the first frame, encoded alone.

    Args:
        folder: made by `build_latents`.
        shares: see `cvsr.data.mixture.Mixture`.
        seed: of every draw.
    """

    def __init__(self, folder: str | Path, shares: dict[str, float] | None = None, seed: int = 0):
        self.mixture = Mixture(sorted(Path(folder).glob("*.safetensors")), shares)
        self.seed = seed

    def __getitem__(self, ticket: Ticket) -> dict[str, Tensor | str]:
        rng, bucket = random_of(self.seed, ticket.index), ticket.bucket
        with safe_open(self.mixture.draw(rng, bucket.sources), "pt") as file:
            _, _, height, width = file.get_slice("latents").get_shape()
            top, left = (int(rng.integers(side - bucket.size + 1)) for side in (height, width))
            rows, columns = slice(top, top + bucket.size), slice(left, left + bucket.size)
            sample = {
                name: file.get_slice(name)[:, : bucket.frames, rows, columns].float()
                for name in file.keys()  # noqa: SIM118 (no dict)
            }
            return sample | {"caption": file.metadata()["caption"]}
