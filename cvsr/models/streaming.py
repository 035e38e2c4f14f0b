"""Videos of any length and size through an autoencoder, piece by piece, in memory that does not grow.

A causal network needs nothing of the past but the last frames that its convolutions saw (SeedVR section 3.2).
Kept from piece to piece, they make the pieces' results those of the whole clip:

    stream = DecodeStream(autoencoder)
    for piece in latents.split(2, dim=2):
        write(stream.push(piece))
    write(stream.finish())

Of the networks of diffusers, some remember no more (streaming_wan.py); some norm whole pieces, whose lengths are
theirs (streaming_cogvideox.py); some see the whole clip, and have temporal tiles (streaming_temporal_tiles.py).
A `Step` knows all this of its network, a stream nothing.

Legend: B batch, T frames and t latent frames of a piece, c latent channels.
"""

from collections.abc import Iterable, Iterator

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLHunyuanVideo,
    AutoencoderKLLTX2Video,
    AutoencoderKLLTXVideo,
    AutoencoderKLQwenImage,
    AutoencoderKLWan,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor

from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.models.latent_space import compression, latent_channels, latent_statistics
from cvsr.models.streaming_causal import CausalDecoder, CausalEncoder
from cvsr.models.streaming_cogvideox import CogVideoXDecoder, CogVideoXEncoder
from cvsr.models.streaming_step import Step
from cvsr.models.streaming_temporal_tiles import LTXDecoder, TiledDecoder, TiledEncoder
from cvsr.models.streaming_tiles import Tiles
from cvsr.models.streaming_wan import WanDecoder, WanEncoder

STREAMABLE = {  # of an encoder and of a decoder
    VideoAutoencoder: (CausalEncoder, CausalDecoder),
    AutoencoderKLWan: (WanEncoder, WanDecoder),
    AutoencoderKLQwenImage: (WanEncoder, WanDecoder),
    AutoencoderKLCogVideoX: (CogVideoXEncoder, CogVideoXDecoder),
    AutoencoderKLHunyuanVideo: (TiledEncoder, TiledDecoder),
    AutoencoderKLLTXVideo: (TiledEncoder, LTXDecoder),
    AutoencoderKLLTX2Video: (TiledEncoder, LTXDecoder),
}


class _Stream:
    """Cuts what comes into the pieces that a step wants, and keeps what fills none yet."""

    def __init__(self, autoencoder: ModelMixin, step: Step):
        self.autoencoder, self.step = autoencoder, step
        self.frames, self.patch = compression(autoencoder)
        self.waiting: Tensor | None = None
        self.began = False

    def _through(self, x: Tensor) -> list[Tensor]:
        """What the pieces that x (B, …, T, h, w) completes become."""
        x = x.to(self.autoencoder.dtype)
        if self.waiting is not None:
            x = torch.cat([self.waiting, x], dim=2)
        results = []
        while x.shape[2] >= (length := self.step.group if self.began else self.step.first):
            results.append(self.step(x[:, :, :length], not self.began))
            x, self.began = x[:, :, length:], True
        self.waiting = x.clone()
        return results

    def _rest(self) -> list[Tensor]:
        """What is left when nothing more comes."""
        rest, self.waiting = self.waiting, self.waiting[:, :, :0]
        return self.step.end(rest, not self.began)


