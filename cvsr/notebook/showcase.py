"""The picture on top of the README, made by the shipped weights: `make readme`."""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cvsr.data.resize import resize
from cvsr.data.video import read_video, to_frames, to_tensor
from cvsr.notebook import figures
from cvsr.pipelines.store import load_cascade

WHERE = (0.25, 0.1667, 0.4, 0.6667)  # of the real clip's frame: 64×64 of its 160×96 pixels


def main(prompt: str, clip: str, picture: str, seed: int = 0, frame: int = 8) -> None:
    """Draw one row from a prompt and one from a clip: input, bicubic enlargement, result."""
    cascade = load_cascade()
    generator = torch.Generator().manual_seed(seed)
    made = cascade(prompt, generator=generator)
    real = to_tensor(read_video(clip).frames)[None]  # (1, 3, T, H, W)
    large = cascade.super_resolution(real, generator=generator).frames
    above = _row("small video from a prompt", made.base, made.frames, frame, (0, 0, 1, 1))
    below = _row("part of a real clip", real, large, frame, WHERE)
    Path(picture).parent.mkdir(parents=True, exist_ok=True)
    Path(picture).write_bytes(figures.png(figures.grid([above, below], height=512)))


def _row(name: str, small: Tensor, large: Tensor, frame: int, box: tuple[float, ...]) -> dict[str, np.ndarray]:
    bicubic = resize(small, *large.shape[-2:]).clamp(-1, 1)
    videos = {name: small, "bicubic enlargement": bicubic, "cvsr": large}
    return figures.crops({name: to_frames(video[0])[frame] for name, video in videos.items()}, box)


if __name__ == "__main__":
    main(*sys.argv[1:])
