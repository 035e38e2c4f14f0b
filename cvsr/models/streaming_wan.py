"""Wan's video autoencoder and those built like it, piece by piece: its own caches, kept instead of cleared.

They attend within a frame only, and their norms act on each position alone: a stream equals the whole clip.
"""

import torch
from diffusers import AutoencoderKLQwenImage, AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify
from torch import Tensor, nn

from cvsr.models.latent_space import compression
from cvsr.models.streaming_step import Step

WanLike = AutoencoderKLWan | AutoencoderKLQwenImage


def _lay_out_for_convolutions(part: nn.Module) -> None:
    """Put the channels of 3D convolutions' weights last in memory: the same weights, faster (`bench streaming`)."""
    for module in part.modules():
        if isinstance(module, nn.Conv3d):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last_3d)


class WanEncoder(Step):
    """One cache for each convolution, kept between pieces instead of cleared after a clip."""

    def __init__(self, autoencoder: WanLike):
        self.autoencoder, self.caches = autoencoder, None
        self.first, self.group = 1, compression(autoencoder)[0]
        _lay_out_for_convolutions(autoencoder.encoder)

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A piece of video (B, 3, T, H, W) to its moments (B, 2c, 1, h, w)."""
        wan = self.autoencoder
        if begins:
            wan.clear_cache()
            self.caches = wan._enc_feat_map
        if patch := wan.config.get("patch_size"):
            piece = patchify(piece, patch_size=patch)
        return wan.quant_conv(wan.encoder(piece, feat_cache=self.caches, feat_idx=[0]))


class WanDecoder(Step):
    """The same for its decoder, which takes one latent frame at a time."""

    first, group = 1, 1

    def __init__(self, autoencoder: WanLike):
        self.autoencoder, self.caches = autoencoder, None
        _lay_out_for_convolutions(autoencoder.decoder)

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A latent frame (B, c, 1, h, w) to its frames (B, 3, 1 or 4, H, W) in [-1, 1]."""
        wan = self.autoencoder
        if begins:
            wan.clear_cache()
            self.caches = wan._feat_map
        start = {"first_chunk": begins} if wan.config.get("is_residual") else {}  # Wan 2.2's doubles frames
        video = wan.decoder(wan.post_quant_conv(piece), feat_cache=self.caches, feat_idx=[0], **start)
        if patch := wan.config.get("patch_size"):
            video = unpatchify(video, patch_size=patch)
        return video.clamp(-1, 1)
