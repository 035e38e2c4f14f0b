"""A causal video autoencoder that starts from the best linear one.

Legend: B batch, T frames, H W pixels, t = 1 + (T-1)/4, h = H/8, w = W/8 latent sizes, c latent channels,
d width of the trunk (at latent resolution), f width of the fine stage (every frame, a quarter of the resolution).

The first frame is a group of its own, every later group holds four frames. A linear map (in closed form, the
principal components of the training patches) takes a group's 8×8 patches to latents and back; convolutions that
start at zero add what a linear map cannot know. Convolutions in time see the past only, and norms act on each
position alone, so that neither a later frame nor a distant pixel changes what was already encoded.
"""

import math

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from einops import rearrange
from torch import Tensor, nn

from cvsr.models.latent_space import compression, latent_statistics
from cvsr.models.linear_codec import FRAMES, PATCH, LinearCodec, from_patches

START_LOGVAR = -8.0  # of an untrained posterior: sharp, so that the decoder starts from good latents
FINE = 4  # the fine stage works on 4×4 pixel cells: convolutions at full resolution would cost 16 times more


class SpatialConv(nn.Module):
    """3×3 convolution on channels-last frames: (B, t, h, w, c_in) → (B, t, h, w, c_out)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        frames = x.flatten(0, 1).permute(0, 3, 1, 2)  # (B·t, c, h, w), channels_last in memory
        return self.conv(frames).permute(0, 2, 3, 1).unflatten(0, x.shape[:2])


class CausalConv(SpatialConv):
    """2×3×3 convolution that sees a frame and the one before it (zeros before the first).

    All that a stream has to remember from piece to piece (cvsr/models/streaming.py) are the last frames that
    these convolutions saw: with a `memory`, they find them there and leave their own.
    """

    memory: "dict[CausalConv, Tensor] | None" = None

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(2 * in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        if self.memory is None:
            return super().forward(with_previous(x))
        before, self.memory[self] = self.memory.get(self), x[:, -1:].clone()
        return super().forward(with_previous(x, before))


def with_previous(x: Tensor, before: Tensor | None = None) -> Tensor:
    """Each frame of (B, t, h, w, c) behind the one before it, by channel: (B, t, h, w, 2c).

    `before` (B, 1, h, w, c) is the frame before the first; zeros by default.
    """
    before = torch.zeros_like(x[:, :1]) if before is None else before
    return torch.cat([torch.cat([before, x[:, :-1]], dim=1), x], dim=-1)


class FineBlock(nn.Module):
    """Residual block of the fine stage: follows small motions from frame to frame, then works inside the frame.

    It starts as the identity, so that a trained decoder can be given more of them and goes on where it was.
    """

    def __init__(self, width: int):
        super().__init__()
        self.in_time, self.in_space = CausalConv(width, width), SpatialConv(width, width)
        nn.init.zeros_(self.in_space.conv.weight)
        nn.init.zeros_(self.in_space.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.in_space(F.silu(self.in_time(F.silu(x))))


class TrunkBlock(nn.Module):
    """Residual block at latent resolution: a gated causal convolution, which can tell motion from rest."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.in_time = CausalConv(width, 2 * width)
        self.mix = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.in_time(self.norm(x)).chunk(2, dim=-1)
        return x + self.mix(value * F.silu(gate))


def to_cells(video: Tensor) -> Tensor:
    """(B, 3, T, H, W) → 4×4 pixel cells (B, T, H/4, W/4, 48)."""
    return rearrange(video, "b c t (h i) (w j) -> b t h w (i j c)", i=FINE, j=FINE)


