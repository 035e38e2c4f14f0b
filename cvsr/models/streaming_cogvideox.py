"""CogVideoX's video autoencoder, piece by piece, in the pieces that diffusers takes and with its caches.

Its norms act on whole pieces, so that their lengths belong to the model: two latent frames, and three at the start.
diffusers puts a remainder into the first piece, which a stream cannot, as it does not know the length: it comes last
here. Videos of 8n + 1 frames leave none, and equal diffusers' own; so do those of one piece.
"""

import torch
from diffusers import AutoencoderKLCogVideoX
from torch import Tensor

from cvsr.models.latent_space import compression
from cvsr.models.streaming_step import Step


class CogVideoXEncoder(Step):
    """Its convolutions take the last frames that they saw, and return those to keep."""

    def __init__(self, autoencoder: AutoencoderKLCogVideoX):
        self.autoencoder, self.caches = autoencoder, None
        self.group = autoencoder.num_sample_frames_batch_size
        self.first = self.group + 1

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A piece of video (B, 3, T, H, W) to its moments (B, 2c, t, h, w)."""
        moments, self.caches = self.autoencoder.encoder(piece, conv_cache=None if begins else self.caches)
        after = self.autoencoder.quant_conv
        return moments if after is None else after(moments)


class CogVideoXDecoder(Step):
    """The same for its decoder, which tells the start of a video by an odd number of latent frames."""

    def __init__(self, autoencoder: AutoencoderKLCogVideoX):
        self.autoencoder, self.caches = autoencoder, None
        self.group = autoencoder.num_latent_frames_batch_size
        self.first = self.group + 1

    def __call__(self, piece: Tensor, begins: bool) -> Tensor:
        """A piece of latents (B, c, t, h, w), t odd if it begins the video and even otherwise, to its frames."""
        before = self.autoencoder.post_quant_conv
        piece = piece if before is None else before(piece)
        frames, self.caches = self.autoencoder.decoder(piece, conv_cache=None if begins else self.caches)
        return frames

    def end(self, piece: Tensor, begins: bool) -> list[Tensor]:
        """A last frame that makes the number wrong is repeated, and the repetition's frames cut off."""
        missing = (piece.shape[2] + begins) % 2
        if not piece.shape[2] or not missing:
            return super().end(piece, begins)
        frames = self(torch.cat([piece, piece[:, :, -1:]], dim=2), begins)
        return [frames[:, :, : -compression(self.autoencoder)[0]]]