class EncodeStream(_Stream):
    """Encodes frames as they come; latent frames are returned as soon as the frames that they need are there.

    Args:
        autoencoder: a `VideoAutoencoder`, or one of diffusers in `STREAMABLE`.
        generator: of the draws from the posterior; its mode without.
        tile: height and width of a tile in latent positions; the whole frame at once by default. Only the kit's
            autoencoder has exact tiles; HunyuanVideo's and LTX's `enable_tiling` brings diffusers' blended ones.

    Raises:
        ValueError: an autoencoder that cannot be streamed, or not in tiles.
    """

    def __init__(
        self, autoencoder: ModelMixin, generator: torch.Generator | None = None, tile: int | None = None
    ):
        super().__init__(autoencoder, _step(autoencoder, 0, tile))
        self.generator = generator

    def push(self, video: Tensor) -> Tensor:
        """Normalised latents (B, c, t, h, w), t ≥ 0, that frames (B, 3, T, H, W) complete."""
        return self._latents(self._through(video))

    def finish(self) -> Tensor:
        """The latents (B, c, t, h, w), t ≥ 0, of what is left; the last frame is repeated to fill a latent frame."""
        if self.waiting is None:
            raise ValueError("finish(): no frame was pushed; allowed after one or more; try push(video) first")
        over = (self.waiting.shape[2] - (not self.began)) % self.frames
        results = []
        if over:
            last = self.waiting[:, :, -1:].expand(-1, -1, self.frames - over, -1, -1)
            results = self._through(last)
        return self._latents(results + self._rest())

    def _latents(self, moments: list[Tensor]) -> Tensor:
        if not moments:
            batch, _, _, *sides = self.waiting.shape
            height, width = (side // self.patch for side in sides)
            return self.waiting.new_empty(batch, latent_channels(self.autoencoder), 0, height, width)
        posterior = DiagonalGaussianDistribution(torch.cat(moments, dim=2))
        latents = posterior.mode() if self.generator is None else posterior.sample(self.generator)
        mean, std = latent_statistics(self.autoencoder, latents.device)
        return (latents - mean) / std


class DecodeStream(_Stream):
    """Decodes latents as they come; the first latent frame becomes one frame, every later one four (LTX: eight).

    Args:
        autoencoder: a `VideoAutoencoder`, or one of diffusers in `STREAMABLE`.
        tile: as for `EncodeStream`.
        overlap: latent positions around a tile that are decoded with it and cut off; by default all that the decoder
            sees (`VideoAutoencoder.reach`). With fewer the tiles' borders show.

    Raises:
        ValueError: an autoencoder that cannot be streamed, or not in tiles.
    """

    def __init__(self, autoencoder: ModelMixin, tile: int | None = None, overlap: int | None = None):
        super().__init__(autoencoder, _step(autoencoder, 1, tile, overlap))

    def push(self, latents: Tensor) -> Tensor:
        """The frames (B, 3, T, H, W), T ≥ 0, that normalised latents (B, c, t, h, w), t ≥ 1, complete.

        The kit's and Wan's are complete at once; others wait for the next latents, or for `finish`.

        Raises:
            ValueError: latents of another autoencoder, or none.
        """
        channels = latent_channels(self.autoencoder)
        if latents.ndim != 5 or latents.shape[1] != channels or not latents.shape[2]:
            raise ValueError(
                f"latents={tuple(latents.shape)}: not this autoencoder's; allowed (B, {channels}, t >= 1, h, w);"
                " try the autoencoder that they were encoded with"
            )
        mean, std = latent_statistics(self.autoencoder, latents.device)
        return self._frames(self._through(latents * std + mean))

    def finish(self) -> Tensor:
        """The frames (B, 3, T, H, W), T ≥ 0, of the latents that waited for more."""
        if self.waiting is None:
            raise ValueError("finish(): no latents were pushed; allowed after one or more; try push(latents) first")
        return self._frames(self._rest())

    def _frames(self, pieces: list[Tensor]) -> Tensor:
        if pieces:
            return torch.cat(pieces, dim=2)
        batch, _, _, height, width = self.waiting.shape
        return self.waiting.new_empty(batch, 3, 0, height * self.patch, width * self.patch)


@torch.no_grad()
def encode_stream(
    autoencoder: ModelMixin,
    pieces: Iterable[Tensor],
    generator: torch.Generator | None = None,
    tile: int | None = None,
) -> Iterator[Tensor]:
    """Normalised latents of a video that comes in pieces (B, 3, T, H, W) of any lengths, as they are ready."""
    stream = EncodeStream(autoencoder, generator, tile)
    yield from _run(stream, pieces)


@torch.no_grad()
def decode_stream(
    autoencoder: ModelMixin, pieces: Iterable[Tensor], tile: int | None = None
) -> Iterator[Tensor]:
    """The frames of normalised latents that come in pieces (B, c, t, h, w), as they are ready."""
    stream = DecodeStream(autoencoder, tile)
    yield from _run(stream, pieces)


def _run(stream: EncodeStream | DecodeStream, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    for piece in pieces:
        if (ready := stream.push(piece)).shape[2]:
            yield ready
    if (ready := stream.finish()).shape[2]:
        yield ready


def _step(autoencoder: ModelMixin, half: int, tile: int | None, overlap: int | None = None) -> Step:
    """What carries pieces through the encoder (half 0) or the decoder (1)."""
    if type(autoencoder) not in STREAMABLE:
        names = ", ".join(kind.__name__ for kind in STREAMABLE)
        raise ValueError(
            f"autoencoder={type(autoencoder).__name__}: it cannot be streamed here; allowed {names};"
            " try encoding whole clips"
        )
    kind = STREAMABLE[type(autoencoder)][half]
    if tile is None:
        return kind(autoencoder)
    if tile < 1 or not isinstance(autoencoder, VideoAutoencoder):
        raise ValueError(
            f"tile={tile}: allowed numbers >= 1, with a VideoAutoencoder (this is {type(autoencoder).__name__});"
            " try tile=None"
        )
    return Tiles(autoencoder, kind, tile, overlap)
