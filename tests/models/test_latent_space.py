"""Statistics of latents, by each of the names that diffusers' autoencoders give them."""

import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderKLLTXVideo
from torch import nn

from cvsr.models.latent_space import latent_statistics

CPU = torch.device("cpu")


def carries(buffers=None, **config):
    """A stand-in for an autoencoder: a config, and statistics among its weights."""
    model = nn.Module()
    model.config = config
    for name, value in (buffers or {}).items():
        model.register_buffer(name, value)
    return model


@pytest.mark.parametrize(
    ("config", "mean", "std"),
    [
        ({"latents_mean": [1.0, 2.0], "latents_std": [0.5, 4.0]}, [1, 2], [0.5, 4]),
        ({"scaling_factor": 0.25}, [0], [4]),
        ({"scaling_factor": 0.25, "shift_factor": 0.5}, [0.5], [4]),
        ({"scaling_factor": 0.5, "shift_factor": None, "latents_mean": None, "latents_std": None}, [0], [2]),
        ({"latents_mean": [1.0, 2.0], "latents_std": [0.5, 4.0], "scaling_factor": 2.0}, [1, 2], [0.25, 2]),
    ],
)
def test_statistics_of_the_config(config, mean, std):
    found = latent_statistics(carries(**config), CPU)
    for values, expected in zip(found, (mean, std), strict=True):
        assert values.shape == (1, len(expected), 1, 1, 1)
        assert values.flatten().tolist() == pytest.approx(expected)


def test_statistics_among_the_weights_come_before_the_config():
    model = carries({"latents_mean": torch.ones(3), "latents_std": torch.full((3,), 2.0)}, scaling_factor=1.0)
    mean, std = latent_statistics(model, CPU)
    assert mean.flatten().tolist() == [1, 1, 1]
    assert std.flatten().tolist() == [2, 2, 2]


def test_ltx_carries_them_so():
    ltx = AutoencoderKLLTXVideo(
        latent_channels=4,
        block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1,) * 5,
        decoder_layers_per_block=(1,) * 5,
    )
    ltx.latents_mean += 0.5
    mean, std = latent_statistics(ltx, CPU)
    assert mean.flatten().tolist() == [0.5] * 4
    assert std.flatten().tolist() == [1] * 4


def test_image_autoencoders_carry_a_scaling_factor():
    _, std = latent_statistics(AutoencoderKL(block_out_channels=(8,), norm_num_groups=4), CPU)
    assert std.item() == pytest.approx(1 / 0.18215)


def test_unknown_statistics_are_an_error():
    with pytest.raises(ValueError, match="autoencoder=Module: its latents' statistics are unknown"):
        latent_statistics(carries(), CPU)