class Encoder(nn.Module):
    """What the convolutions add to the linear latents: (B, 3, T, H, W) → mean and log-variance (B, t, h, w, 2c)."""

    def __init__(self, latent_channels: int, width: int, fine_width: int, depth: int, fine_depth: int):
        super().__init__()
        self.stem = SpatialConv(3 * FINE * FINE, fine_width)
        self.fine = nn.Sequential(*(FineBlock(fine_width) for _ in range(fine_depth)))
        self.gather = nn.Linear(fine_width * FRAMES * 4, width)
        self.trunk = nn.Sequential(*(TrunkBlock(width) for _ in range(depth)))
        self.head = nn.Sequential(nn.RMSNorm(width), nn.SiLU(), nn.Linear(width, 2 * latent_channels))
        nn.init.zeros_(self.head[-1].weight)
        nn.init.zeros_(self.head[-1].bias)

    def forward(self, video: Tensor, begins: bool = True) -> Tensor:
        x = self.fine(self.stem(to_cells(video)))  # (B, T, H/4, W/4, f)
        if begins:  # the first frame closes a group whose other frames are empty
            x = F.pad(x, (0, 0) * 3 + (FRAMES - 1, 0))
        x = rearrange(x, "b (t n) (h i) (w j) f -> b t h w (n i j f)", n=FRAMES, i=2, j=2)
        return self.head(self.trunk(self.gather(x)))


class OverlappedDecoder(nn.Module):
    """The linear decoder with a view of the neighbours: each patch from 3×3 latents of its own and the last frame.

    Where `LinearCodec` decodes every patch alone and leaves edges between them, this one does not; it starts as
    the least-squares fit. (B, t, h, w, c) → (B, 3, T, H, W).
    """

    def __init__(self, latent_channels: int):
        super().__init__()
        pixels = 3 * PATCH * PATCH
        self.first = SpatialConv(latent_channels, pixels)
        self.group = CausalConv(latent_channels, pixels * FRAMES)

    def forward(self, latents: Tensor, begins: bool = True) -> Tensor:
        first, groups = self.first(latents[:, : int(begins)]), self.group(latents)[:, int(begins) :]
        return from_patches(first, groups)


class Decoder(nn.Module):
    """A linear reconstruction, and what convolutions that see it add to it: (B, t, h, w, c) → (B, 3, T, H, W)."""

    def __init__(self, latent_channels: int, width: int, fine_width: int, depth: int, fine_depth: int):
        super().__init__()
        self.linear = OverlappedDecoder(latent_channels)
        self.stem = CausalConv(latent_channels, width)
        self.trunk = nn.Sequential(*(TrunkBlock(width) for _ in range(depth)))
        self.scatter = nn.Sequential(nn.RMSNorm(width), nn.SiLU(), nn.Linear(width, fine_width * FRAMES * 4))
        self.merge = CausalConv(fine_width + 3 * FINE * FINE, fine_width)
        self.fine = nn.Sequential(*(FineBlock(fine_width) for _ in range(fine_depth)))
        self.head = SpatialConv(fine_width, 3 * FINE * FINE)
        nn.init.zeros_(self.head.conv.weight)
        nn.init.zeros_(self.head.conv.bias)

    def forward(self, latents: Tensor, begins: bool = True) -> Tensor:
        linear = self.linear(latents, begins)
        x = self.scatter(self.trunk(self.stem(latents)))
        x = rearrange(x, "b t h w (n i j f) -> b (t n) (h i) (w j) f", n=FRAMES, i=2, j=2)
        if begins:  # the first latent frame stands for one frame only
            x = x[:, FRAMES - 1 :]
        x = self.head(F.silu(self.fine(self.merge(torch.cat([x, to_cells(linear)], dim=-1)))))
        return linear + rearrange(x, "b t h w (i j c) -> b c t (h i) (w j)", i=FINE, j=FINE)


