"""Holding a result to its input: colours and everything else that the small video already says.

Videos are (B, C, T, H, W); "enlarged" is the input resized to the result's size.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from cvsr.data.resize import resize

CALM = 0.02  # local contrast, of values in [-1, 1], at which detail stays as it is predicted
WINDOW = 9  # pixels, height and width, of what is local
FLAT = 1e-5  # standard deviation of a frame without any contrast to stretch


def back_project(video: Tensor, source: Tensor, rounds: int, agreement: float = math.inf) -> Tensor:
    """Add back the enlargement of what the result's reduction misses of the input, `rounds` times.

    Iterative back-projection (Irani & Peleg 1991): the result's reduction approaches the input, and detail
    that the input cannot carry stays as it is. Right for an input that was only reduced; noise and
    compression of a degraded input would come back with it.

    With a finite `agreement` a, of values in [-1, 1], what was changed on purpose stays changed. What is missed has the
    weight

        w = exp(-d² / 2a²)

    where d is how far reduction and input are apart before the first round, root mean square over 3×3 pixels and the
    channels. All counts where they nearly agree, next to nothing from 3a on.
    """
    for done in range(rounds):
        missed = source - resize(video, *source.shape[-2:])
        if not done:
            weight = torch.exp(-_apart(missed) / (2 * agreement**2))
        video = video + resize(weight * missed, *video.shape[-2:])
    return video


def _apart(missed: Tensor) -> Tensor:
    """Mean square of a difference over the channels and 3×3 pixels, (B, 1, T, H, W)."""
    squares = rearrange(missed.square().mean(1), "b t h w -> (b t) 1 h w")
    return rearrange(_around(squares, 3), "(b t) 1 h w -> b 1 t h w", b=len(missed))


def emphasise_detail(video: Tensor, enlarged: Tensor, factor: float) -> Tensor:
    """Draw what the result adds to its enlarged input `factor` times as strongly: 1 changes nothing, 0 leaves nothing.

    Above 1, by nearly so much where the input is busy, and more weakly than predicted where it is calm:

        result = enlarged + gain · (video - enlarged),  gain = max(0, 1 + (factor - 1) · (c - CALM) / (c + 2 · CALM))

    with the input's local contrast c. A model that takes few steps leans to the mean of what could be there, and means
    are faint: detail that is right comes out too weak. Extrapolating from a weaker answer through a better one brings
    it back, as autoguidance does in each step (Karras et al. 2024, section 3); here the weaker one is bicubic
    enlargement. The model's errors grow with it, and the eye forgives in a meadow what it sees on a wall (contrast
    masking).
    """
    if factor <= 1:
        return torch.lerp(enlarged, video, factor)
    contrast = local_contrast(enlarged)
    gain = 1 + (factor - 1) * (contrast - CALM) / (contrast + 2 * CALM)
    return enlarged + gain.clamp(min=0) * (video - enlarged)


def local_contrast(video: Tensor) -> Tensor:
    """How far the mean of the channels strays from its surroundings' mean (root mean square), (B, 1, T, H, W).

    Both means are over a window of `WINDOW`. An even shade, however steep, has none of it: a plain standard deviation
    would take a round, smooth body for a busy one.
    """
    grey = rearrange(video.mean(1), "b t h w -> (b t) 1 h w")
    strays = grey - _around(grey, WINDOW)
    return rearrange(_around(strays.square(), WINDOW).sqrt(), "(b t) 1 h w -> b 1 t h w", b=len(video))


def _around(values: Tensor, window: int) -> Tensor:
    """Means over window × window pixels, of those that a frame has, (B, 1, H, W)."""
    return F.avg_pool2d(values, window, stride=1, padding=window // 2, count_include_pad=False)


def transfer_colour(video: Tensor, enlarged: Tensor, levels: int = 5) -> Tensor:
    """The result's high frequencies on the enlarged input's low ones.

    The wavelet colour correction of StableSR (Wang et al. 2024), which SeedVR's released code applies too.
    """
    return video + low_frequencies(enlarged - video, levels)


def match_statistics(video: Tensor, enlarged: Tensor) -> Tensor:
    """Each frame's channels shifted and stretched to the mean and standard deviation of the enlarged input's.

    Adaptive instance normalisation (Huang & Belongie 2017, section 5) on pixels, StableSR's other colour correction
    (Wang et al. 2024): it moves a whole frame, where the wavelet's moves every place on its own.
    """
    axes = (-2, -1)
    std, mean = torch.std_mean(video, axes, correction=0, keepdim=True)  # (B, C, T, 1, 1)
    target_std, target_mean = torch.std_mean(enlarged, axes, correction=0, keepdim=True)
    return (video - mean) / std.clamp(min=FLAT) * target_std + target_mean


COLOUR_CORRECTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "none": lambda video, _: video,
    "wavelet": transfer_colour,
    "adain": match_statistics,
}


def correct_colour(video: Tensor, enlarged: Tensor, kind: str) -> Tensor:
    """The result with the colours of the enlarged input, by one of COLOUR_CORRECTIONS; ValueError for another."""
    check_colour_correction(kind)
    return COLOUR_CORRECTIONS[kind](video, enlarged)


def check_colour_correction(kind: str) -> None:
    """ValueError unless it is one of COLOUR_CORRECTIONS."""
    if kind not in COLOUR_CORRECTIONS:
        raise ValueError(
            f"colour_correction={kind!r}: unknown; allowed {', '.join(COLOUR_CORRECTIONS)};"
            " try colour_correction='wavelet'"
        )


def low_frequencies(video: Tensor, levels: int) -> Tensor:
    """What `levels` of the à-trous wavelet leave of each frame: 3×3 binomial blurs, each twice as wide."""
    frames = rearrange(video, "b c t h w -> (b c t) 1 h w")
    row = frames.new_tensor([0.25, 0.5, 0.25])
    for level in range(levels):
        reach = 2**level
        frames = F.conv2d(
            F.pad(frames, (reach, reach, 0, 0), mode="replicate"), row.view(1, 1, 1, 3), dilation=reach
        )
        frames = F.conv2d(
            F.pad(frames, (0, 0, reach, reach), mode="replicate"), row.view(1, 1, 3, 1), dilation=reach
        )
    return rearrange(frames, "(b c t) 1 h w -> b c t h w", b=video.shape[0], c=video.shape[1])
