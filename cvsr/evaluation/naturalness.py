"""How natural a video looks, without a reference: NIQE (Mittal, Soundararajan and Bovik 2013).

Divided by their local contrast, the pixels of undisturbed pictures follow much the same distributions everywhere.
Blur, noise and invented patterns change these; how far a video's are from those of clean pictures is its score. Which
pictures are clean is for the caller to say: this kit fits the model on its world, not on photographs.

Legend: N patches, P pixels of a patch a side, F = 36 features of a patch, 18 a scale.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from scipy.special import gamma
from torch import Tensor

from cvsr.evaluation.metrics import luma

PATCH = 64  # at full size; the paper's 96 is meant for larger pictures
SHARPEST = 0.75  # clean patches count from this share of the sharpest one's contrast on
WINDOW, SIGMA = 7, 7 / 6  # of the local mean and contrast, pixels
SHAPES = np.arange(0.2, 10, 0.001)  # candidates for a distribution's shape
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # right, down and the two diagonals


@dataclass(frozen=True)
class CleanPictures:
    """The features of clean patches as one normal distribution: mean (F,) and covariance (F, F)."""

    mean: np.ndarray
    covariance: np.ndarray

    def score(self, video: Tensor) -> Tensor:
        """How far videos (B, 3, T, H, W) in [-1, 1] are from clean ones, (B,), from 0 on; less is more natural.

        Raises:
            ValueError: a video smaller than a patch.
        """
        return torch.tensor([self._distance(clip) for clip in video])

    def _distance(self, clip: Tensor) -> float:
        found = features(clip)[0]
        apart = found.mean(0) - self.mean
        spread = (self.covariance + np.cov(found, rowvar=False)) / 2 if len(found) > 1 else self.covariance
        return float(np.sqrt(apart @ np.linalg.pinv(spread) @ apart))


def fit_clean_pictures(videos: Iterable[Tensor]) -> CleanPictures:
    """What clean videos (B, 3, T, H, W) in [-1, 1] have in common, by the sharpest patches of each clip."""
    chosen = []
    for video in videos:
        for clip in video:
            found, contrast = features(clip)
            chosen.append(found[contrast >= SHARPEST * contrast.max()])
    together = np.concatenate(chosen)
    if len(together) < 2:
        raise ValueError(
            f"videos: {len(together)} sharp patches; allowed 2 or more; try more or larger videos"
        )
    return CleanPictures(together.mean(0), np.cov(together, rowvar=False))


def features(clip: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, F) of the patches of a clip (3, T, H, W) in [-1, 1], and the mean local contrast of each, (N,)."""
    height, width = clip.shape[-2:]
    if min(height, width) < PATCH:
        raise ValueError(f"video={tuple(clip.shape)}: smaller than a patch; allowed {PATCH} pixels a side and more")
    frames = 127.5 * (luma(clip[None].double())[0] + 1)[:, None]  # (T, 1, H, W), 0 to 255
    frames = frames[..., : height // PATCH * PATCH, : width // PATCH * PATCH]
    both, contrast = [], None
    for scale in (1, 2):
        shown = F.interpolate(frames, scale_factor=1 / scale, mode="bicubic", antialias=True) if scale > 1 else frames
        normalised, deviation = normalise(shown)
        patches = rearrange(normalised, "t 1 (y p) (x q) -> (t y x) p q", p=PATCH // scale, q=PATCH // scale).numpy()
        both.append(_patch_features(patches))
        if contrast is None:
            contrast = rearrange(deviation, "t 1 (y p) (x q) -> (t y x) (p q)", p=PATCH, q=PATCH).mean(1).numpy()
    return np.concatenate(both, axis=1), contrast


def normalise(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Frames (T, 1, H, W), 0 to 255, less their local mean and over their local contrast + 1; and that contrast."""
    distance = torch.arange(WINDOW, dtype=frames.dtype) - WINDOW // 2
    bell = torch.exp(-distance.square() / (2 * SIGMA**2))
    kernel = torch.outer(bell, bell)[None, None] / bell.sum() ** 2

    def local(values: Tensor) -> Tensor:
        return F.conv2d(F.pad(values, (WINDOW // 2,) * 4, mode="replicate"), kernel)

    mean = local(frames)
    deviation = (local(frames.square()) - mean.square()).clamp(min=0).sqrt()
    return (frames - mean) / (deviation + 1), deviation


def fit_asymmetric(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shape and the left and the right scale, (N,) each, of asymmetric generalised Gaussians, a row of (N, n) each.

    By moments (Lasmar, Stitou and Berthoumieu 2009). Shape 2 is a Gaussian, 1 a Laplacian.
    """
    tiny = 1e-12
    squares = np.square(values)
    left, right = (
        np.sqrt((squares * side).sum(1) / np.maximum(side.sum(1), 1)) + tiny for side in (values < 0, values > 0)
    )
    lean = left / right
    ratio = np.abs(values).mean(1) ** 2 / (squares.mean(1) + tiny)
    ratio = ratio * (lean**3 + 1) * (lean + 1) / (lean**2 + 1) ** 2
    shape = SHAPES[np.searchsorted(RATIOS, ratio).clip(max=len(SHAPES) - 1)]
    spread = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * spread, right * spread


def _patch_features(patches: np.ndarray) -> np.ndarray:
    """(N, P, P) to (N, 18): two of the pixels, four of the products of each kind of neighbours."""
    shape, left, right = fit_asymmetric(patches.reshape(len(patches), -1))
    found = [shape, (left + right) / 2]
    for shift in NEIGHBOURS:
        products = patches * np.roll(patches, shift, axis=(1, 2))
        shape, left, right = fit_asymmetric(products.reshape(len(patches), -1))
        found += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return np.stack(found, axis=1)
