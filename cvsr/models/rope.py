"""Rotary position embedding in three dimensions (time, height, width).

Each head's channels are taken in pairs, and each pair is a complex number turned by an angle that grows with
the token's position along one axis. A query and a key turned this way have a product that depends on the
difference of their positions only, so one network serves every length and size (RoFormer, Su et al. 2021,
section 3.2).

Legend: n tokens, 3 axes (t, h, w), d channels of one head.
"""

import torch
from torch import Tensor

THETA = 100.0
"""Base of the geometric row of frequencies. 100 as for axial RoPE in vision (Heo et al. 2024): along one axis
a video has tens of tokens, where the 10000 of language models would leave most pairs unturned."""


def grid_coordinates(frames: int, height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Positions (frames, height, width, 3) of a regular grid of tokens, in tokens, as float32."""
    axes = [torch.arange(size, device=device, dtype=torch.float32) for size in (frames, height, width)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)


def rotation(coordinates: Tensor, head_dim: int, theta: float = THETA) -> Tensor:
    """Unit complex numbers (..., head_dim / 2) that turn a token at `coordinates` (..., 3).

    The coordinates are any real numbers: grids, scaled grids or shifted ones. Height and width own a third of
    the pairs each, time owns the rest.
    """
    pairs = head_dim // 2
    shares = (pairs - 2 * (pairs // 3), pairs // 3, pairs // 3)
    angles = [
        position[..., None] * _frequencies(share, theta, coordinates.device)  # (..., share)
        for position, share in zip(coordinates.unbind(-1), shares, strict=True)
    ]
    angles = torch.cat(angles, dim=-1)  # (..., head_dim / 2)
    return torch.polar(torch.ones_like(angles), angles)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn the queries or keys x (B, n, heads, d) by `rotation` (n, d / 2)."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))  # (B, n, heads, d / 2)
    turned = pairs * rotation[:, None, :]
    return torch.view_as_real(turned).flatten(-2).type_as(x)  # (B, n, heads, d)


def _frequencies(count: int, theta: float, device: torch.device) -> Tensor:
    """Angles per token (count,): theta^0, theta^(-1/count), …"""
    return theta ** (-torch.arange(count, device=device, dtype=torch.float32) / count)
