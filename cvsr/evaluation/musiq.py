"""How good a video looks to people, without a reference: MUSIQ (Ke et al. 2021), by pyiqa where it is installed.

A transformer that sees a picture at three sizes and foretells the mean opinion of people, as on the photographs of
KonIQ-10k: about 0 (bad) to 100 (excellent). SimpleGVR learns from clips of 40 and more (section 5.1.1) and compares
its results by it (table 1).
"""

from importlib.util import find_spec
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

WEIGHTS = "musiq_koniq_ckpt-e95806b9.pth"  # pyiqa's name
SOURCE = "https://huggingface.co/chaofengc/IQA-PyTorch-Weights"


class Musiq:
    """MUSIQ with its weights. Nothing is downloaded: they have to lie where pyiqa keeps them, in torch's hub folder.

    Args:
        device: to compute on; a GPU by default, where there is one.

    Raises:
        ValueError: pyiqa, torchvision or the weights are missing.
    """

    def __init__(self, device: str | None = None):
        weights = Path(torch.hub.get_dir()) / "pyiqa" / WEIGHTS
        missing = [package for package in ("pyiqa", "torchvision") if find_spec(package) is None]
        missing += [] if weights.exists() else [str(weights)]
        if missing:
            raise ValueError(
                f"musiq: {', '.join(missing)} missing; allowed with both packages and the file, nothing is downloaded;"
                f" try pip install -e '.[musiq]', and the file from {SOURCE}"
            )
        from pyiqa import create_metric  # takes a second

        # A path: by the name alone, pyiqa would download what it does not find.
        self._metric = create_metric("musiq", pretrained_model_path=str(weights), device=device)

    @torch.no_grad()
    def score(self, video: Tensor) -> Tensor:
        """The foretold opinions of videos (B, 3, T, H, W) in [-1, 1], (B,), the mean over frames; more is better."""
        pictures = rearrange((video + 1) / 2, "b c t h w -> (b t) 1 c h w").clamp(0, 1)
        scores = torch.cat([self._metric(picture) for picture in pictures])  # (B·T, 1); one by one: memory
        return rearrange(scores, "(b t) 1 -> b t", b=len(video)).mean(1)
