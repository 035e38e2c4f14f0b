"""Between latents and the tokens of a transformer: blocks of positions as vectors, and back.

Legend: B batch, C channels, t h w latent size, T Y X the same in patches.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor


def patchify(video: Tensor, patch: Sequence[int]) -> Tensor:
    """(B, C, t, h, w) to (B, T, Y, X, C · patch volume); repeats the last values up to whole patches."""
    t, y, x = patch
    frames, height, width = video.shape[2:]
    padding = (0, -width % x, 0, -height % y, 0, -frames % t)
    if any(padding):
        video = F.pad(video, padding, mode="replicate")
    return rearrange(video, "b c (T t) (Y y) (X x) -> b T Y X (c t y x)", t=t, y=y, x=x)


def unpatchify(patches: Tensor, patch: Sequence[int], size: Sequence[int]) -> Tensor:
    """Inverse of `patchify`, cropped to size = (t, h, w)."""
    t, y, x = patch
    video = rearrange(patches, "b T Y X (c t y x) -> b c (T t) (Y y) (X x)", t=t, y=y, x=x)
    return video[:, :, : size[0], : size[1], : size[2]]
