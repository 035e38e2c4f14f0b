"""The best linear autoencoder: patches of the first frame and of groups of four frames, each with one matrix.

Legend: B batch, T frames, H W pixels, t = 1 + (T-1)/4, h = H/8, w = W/8 latent sizes, c latent channels.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

FRAMES, PATCH = 4, 8  # one latent position stands for 4×8×8 pixels (1×8×8 in the first frame)


class LinearCodec(nn.Module):
    """The linear autoencoder: one matrix for the first frame's patches, one for the groups of four frames.

    Fitted in closed form and then left alone: the path around the encoder's convolutions, the start of the
    decoder's, and the baseline for both. Latents have unit variance on the data it was fitted on.
    """

    def __init__(self, latent_channels: int):
        super().__init__()
        pixels = 3 * PATCH * PATCH
        self.encode_first = nn.Linear(pixels, latent_channels)
        self.encode_group = nn.Linear(pixels * FRAMES, latent_channels)
        self.decode_first = nn.Linear(latent_channels, pixels)
        self.decode_group = nn.Linear(latent_channels, pixels * FRAMES)

    def encode(self, video: Tensor, begins: bool = True) -> Tensor:  # (B, 3, T, H, W) → (B, t, h, w, c)
        first, groups = to_patches(video, begins)
        return torch.cat([self.encode_first(first), self.encode_group(groups)], dim=1)

    def decode(self, latents: Tensor) -> Tensor:  # (B, t, h, w, c) → (B, 3, T, H, W)
        return from_patches(self.decode_first(latents[:, :1]), self.decode_group(latents[:, 1:]))


def to_patches(video: Tensor, begins: bool = True) -> tuple[Tensor, Tensor]:
    """(B, 3, T, H, W) → the first frame's patches (B, 1, h, w, 192) and the groups' (B, t-1, h, w, 768).

    A piece from the middle of a video does not begin with a first frame: (B, 0, …) and (B, t, …).
    """
    first, rest = video[:, :, : int(begins)], video[:, :, int(begins) :]
    first = rearrange(first, "b c t (h i) (w j) -> b t h w (i j c)", i=PATCH, j=PATCH)
    groups = rearrange(rest, "b c (t n) (h i) (w j) -> b t h w (n i j c)", n=FRAMES, i=PATCH, j=PATCH)
    return first, groups


def from_patches(first: Tensor, groups: Tensor) -> Tensor:
    """The inverse of `to_patches`."""
    first = rearrange(first, "b t h w (i j c) -> b c t (h i) (w j)", i=PATCH, j=PATCH)
    groups = rearrange(groups, "b t h w (n i j c) -> b c (t n) (h i) (w j)", n=FRAMES, i=PATCH, j=PATCH)
    return torch.cat([first, groups], dim=2)
