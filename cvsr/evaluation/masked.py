"""Fidelity and texture of a part of a video: an object, or all that is around it.

Videos are (B, C, T, H, W) in [-1, 1], and masks (B, T, H, W) bool, True for the pixels that count; every function
returns one figure a video, (B,). PSNR says how close these pixels are; it forgives a surface without texture and
punishes a texture that is a little out of place. The correlation of textures tells these two apart.
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import Tensor

from cvsr.evaluation.metrics import DATA_RANGE, luma

FINE = 1.5  # pixels: halves a wave of 8 pixels, the shortest that a picture reduced to a quarter can carry
COARSE = 4.5  # pixels: halves a wave of 24 pixels, three latent positions of most autoencoders


def masked_psnr(video: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB over the pixels of the mask; infinite where they are equal.

    Raises:
        ValueError: shapes that do not fit, or a mask without pixels.
    """
    _check(video, reference, mask)
    counted = mask[:, None].double()
    errors = (video.double() - reference.double()).square() * counted
    mean = errors.sum((1, 2, 3, 4)) / (video.shape[1] * counted.sum((1, 2, 3, 4)))
    return (10 * torch.log10(DATA_RANGE**2 / mean)).float()


def texture_correlation(video: Tensor, reference: Tensor, mask: Tensor, sigma: float = FINE) -> Tensor:
    """How far the fine texture of the mask's pixels is the reference's, from -1 to 1.

    Texture is a pixel's luma less the mean of its surroundings, weighted with a Gaussian of `sigma` pixels. Only
    pixels of the mask have a part in that mean: neither an object's outline nor what is behind it counts as texture.
    The figure is the normalised correlation of both textures, <a, b> / (|a| |b|): 1 where one has the other's pattern
    in the same places, of whatever contrast; 0 where they have nothing to do with each other, or one is flat.

    Raises:
        ValueError: as for `masked_psnr`.
    """
    _check(video, reference, mask)
    seen, true = (_texture(each, mask, sigma).flatten(1) for each in (video, reference))
    return F.cosine_similarity(seen, true, dim=1).float()


def _texture(video: Tensor, mask: Tensor, sigma: float) -> Tensor:
    """Luma less its local mean over the mask, (B, T, H, W), 0 outside of the mask."""
    picture, inside = luma(video.double()).cpu().numpy(), mask.double().cpu().numpy()
    blur = partial(gaussian_filter, sigma=sigma, mode="constant", axes=(-2, -1))
    weight = np.where(mask.cpu(), blur(inside), 1.0)  # above 0 inside: a pixel has a part in its own mean
    mean = blur(picture * inside) / weight
    return torch.from_numpy((picture - mean) * inside)


def _check(video: Tensor, reference: Tensor, mask: Tensor) -> None:
    shapes = [tuple(each.shape) for each in (video, reference, mask)]
    if video.ndim != 5 or shapes[0] != shapes[1]:
        raise ValueError(
            f"video={shapes[0]}: does not fit the reference {shapes[1]}; allowed two equal shapes (B, C, T, H, W);"
            " try resizing or cutting one of them"
        )
    if mask.dtype != torch.bool or shapes[2] != (shapes[0][0], *shapes[0][2:]):
        raise ValueError(
            f"mask={mask.dtype} {shapes[2]}: no mask of videos {shapes[0]}; allowed bool (B, T, H, W); try mask > 0.5"
        )
    if not mask.flatten(1).any(1).all():
        raise ValueError("mask: no pixel in one of the videos; allowed one or more; try leaving that video out")
