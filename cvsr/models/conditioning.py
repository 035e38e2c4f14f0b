"""How a super-resolution network is shown its input: channels beside the noisy latents."""

import torch
from torch import Tensor


def beside(noisy: Tensor, low: Tensor, in_channels: int) -> Tensor:
    """The network's input (B, in_channels, t, h, w): noisy latents, the input's, and a mask if it has room for one.

    The mask is SeedVR's: 1 where a condition is given, everywhere in super-resolution.

    Args:
        noisy: (B, c, t, h, w).
        low: latents of the enlarged input, of the same shape.
        in_channels: of the network, 2c or 2c + 1.
    """
    parts = [noisy, low]
    if in_channels > noisy.shape[1] + low.shape[1]:
        parts.append(torch.ones_like(noisy[:, :1]))
    return torch.cat(parts, dim=1)
