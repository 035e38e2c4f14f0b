"""Videos of any length through a causal autoencoder, a few frames at a time, exactly as in one go.

A causal network needs nothing of the past but the last frames that its convolutions saw (SeedVR section 3.2).
Kept from piece to piece, they make the pieces' results those of the whole clip, in memory that does not grow:

    stream = DecodeStream(autoencoder)
    for piece in latents.split(2, dim=2):
        write(stream.push(piece))

Legend: B batch, T frames and t latent frames of a piece, c latent channels.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import patchify, unpatchify
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from cvsr.models.autoencoder import FRAMES, CausalConv, VideoAutoencoder, latent_statistics


class EncodeStream:
    """Encodes frames as they come; every latent frame is returned as soon as its four frames are there.

    Args:
        autoencoder: a `VideoAutoencoder` or an `AutoencoderKLWan`.
        generator: of the draws from the posterior; its mode without.
    """

    def __init__(self, autoencoder: ModelMixin, generator: torch.Generator | None = None):
        self.autoencoder, self.generator = autoencoder, generator
        self.step = _encoder_of(autoencoder)
        self.waiting: Tensor | None = None  # frames that do not fill a group yet
        self.began = False

    def push(self, video: Tensor) -> Tensor:
        """Normalised latents (B, c, t, h, w), t ≥ 0, of the groups that frames (B, 3, T, H, W) complete."""
        if self.waiting is not None:
            video = torch.cat([self.waiting, video], dim=2)
        first = 0 if self.began else 1
        ready = max(first + (video.shape[2] - first) // FRAMES * FRAMES, 0)  # frames of whole groups
        self.waiting = video[:, :, ready:].clone()
        moments = [
            self.step(piece, begins=not self.began and index == 0)
            for index, piece in enumerate(_groups(video[:, :, :ready], first))
        ]
        self.began = self.began or ready > 0
        if not moments:
            height, width = (side // 8 for side in video.shape[-2:])
            channels = len(self.autoencoder.config.latents_mean)
            return video.new_empty(len(video), channels, 0, height, width)
        posterior = DiagonalGaussianDistribution(torch.cat(moments, dim=2))
        latents = posterior.mode() if self.generator is None else posterior.sample(self.generator)
        mean, std = latent_statistics(self.autoencoder, latents.device)
        return (latents - mean) / std

    def finish(self) -> Tensor:
        """The latents of the frames that are left, the last of which is repeated to fill a group; (B, c, 0 or 1, …)."""
        if self.waiting is None:
            raise ValueError("finish(): no frame was pushed; allowed after one or more; try push(video) first")
        left = self.waiting.shape[2]
        if not left:
            return self.push(self.waiting)
        return self.push(self.waiting[:, :, -1:].expand(-1, -1, FRAMES - left, -1, -1))


class DecodeStream:
    """Decodes latents as they come; the first latent frame becomes one frame, every later one four.

    Args:
        autoencoder: a `VideoAutoencoder` or an `AutoencoderKLWan`.
    """

    def __init__(self, autoencoder: ModelMixin):
        self.autoencoder, self.step = autoencoder, _decoder_of(autoencoder)
        self.began = False

    def push(self, latents: Tensor) -> Tensor:
        """The frames (B, 3, T, H, W) of normalised latents (B, c, t, h, w), t ≥ 1.

        Raises:
            ValueError: latents of another autoencoder, or none.
        """
        channels = len(self.autoencoder.config.latents_mean)
        if latents.ndim != 5 or latents.shape[1] != channels or not latents.shape[2]:
            raise ValueError(
                f"latents={tuple(latents.shape)}: not this autoencoder's; allowed (B, {channels}, t >= 1, h, w);"
                " try the autoencoder that they were encoded with"
            )
        mean, std = latent_statistics(self.autoencoder, latents.device)
        frames = self.step(latents * std + mean, begins=not self.began)
        self.began = True
        return frames


@torch.no_grad()
def encode_stream(
    autoencoder: ModelMixin, pieces: Iterator[Tensor], generator: torch.Generator | None = None
) -> Iterator[Tensor]:
    """Normalised latents of a video that comes in pieces (B, 3, T, H, W) of any lengths, as they are ready."""
    stream = EncodeStream(autoencoder, generator)
    for piece in pieces:
        if (latents := stream.push(piece)).shape[2]:
            yield latents
    if (latents := stream.finish()).shape[2]:
        yield latents


@torch.no_grad()
def decode_stream(autoencoder: ModelMixin, pieces: Iterator[Tensor]) -> Iterator[Tensor]:
    """The frames of normalised latents that come in pieces (B, c, t, h, w), piece by piece."""
    stream = DecodeStream(autoencoder)
    for piece in pieces:
        yield stream.push(piece)


def _groups(video: Tensor, first: int) -> list[Tensor]:
    """The first frame, if any, and the groups of four after it."""
    head, rest = video[:, :, :first], video[:, :, first:]
    return [piece for piece in (head, *rest.split(FRAMES, dim=2)) if piece.shape[2]]


def _encoder_of(autoencoder: ModelMixin) -> "_CausalEncoder | _WanEncoder":
    return _pick(autoencoder, {VideoAutoencoder: _CausalEncoder, AutoencoderKLWan: _WanEncoder})


def _decoder_of(autoencoder: ModelMixin) -> "_CausalDecoder | _WanDecoder":
    return _pick(autoencoder, {VideoAutoencoder: _CausalDecoder, AutoencoderKLWan: _WanDecoder})


def _pick(autoencoder: ModelMixin, kinds: dict):
    if type(autoencoder) not in kinds:
        names = ", ".join(kind.__name__ for kind in kinds)
        raise ValueError(
            f"autoencoder={type(autoencoder).__name__}: its convolutions cannot be streamed here; allowed {names};"
            " try encoding whole clips"
        )
    return kinds[type(autoencoder)](autoencoder)


class _Remembering:
    """A part of a `VideoAutoencoder` whose causal convolutions use the memory of this stream."""

    def __init__(self, part: nn.Module):
        self.convolutions = [module for module in part.modules() if isinstance(module, CausalConv)]
        self.memory: dict[CausalConv, Tensor] = {}

    @contextmanager
    def remembered(self) -> Iterator[None]:
        """Only while this stream runs: another one of the same model has a memory of its own."""
        for convolution in self.convolutions:
            convolution.memory = self.memory
        try:
            yield
        finally:
            for convolution in self.convolutions:
                convolution.memory = None


class _CausalEncoder(_Remembering):
    def __init__(self, autoencoder: VideoAutoencoder):
        super().__init__(autoencoder.encoder)
        self.autoencoder = autoencoder

    def __call__(self, video: Tensor, begins: bool) -> Tensor:
        with self.remembered():
            return self.autoencoder.moments(video, begins)


class _CausalDecoder(_Remembering):
    def __init__(self, autoencoder: VideoAutoencoder):
        super().__init__(autoencoder.decoder)
        self.autoencoder = autoencoder

    def __call__(self, latents: Tensor, begins: bool) -> Tensor:
        with self.remembered():
            return self.autoencoder.frames(latents, begins)


class _WanEncoder:
    """Wan's own caches, one for each convolution, kept between pieces instead of cleared after a clip."""

    def __init__(self, autoencoder: AutoencoderKLWan):
        self.autoencoder, self.caches = autoencoder, None

    def __call__(self, video: Tensor, begins: bool) -> Tensor:
        wan = self.autoencoder
        if self.caches is None:
            wan.clear_cache()
            self.caches = wan._enc_feat_map
        if wan.config.patch_size is not None:
            video = patchify(video, patch_size=wan.config.patch_size)
        return wan.quant_conv(wan.encoder(video, feat_cache=self.caches, feat_idx=[0]))


class _WanDecoder:
    """The same for its decoder, which takes one latent frame at a time."""

    def __init__(self, autoencoder: AutoencoderKLWan):
        self.autoencoder, self.caches = autoencoder, None

    def __call__(self, latents: Tensor, begins: bool) -> Tensor:
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
