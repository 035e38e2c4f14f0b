"""Resizing, the one way used everywhere: to make inputs, to enlarge them, and as the baseline to beat."""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor


def resize(video: Tensor, height: int, width: int) -> Tensor:
    """(B, C, T, H, W) to height × width, bicubic, with the kernel widened when reducing: nothing aliases.

    The kernel is Keys' with a = -0.5, as in PIL and Matlab's imresize. Values may overshoot the input's.
    """
    return _interpolate(video, size=(height, width))


def rescale(video: Tensor, height: float, width: float) -> Tensor:
    """(B, C, T, H, W) to ⌊H · height⌋ × ⌊W · width⌋ in the same way, with exactly these factors.

    `resize` stretches what is left over; this cuts it off, so that every pixel lies where the factors say.
    """
    return _interpolate(video, scale_factor=(height, width), recompute_scale_factor=False)


def _interpolate(video: Tensor, **size) -> Tensor:
    frames = rearrange(video, "b c t h w -> (b t) c h w")
    frames = F.interpolate(frames, **size, mode="bicubic", antialias=True, align_corners=False)
    return rearrange(frames, "(b t) c h w -> b c t h w", b=len(video))
