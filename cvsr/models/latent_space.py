"""What every video autoencoder of diffusers says of its latents, each in its own words.

Legend: B batch, c latent channels.
"""

import torch
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor


def latent_channels(autoencoder: ModelMixin) -> int:
    """c, how many numbers a latent position holds."""
    config = autoencoder.config
    return config["latent_channels"] if "latent_channels" in config else config["z_dim"]


def compression(autoencoder: ModelMixin) -> tuple[int, int]:
    """Frames, and pixels of height and of width, that a latent position stands for; (4, 8) in most."""
    config = autoencoder.config
    if halvings := config.get("temperal_downsample"):  # Wan and its like: in time, of all in space
        return 2 ** sum(halvings), 2 ** len(halvings) * (config.get("patch_size") or 1)
    if hasattr(autoencoder, "spatial_compression_ratio"):
        return autoencoder.temporal_compression_ratio, autoencoder.spatial_compression_ratio
    return int(config["temporal_compression_ratio"]), 2 ** (len(config["block_out_channels"]) - 1)  # CogVideoX


def latent_statistics(autoencoder: ModelMixin, device: torch.device) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the latents, (1, c or 1, 1, 1, 1): what normalises them.

    A number a channel where the config, or the weights, carry `latents_mean` and `latents_std`; one for all where
    they carry a `scaling_factor`, 1 / standard deviation, and perhaps a `shift_factor`, the mean.

    Raises:
        ValueError: an autoencoder that carries none of them.
    """
    known = {name: value for name, value in autoencoder.config.items() if value is not None}
    known |= dict(autoencoder.named_buffers(recurse=False))  # LTX's statistics are among its weights
    if not known.keys() & {"latents_std", "scaling_factor"}:
        raise ValueError(
            f"autoencoder={type(autoencoder).__name__}: its latents' statistics are unknown; allowed configs with"
            " latents_mean and latents_std, or scaling_factor; try a video autoencoder of diffusers"
        )
    mean, std = known.get("latents_mean", known.get("shift_factor", 0.0)), known.get("latents_std", 1.0)
    mean, std = (torch.as_tensor(each, dtype=torch.float32, device=device) for each in (mean, std))
    std = std / known.get("scaling_factor", 1.0)
    return mean.reshape(1, -1, 1, 1, 1), std.reshape(1, -1, 1, 1, 1)
