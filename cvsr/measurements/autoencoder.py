"""What the autoencoder loses, beside the best linear codec of its shape and a reduction to a quarter."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.evaluation.cost import count_flops
from cvsr.evaluation.metrics import high_frequency_ratio, psnr, ssim
from cvsr.measurements.clips import Clip, eight_bit
from cvsr.measurements.results import Estimate, Row
from cvsr.measurements.tally import Tally
from cvsr.models.autoencoder import VideoAutoencoder, decode_from_latents, encode_to_latents
from cvsr.models.latent_space import compression, latent_channels

QUESTION = "How well does the autoencoder keep a video, beside a linear codec of its shape, and bicubic x4?"


@torch.no_grad()
def measure(
    autoencoder: VideoAutoencoder, clips: Sequence[Clip], others: Mapping[str, VideoAutoencoder] | None = None
) -> list[Row]:
    """PSNR, SSIM and high-frequency ratio of each way there and back, and the decoder's cost.

    `others` are autoencoders with the same encoder and other decoders, by name. The cost is in 10⁶ floating-point
    operations for a pixel of a frame, as `count_flops` counts them.
    """
    tally = Tally()
    for clip in tqdm(clips, desc="autoencoder", unit="clip"):
        truth = clip.load()
        ways = _reconstructions(autoencoder, others or {}, truth.to(autoencoder.device))
        for method, result in ways.items():
            tally.add(method, clip.group, fidelity(eight_bit(result), truth))
    decoder = Row("decoder", "any clip", 1, {"mflop_per_pixel": Estimate(decoder_cost(autoencoder))})
    return [*tally.rows(), decoder]


def fidelity(video: Tensor, truth: Tensor) -> dict[str, float]:
    """PSNR in dB, SSIM and high-frequency ratio of one video (1, 3, T, H, W)."""
    figures = {"psnr": psnr, "ssim": ssim, "high_frequency_ratio": high_frequency_ratio}
    return {name: float(figure(video, truth)) for name, figure in figures.items()}


@torch.no_grad()
def decoder_cost(autoencoder: ModelMixin, frames: int = 17, pixels: int = 128) -> float:
    """10⁶ floating-point operations that decoding takes for a pixel of a frame, by any video autoencoder."""
    group, patch = compression(autoencoder)
    size = (1 + (frames - 1) // group, pixels // patch, pixels // patch)
    latents = torch.zeros(1, latent_channels(autoencoder), *size, device=autoencoder.device)
    flops = count_flops(lambda: decode_from_latents(autoencoder, latents))
    return flops / (frames * pixels**2) / 1e6


def _reconstructions(
    autoencoder: VideoAutoencoder, others: Mapping[str, VideoAutoencoder], truth: Tensor
) -> dict[str, Tensor]:
    height, width = truth.shape[-2:]
    small, linear = resize(truth, height // 4, width // 4), autoencoder.linear
    latents = encode_to_latents(autoencoder, truth)
    return {
        "bicubic x4": resize(small, height, width),
        "linear codec": linear.decode(linear.encode(truth)),
        "autoencoder": decode_from_latents(autoencoder, latents),
        **{name: decode_from_latents(other, latents) for name, other in others.items()},
    }
