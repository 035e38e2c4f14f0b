"""What an error counts, and where."""

from unittest.mock import patch

import pytest
import torch
from diffusers import AutoencoderKLWan

from cvsr.models.latent_upsampler import LatentUpsampler
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution
from cvsr.training.flow_matching import (
    SuperResolutionTraining,
    TextToVideoTraining,
    calmness,
    channel_weights,
)
from cvsr.training.latent_super_resolution import fit_latent_upsampler


def test_calm_places_count_more_and_the_mean_stays_one():
    torch.manual_seed(0)
    latents = torch.zeros(2, 4, 3, 8, 8)
    latents[..., 4:] = torch.randn(2, 4, 3, 8, 4)  # a meadow on the right of a wall
    weights = calmness(latents, torch.ones(1, 4, 1, 1, 1))
    assert weights.shape == (2, 1, 3, 8, 8)
    assert weights.mean() == pytest.approx(1)
    assert weights[..., :3].min() > 10 * weights[..., 5:].mean()


def test_calmness_is_one_over_the_activity():
    latents = torch.zeros(1, 2, 1, 3, 3)
    latents[0, :, 0, :, 2] = torch.tensor([[3.0], [1.0]])
    # neighbourhood means of the first channel 0, 1, 1.5, of the second a third of that
    first, second = torch.tensor([0.0, -1.0, 1.5]), torch.tensor([0.0, -1.0, 1.5]) / 3
    activity = (first**2 + 2 * second**2) / 2
    expected = 1 / (activity + 0.5)
    weights = calmness(latents, torch.tensor([1.0, 2.0]).view(1, 2, 1, 1, 1), floor=0.5)
    torch.testing.assert_close(weights[0, 0, 0, 1], expected / expected.mean())


def test_the_base_model_learns_the_main_object_first():
    subject = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 1, 3)
    training = TextToVideoTraining.__new__(TextToVideoTraining)
    torch.nn.Module.__init__(training)
    training.subject_weight = 4.0
    assert training.position_weights({"subject": subject}).flatten().tolist() == [1, 3, 5]


def test_channels_of_an_autoencoder_without_a_linear_codec_count_alike():
    wan = AutoencoderKLWan(base_dim=4, z_dim=6, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[False])
    wan.register_to_config(latents_mean=[0.0] * 6, latents_std=[1.0] * 6)
    assert torch.equal(channel_weights(wan), torch.ones(1, 6, 1, 1, 1))


def test_the_upsamplers_linear_map_is_recovered():
    """Latents that a linear map made, with a noise-free past, give the same map on inner positions."""
    torch.manual_seed(0)
    maker, fitted = LatentUpsampler(3, 8), LatentUpsampler(3, 8)
    small = torch.randn(60, 3, 4, 8, 8)
    with torch.no_grad():
        fit_latent_upsampler(fitted, ((one, maker.linear(one[None])[0]) for one in small))
        held_out = torch.randn(1, 3, 4, 8, 8)
        expected, found = maker.linear(held_out), fitted.linear(held_out)
    torch.testing.assert_close(found[..., 4:-4, 4:-4], expected[..., 4:-4, 4:-4], atol=2e-2, rtol=2e-2)


def test_a_training_may_attend_in_another_way():
    stage = build_super_resolution(PRESETS["tiny"], ["a ball"])
    with patch("cvsr.training.flow_matching.load", lambda *_: stage.autoencoder):
        sparse = SuperResolutionTraining(
            preset="tiny", attention={"attention": "sparse", "block": [2, 2], "temporal_unit": 5}
        )
        with pytest.raises(ValueError, match="attention='dense'"):
            SuperResolutionTraining(preset="tiny", attention={"attention": "dense"})
    config = sparse.pipeline.transformer.config
    assert (config.attention, tuple(config.block), config.temporal_unit) == ("sparse", (2, 2), 5)
