"""Videos of any length and size through a causal autoencoder, piece by piece, exactly as in one go.

A causal network needs nothing of the past but the last frames that its convolutions saw (SeedVR section 3.2).
Kept from piece to piece, they make the pieces' results those of the whole clip, in memory that does not grow:

    stream = DecodeStream(autoencoder)
    for piece in latents.split(2, dim=2):
        write(stream.push(piece))

Large frames can be cut into tiles as well: each is computed with as much of its surroundings as its convolutions
see (`VideoAutoencoder.reach`), and what the surroundings only half know is cut off again, so that nothing has to
be blended.

Legend: B batch, T frames and t latent frames of a piece, c latent channels.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from cvsr.models.autoencoder import CausalConv, VideoAutoencoder, latent_statistics
from cvsr.models.linear_codec import FRAMES, PATCH
from cvsr.models.streaming_wan import WanDecoder, WanEncoder
from cvsr.models.windows import Span, axis_spans

Step = Callable[[Tensor, bool], Tensor]  # a piece, and whether it begins the video, to its moments or frames


class EncodeStream:
    """Encodes frames as they come; every latent frame is returned as soon as its four frames are there.

    Args:
        autoencoder: a `VideoAutoencoder` or an `AutoencoderKLWan`.
        generator: of the draws from the posterior; its mode without.
        tile: height and width of a tile in latent positions; the whole frame at once by default. Wan's
            autoencoder attends to whole frames and has no exact tiles.

    Raises:
        ValueError: an autoencoder that cannot be streamed, or not in tiles.
    """

    def __init__(
        self, autoencoder: ModelMixin, generator: torch.Generator | None = None, tile: int | None = None
    ):
        self.autoencoder, self.generator = autoencoder, generator
        self.step = _step(autoencoder, ENCODERS, tile)
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
            self.step(piece, not self.began and index == 0)
            for index, piece in enumerate(_groups(video[:, :, :ready], first))
        ]
        self.began = self.began or ready > 0
        if not moments:
            height, width = (side // PATCH for side in video.shape[-2:])
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
        tile: as for `EncodeStream`.
        overlap: latent positions around a tile that are decoded with it and cut off; by default all that the decoder
            sees (`VideoAutoencoder.reach`). With fewer the tiles' borders show.

    Raises:
        ValueError: an autoencoder that cannot be streamed, or not in tiles.
    """

    def __init__(self, autoencoder: ModelMixin, tile: int | None = None, overlap: int | None = None):
        self.autoencoder, self.step = autoencoder, _step(autoencoder, DECODERS, tile, overlap)
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
        frames = self.step(latents * std + mean, not self.began)
        self.began = True
        return frames


@torch.no_grad()
def encode_stream(
    autoencoder: ModelMixin,
    pieces: Iterable[Tensor],
    generator: torch.Generator | None = None,
    tile: int | None = None,
) -> Iterator[Tensor]:
    """Normalised latents of a video that comes in pieces (B, 3, T, H, W) of any lengths, as they are ready."""
    stream = EncodeStream(autoencoder, generator, tile)
    for piece in pieces:
        if (latents := stream.push(piece)).shape[2]:
            yield latents
    if (latents := stream.finish()).shape[2]:
        yield latents


@torch.no_grad()
def decode_stream(
    autoencoder: ModelMixin, pieces: Iterable[Tensor], tile: int | None = None
) -> Iterator[Tensor]:
    """The frames of normalised latents that come in pieces (B, c, t, h, w), piece by piece."""
    stream = DecodeStream(autoencoder, tile)
    for piece in pieces:
        yield stream.push(piece)


def _groups(video: Tensor, first: int) -> list[Tensor]:
    """The first frame, if any, and the groups of four after it."""
    head, rest = video[:, :, :first], video[:, :, first:]
    return [piece for piece in (head, *rest.split(FRAMES, dim=2)) if piece.shape[2]]


def _step(autoencoder: ModelMixin, kinds: dict, tile: int | None, overlap: int | None = None) -> Step:
    """What carries pieces through an autoencoder and remembers what it must between them."""
    if type(autoencoder) not in kinds:
        names = ", ".join(kind.__name__ for kind in kinds)
        raise ValueError(
            f"autoencoder={type(autoencoder).__name__}: its convolutions cannot be streamed here; allowed {names};"
            " try encoding whole clips"
        )
    kind = kinds[type(autoencoder)]
    if tile is None:
        return kind(autoencoder)
    if tile < 1 or not isinstance(autoencoder, VideoAutoencoder):
        raise ValueError(
            f"tile={tile}: allowed numbers >= 1, with a VideoAutoencoder (this is {type(autoencoder).__name__});"
            " try tile=None"
        )
    return _Tiles(autoencoder, kind, tile, kind.reach(autoencoder) if overlap is None else overlap)


class _Tiles:
    """A step for each tile of the frames, in a surrounding of `overlap` latent positions."""

    def __init__(self, autoencoder: VideoAutoencoder, kind: type, tile: int, overlap: int):
        self.autoencoder, self.kind, self.tile, self.overlap = autoencoder, kind, tile, overlap
        self.steps: dict[tuple[Span, Span], Step] = {}

    def __call__(self, x: Tensor, begins: bool) -> Tensor:
        """A piece of video or latents (B, …, h, w) to one of the other."""
        before, after, overlap = self.kind.before, self.kind.after, self.overlap
        sides = [side // before for side in x.shape[-2:]]  # in latent positions
        rows, columns = (axis_spans(side, self.tile, shifted=False) for side in sides)
        bands = []
        for row in rows:
            band = []
            for column in columns:
                step = self.steps.setdefault((row, column), self.kind(self.autoencoder))
                around = [
                    slice(max(start - overlap, 0), min(stop + overlap, side))
                    for (start, stop), side in zip((row, column), sides, strict=True)
                ]
                inside = [
                    slice((start - seen.start) * after, (stop - seen.start) * after)
                    for (start, stop), seen in zip((row, column), around, strict=True)
                ]
                seen = [slice(place.start * before, place.stop * before) for place in around]
                band.append(step(x[..., seen[0], seen[1]], begins)[..., inside[0], inside[1]])
            bands.append(torch.cat(band, dim=-1))
        return torch.cat(bands, dim=-2)


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
    """Video to moments; `before` and `after` are pixels a latent position of what goes in and comes out."""

    before, after = PATCH, 1

    @staticmethod
    def reach(autoencoder: VideoAutoencoder) -> int:
        """How far an encoder sees, in latent positions."""
        return autoencoder.reach[0]

    def __init__(self, autoencoder: VideoAutoencoder):
        super().__init__(autoencoder.encoder)
        self.autoencoder = autoencoder

    def __call__(self, video: Tensor, begins: bool) -> Tensor:
        with self.remembered():
            return self.autoencoder.moments(video, begins)


class _CausalDecoder(_Remembering):
    """Latents to frames."""

    before, after = 1, PATCH

    @staticmethod
    def reach(autoencoder: VideoAutoencoder) -> int:
        """How far a decoder sees, in latent positions."""
        return autoencoder.reach[1]

    def __init__(self, autoencoder: VideoAutoencoder):
        super().__init__(autoencoder.decoder)
        self.autoencoder = autoencoder

    def __call__(self, latents: Tensor, begins: bool) -> Tensor:
        with self.remembered():
            return self.autoencoder.frames(latents, begins)


ENCODERS = {VideoAutoencoder: _CausalEncoder, AutoencoderKLWan: WanEncoder}
DECODERS = {VideoAutoencoder: _CausalDecoder, AutoencoderKLWan: WanDecoder}
