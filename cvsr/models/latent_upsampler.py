"""From a small video's latents to those of a large one, without decoding, enlarging and encoding between.

Legend: B batch, c latent channels, t h w the small latents' size, H W the large ones', d width.

SimpleGVR (section 4.1) puts a 3D CNN before and another one behind a bilinear upsampling. One position of the small
latents becomes several of the large ones, each of which shows another part of the same patch; interpolation alone
does not tell them apart where the neighbours are alike. So the second CNN is told, too, which part each of its
positions is: its phase.
"""

import math

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn


class LatentUpsampler(ModelMixin, ConfigMixin):
    """3D CNN, bilinear upsampling, 3D CNN (SimpleGVR section 4.1).

    Args:
        latent_channels: c.
        width: d, of the features between.
    """

    @register_to_config
    def __init__(self, latent_channels: int = 48, width: int = 128):
        super().__init__()
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

    def forward(self, latents: Tensor, height: int, width: int) -> Tensor:
        """Latents (B, c, t, H, W) of size height × width for small ones (B, c, t, h, w).

        Raises:
            ValueError: latents of another number of channels, or a size below theirs.
        """
        channels = self.config.latent_channels
        if latents.ndim != 5 or latents.shape[1] != channels:
            raise ValueError(
                f"latents={tuple(latents.shape)}: not what this network was made for; allowed (B, {channels}, t, h, w);"
                " try the autoencoder that it was trained with"
            )
        for name, side, small in (("height", height, latents.shape[3]), ("width", width, latents.shape[4])):
            if side < small:
                raise ValueError(
                    f"{name}={side}: smaller than the latents' {small}; allowed from there on; try {name}={4 * small}"
                )
        features = self.before(latents)  # (B, d, t, h, w)
        grown = F.interpolate(features.flatten(1, 2), (height, width), mode="bilinear", align_corners=False)
        grown = grown.unflatten(1, features.shape[1:3])  # (B, d, t, H, W)
        return self.after(grown + self.to_phase(phases(latents.shape[3:], (height, width)).to(grown)))


def phases(small: tuple[int, int], large: tuple[int, int]) -> Tensor:
    """Where in its small position each large one lies: (1, 4, 1, H, W), sine and cosine of row and of column."""
    waves = []
    for before, after in zip(small, large, strict=True):
        place = (torch.arange(after) + 0.5) * before / after  # in small positions
        waves.append(torch.stack([(2 * math.pi * place).sin(), (2 * math.pi * place).cos()]))  # (2, n)
    rows = waves[0][:, :, None].expand(-1, -1, large[1])
    columns = waves[1][:, None, :].expand(-1, large[0], -1)
    return torch.cat([rows, columns])[None, :, None]