class VideoAutoencoder(ModelMixin, ConfigMixin):
    """Causal video autoencoder, 4×8×8 pixels a latent position (the compression of SeedVR 3.2, Wan and others).

    Args:
        latent_channels: c; 16 in the papers, more at teaching scale, where the codec has few parameters.
        width, depth: channels and residual blocks at latent resolution, encoder and decoder each.
        fine_width, fine_depth: the same for the stage that works on every frame at a quarter of the resolution.
        latents_mean, latents_std: c numbers each, the statistics that `encode_to_latents` normalises with.
    """

    temporal_compression_ratio, spatial_compression_ratio = FRAMES, PATCH  # by diffusers' names

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 48,
        width: int = 128,
        encoder_depth: int = 2,
        decoder_depth: int = 3,
        fine_width: int = 48,
        encoder_fine_depth: int = 1,
        decoder_fine_depth: int = 3,
        latents_mean: list[float] | None = None,
        latents_std: list[float] | None = None,
    ):
        super().__init__()
        if latents_mean is None or latents_std is None:
            self.register_to_config(latents_mean=[0.0] * latent_channels, latents_std=[1.0] * latent_channels)
        self.linear = LinearCodec(latent_channels).requires_grad_(False)
        self.encoder = Encoder(latent_channels, width, fine_width, encoder_depth, encoder_fine_depth)
        self.decoder = Decoder(latent_channels, width, fine_width, decoder_depth, decoder_fine_depth)

    @property
    def reach(self) -> tuple[int, int]:
        """How many latent positions away encoder and decoder see: one a convolution, half of one in a fine stage."""
        sizes = self.config
        encoder = math.ceil((1 + 2 * sizes.encoder_fine_depth) / 2) + sizes.encoder_depth
        decoder = 1 + sizes.decoder_depth + 1 + sizes.decoder_fine_depth
        return encoder, decoder

    def encode(self, x: Tensor, return_dict: bool = True) -> AutoencoderKLOutput | tuple:
        """The posterior over latents (B, c, t, h, w) of a video (B, 3, T, H, W) in [-1, 1].

        Raises:
            ValueError: T is not 4n + 1, or H or W is no multiple of 8.
        """
        frames, height, width = x.shape[2:]
        if frames % FRAMES != 1 or height % PATCH or width % PATCH:
            raise ValueError(
                f"x={tuple(x.shape)}: no whole number of 4×8×8 groups; allowed 4n+1 frames, height and width"
                " multiples of 8; try repeating the last frame and padding the edges"
            )
        posterior = DiagonalGaussianDistribution(self.moments(x))
        return AutoencoderKLOutput(latent_dist=posterior) if return_dict else (posterior,)

    def decode(self, z: Tensor, return_dict: bool = True) -> DecoderOutput | tuple:
        """The video (B, 3, T, H, W), about [-1, 1] and not clamped, of latents (B, c, t, h, w)."""
        video = self.frames(z)
        return DecoderOutput(sample=video) if return_dict else (video,)

    def moments(self, x: Tensor, begins: bool = True) -> Tensor:
        """Mean and log-variance of the posterior, (B, 2c, t, h, w), of a video or a piece (B, 3, T, H, W).

        A piece that does not begin a video has 4n frames; see `cvsr.models.streaming`.
        """
        mean, logvar = self.encoder(x, begins).chunk(2, dim=-1)
        moments = torch.cat([self.linear.encode(x, begins) + mean, logvar + START_LOGVAR], dim=-1)
        return rearrange(moments, "b t h w c -> b c t h w")

    def frames(self, z: Tensor, begins: bool = True) -> Tensor:
        """The frames (B, 3, T, H, W) of the latents (B, c, t, h, w) of a video or a piece of one."""
        return self.decoder(rearrange(z, "b c t h w -> b t h w c").contiguous(), begins)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> DecoderOutput:
        """Encode, draw from the posterior (its mean without a generator), decode."""
        posterior = self.encode(x).latent_dist
        return self.decode(posterior.mode() if generator is None else posterior.sample(generator))


def encode_to_latents(
    autoencoder: ModelMixin, video: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Normalised latents (B, c, t, h, w) of a video (B, 3, T, H, W) in [-1, 1]; without a generator the mode.

    For every video autoencoder of diffusers that says how its latents are normalised (`latent_statistics`).
    """
    posterior = autoencoder.encode(video.to(autoencoder.dtype)).latent_dist
    latents = posterior.mode() if generator is None else posterior.sample(generator)
    mean, std = latent_statistics(autoencoder, latents.device)
    return (latents - mean) / std


def decode_from_latents(autoencoder: ModelMixin, latents: Tensor) -> Tensor:
    """The video (B, 3, T, H, W), about [-1, 1] and not clamped, of normalised latents (B, c, t, h, w)."""
    mean, std = latent_statistics(autoencoder, latents.device)
    video = autoencoder.decode((latents * std + mean).to(autoencoder.dtype)).sample
    frames = 1 + (latents.shape[2] - 1) * compression(autoencoder)[0]
    return video[:, :, -frames:]  # CogVideoX's begins with three more where the latent frames are even
