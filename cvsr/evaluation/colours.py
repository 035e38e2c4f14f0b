"""Whether a result has kept the colours of its input."""

import torch
import torch.nn.functional as F
from einops import rearrange
from skimage.color import rgb2lab
from torch import Tensor

PLACES = 8  # a picture is compared by the mean colours of so many parts a side


def colour_shift(video: Tensor, given: Tensor) -> Tensor:
    """Mean difference of colours in CIELAB (CIE 1976 ΔE), place by place: (B,), 0 for none.

    Of each frame the mean colours of 8×8 parts are compared, so that detail has no say and a cast in a corner has.
    About 2.3 is just noticeable side by side (Mahy, Van Eycken and Oosterlinck 1994).

    Args:
        video: (B, 3, T, H, W) in [-1, 1].
        given: the input, (B, 3, T, h, w) of another size.

    Raises:
        ValueError: videos of different numbers or lengths.
    """
    if video.ndim != 5 or given.ndim != 5 or video.shape[:3] != given.shape[:3]:
        raise ValueError(
            f"video={tuple(video.shape)}: does not fit the input {tuple(given.shape)}; allowed as many videos and"
            " frames; try cutting one of them"
        )
    size = [min(sides) for sides in zip(video.shape[-2:], given.shape[-2:], strict=True)]
    first, second = (_colours(each, size) for each in (video, given))  # (B, T, PLACES, PLACES, 3)
    return (first - second).norm(dim=-1).mean(dim=(1, 2, 3)).float()


def _colours(video: Tensor, size: list[int]) -> Tensor:
    """The mean colours of the parts, after a reduction to one size, by which parts of both are the same places."""
    frames = rearrange((video.double() + 1) / 2, "b c t h w -> (b t) c h w").clamp(0, 1)
    small = F.interpolate(frames, size, mode="bicubic", antialias=True)
    means = rearrange(F.adaptive_avg_pool2d(small, PLACES), "(b t) c y x -> b t y x c", b=len(video))
    return torch.from_numpy(rgb2lab(means.cpu().numpy()))
