"""Decoding piece by piece against decoding in one go, by the kit's driver and by diffusers: a benchmark."""

import copy
from collections.abc import Callable

import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from cvsr.evaluation.cost import least_seconds, peak_bytes
from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.models.latent_space import latent_statistics
from cvsr.models.streaming import decode_stream

WAN = {"base_dim": 32}  # a third of Wan 2.1's width; the rest, and all that is compared, is as released
LATENTS = (1, 16, 3, 24, 24)  # 9 frames of 192 × 192 pixels
TILE, STRIDE = 128, 96  # pixels: diffusers' tiles overlap by a quarter, as by default
LENGTHS = (5, 20)  # latent frames: 17 and 77 frames
SIDE = 16  # latent positions, of the clips whose memory is measured


@torch.no_grad()
def seconds(rounds: int) -> dict[str, float]:
    """Seconds to decode one clip with one set of random Wan weights: streamed, and in diffusers' two ways."""
    wan = AutoencoderKLWan(**WAN).eval()
    ours, latents = copy.deepcopy(wan), torch.randn(LATENTS)
    mean, std = latent_statistics(wan, latents.device)
    tiled = copy.deepcopy(wan)
    tiled.enable_tiling(
        tile_sample_min_height=TILE,
        tile_sample_min_width=TILE,
        tile_sample_stride_height=STRIDE,
        tile_sample_stride_width=STRIDE,
    )

    def streamed() -> Tensor:
        return torch.cat(list(decode_stream(ours, latents.split(1, dim=2))), dim=2)

    def plain(autoencoder: AutoencoderKLWan) -> Tensor:
        return autoencoder.decode(latents * std + mean).sample

    torch.testing.assert_close(streamed(), plain(wan), rtol=0, atol=1e-4)
    sides: dict[str, Callable[[], Tensor]] = {
        "Wan, streamed": streamed,
        "Wan, diffusers' tiles": lambda: plain(tiled),
        "Wan, diffusers' whole frames": lambda: plain(wan),
    }
    return least_seconds(sides, rounds)


@torch.no_grad()
def memory(autoencoder: VideoAutoencoder) -> dict[int, int]:
    """Bytes that decoding holds at most, frames that were emitted left out, by the clip's latent frames."""

    def decode(frames: int) -> None:
        latents = (torch.randn(1, autoencoder.config.latent_channels, 1, SIDE, SIDE) for _ in range(frames))
        for _ in decode_stream(autoencoder, latents):
            pass

    return {frames: peak_bytes(lambda frames=frames: decode(frames)) for frames in LENGTHS}
