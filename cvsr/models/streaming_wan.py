"""Wan's video autoencoder, piece by piece: its own caches, kept from one piece to the next."""

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify
from torch import Tensor, nn


def _lay_out_for_convolutions(part: nn.Module) -> None:
    """Put the channels of 3D convolutions' weights last in memory: the same weights, faster (`bench streaming`)."""
    for module in part.modules():
        if isinstance(module, nn.Conv3d):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last_3d)


class WanEncoder:
    """Wan's own caches, one for each convolution, kept between pieces instead of cleared after a clip."""

    def __init__(self, autoencoder: AutoencoderKLWan):
        self.autoencoder, self.caches = autoencoder, None
        _lay_out_for_convolutions(autoencoder.encoder)

    def __call__(self, video: Tensor, begins: bool) -> Tensor:
        """A piece of video (B, 3, T, H, W) to its moments (B, 2c, t, h, w)."""
        wan = self.autoencoder
        if self.caches is None:
            wan.clear_cache()
            self.caches = wan._enc_feat_map
        if wan.config.patch_size is not None:
            video = patchify(video, patch_size=wan.config.patch_size)
        return wan.quant_conv(wan.encoder(video, feat_cache=self.caches, feat_idx=[0]))


class WanDecoder:
    """The same for its decoder, which takes one latent frame at a time."""

    def __init__(self, autoencoder: AutoencoderKLWan):
        self.autoencoder, self.caches = autoencoder, None
        _lay_out_for_convolutions(autoencoder.decoder)

    def __call__(self, latents: Tensor, begins: bool) -> Tensor:
        """A piece of latents (B, c, t, h, w) to frames (B, 3, T, H, W) in [-1, 1]."""
        wan = self.autoencoder
        if self.caches is None:
            wan.clear_cache()
            self.caches = wan._feat_map
        frames = []
        for index, frame in enumerate(wan.post_quant_conv(latents).split(1, dim=2)):
            first = begins and index == 0
            frames.append(wan.decoder(frame, feat_cache=self.caches, feat_idx=[0], first_chunk=first))
        video = torch.cat(frames, dim=2)
        if wan.config.patch_size is not None:
            video = unpatchify(video, patch_size=wan.config.patch_size)
        return video.clamp(-1, 1)
