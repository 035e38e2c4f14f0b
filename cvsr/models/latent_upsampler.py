"""From a small video's latents to those of one four times as large, without decoding, enlarging and encoding between.

Legend: B batch, c latent channels, t h w the small latents' size, r = 4, d width.

SimpleGVR (section 4.1) puts a 3D CNN before and another one behind a bilinear upsampling. One position of the small
latents becomes r × r of the large ones, each of which shows another part of the same patch, in a basis that is made
for patches: most of that is a matter of sixteen different linear maps, and interpolation between neighbours is none of
them. So here, as in the autoencoder, a linear map in closed form does what it can, and the paper's CNNs, told which
part each position is, add what it cannot.
"""

import math

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from einops import rearrange
from torch import Tensor, nn

from cvsr.models.autoencoder import CausalConv, SpatialConv

SCALE = 4


class LatentUpsampler(ModelMixin, ConfigMixin):
    """A linear map of 3×3 positions, plus 3D CNN, bilinear upsampling, 3D CNN (SimpleGVR section 4.1).

    Args:
        latent_channels: c.
        width: d, of the features between the CNNs.
    """

    @register_to_config
    def __init__(self, latent_channels: int = 48, width: int = 96):
        super().__init__()
        self.first = SpatialConv(latent_channels, SCALE**2 * latent_channels)  # the first frame is encoded alone
        self.group = CausalConv(latent_channels, SCALE**2 * latent_channels)
        self.before = nn.Sequential(
            nn.Conv3d(latent_channels, width, 3, padding=1), nn.SiLU(), nn.Conv3d(width, width, 3, padding=1)
        )
        self.to_phase = nn.Conv3d(4, width, 1)
        self.after = nn.Sequential(
            nn.SiLU(),
            nn.Conv3d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv3d(width, latent_channels, 3, padding=1),
        )
        nn.init.zeros_(self.after[-1].weight)
        nn.init.zeros_(self.after[-1].bias)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents (B, c, t, 4h, 4w) of a video four times as large, for those of a small one (B, c, t, h, w).

        Raises:
            ValueError: latents of another number of channels.
        """
        channels = self.config.latent_channels
        if latents.ndim != 5 or latents.shape[1] != channels:
            raise ValueError(
                f"latents={tuple(latents.shape)}: not what this network was made for; allowed (B, {channels}, t, h, w);"
                " try the autoencoder that it was trained with"
            )
        features = self.before(latents)  # (B, d, t, h, w)
        height, width = (SCALE * side for side in latents.shape[-2:])
        grown = F.interpolate(features.flatten(1, 2), (height, width), mode="bilinear", align_corners=False)
        grown = grown.unflatten(1, features.shape[1:3])  # (B, d, t, rh, rw)
        return self.linear(latents) + self.after(grown + self.to_phase(phases(height, width).to(grown)))

    def linear(self, latents: Tensor) -> Tensor:
        """The linear part alone: (B, c, t, h, w) to (B, c, t, 4h, 4w)."""
        x = rearrange(latents, "b c t h w -> b t h w c").contiguous()
        x = torch.cat([self.first(x[:, :1]), self.group(x)[:, 1:]], dim=1)
        return from_parts(x)


def to_parts(latents: Tensor) -> Tensor:
    """Large latents (B, c, t, rh, rw) by small positions: (B, t, h, w, r·r·c). Inverse of `from_parts`."""
    return rearrange(latents, "b c t (h p) (w q) -> b t h w (p q c)", p=SCALE, q=SCALE)


def from_parts(parts: Tensor) -> Tensor:
    """(B, t, h, w, r·r·c) to (B, c, t, rh, rw)."""
    return rearrange(parts, "b t h w (p q c) -> b c t (h p) (w q)", p=SCALE, q=SCALE)


def phases(height: int, width: int) -> Tensor:
    """Which part of its small position each large one is: (1, 4, 1, H, W), sine and cosine of row and of column."""
    waves = []
    for side in (height, width):
        turn = 2 * math.pi * (torch.arange(side) + 0.5) / SCALE
        waves.append(torch.stack([turn.sin(), turn.cos()]))  # (2, n)
    rows = waves[0][:, :, None].expand(-1, -1, width)
    columns = waves[1][:, None, :].expand(-1, height, -1)
    return torch.cat([rows, columns])[None, :, None]
