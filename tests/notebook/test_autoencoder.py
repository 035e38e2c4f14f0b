"""What lesson 01 draws and computes: nested channels, changes, tiles, a stream's memory, channels in noise."""

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLHunyuanVideo

from cvsr.models.autoencoder import VideoAutoencoder, decode_from_latents
from cvsr.models.linear_codec import LinearCodec
from cvsr.models.streaming import DecodeStream
from cvsr.notebook.autoencoder import (
    RELEASED,
    best_answer,
    best_linear_guess,
    cached_bytes,
    changes_by_frame,
    draw_changes,
    draw_known,
    frames_as_they_come,
    known_share,
    largest_activation,
    linear_round_trip,
    pull,
)
from cvsr.notebook.figures import png
from cvsr.training.autoencoder import fit_linear_codec


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def autoencoder():
    torch.manual_seed(0)
    sizes = {"encoder_depth": 1, "decoder_depth": 1, "encoder_fine_depth": 1, "decoder_fine_depth": 1}
    model = VideoAutoencoder(latent_channels=4, width=8, fine_width=4, **sizes).eval()
    for parameter in model.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_the_first_channels_of_a_codec_are_the_codec_of_fewer():
    video = 0.1 * noise(2, 3, 5, 32, 32)
    large, small = LinearCodec(6), LinearCodec(2)
    for codec in (large, small):
        fit_linear_codec(codec, [video])
    assert torch.allclose(linear_round_trip(large, video, 2), linear_round_trip(small, video, 2), atol=1e-4)


def test_squared_error_pulls_straight_to_the_truth_and_l1_every_pixel_alike():
    picture, truth = noise(2, 1, 3, 8, 8)
    way = truth - picture
    squared = pull(lambda x: (x - truth).square().mean(), picture)
    assert torch.allclose(squared, way / way.square().mean().sqrt(), atol=1e-5)
    assert torch.allclose(pull(lambda x: (x - truth).abs().mean(), picture), way.sign())


def test_in_doubt_squared_error_answers_with_the_mean_and_l1_with_the_median():
    truths = 0.3 * noise(5, 3, 6, 6)
    with torch.no_grad():  # as in a lesson
        mean = best_answer(lambda x, y: (x - y).square().mean(), truths)
        median = best_answer(lambda x, y: (x - y).abs().mean(), truths)
    assert torch.allclose(mean, truths.mean(0, keepdim=True), atol=1e-3)
    assert torch.allclose(median, truths.median(0, keepdim=True).values, atol=0.02)


def test_changes_are_those_of_the_frame_and_of_what_depends_on_it():
    changes = changes_by_frame(lambda x: x.cumsum(dim=2), torch.full((1, 3, 5, 4, 4), 0.5), 2)
    assert changes == pytest.approx([0, 0, 0.5, 0.5, 0.5])


def test_strips_of_changes_say_what_did_not_change():
    rows = {"video": np.array([0.0, 1.0, 1e-5])}
    figure = draw_changes(rows, {"video": [0, 1, 5, 9]})
    assert [text.get_text() for text in figure.axes[0].texts] == ["0", "100%", "<1%"]
    assert png(figure)


@torch.no_grad()
def test_a_stream_keeps_the_same_memory_whatever_it_has_seen(autoencoder):
    stream, kept = DecodeStream(autoencoder), []
    assert cached_bytes(stream) == 0
    for latents in noise(1, 4, 3, 2, 2).split(1, dim=2):
        stream.push(latents)
        kept.append(cached_bytes(stream))
    assert kept[0] == kept[1] == kept[2] > 0


@torch.no_grad()
def test_frames_come_at_once_from_a_causal_network_and_in_tiles_from_others(autoencoder):
    torch.manual_seed(0)
    sizes = {"block_out_channels": (8, 8, 8, 8), "layers_per_block": 1, "norm_num_groups": 4}
    hunyuan = AutoencoderKLHunyuanVideo(latent_channels=4, **sizes).eval()
    latents = noise(1, 4, 6, 2, 2)
    counts, video = frames_as_they_come(autoencoder, latents)
    assert counts == [1, 4, 4, 4, 4, 4, 0]
    assert torch.allclose(video, decode_from_latents(autoencoder, latents), atol=1e-5)
    counts, video = frames_as_they_come(hunyuan, latents)
    assert counts == [0, 0, 0, 0, 13, 0, 8]
    assert video.shape == (1, 3, 21, 16, 16)


def test_released_networks_have_the_parameters_that_are_reported():
    with torch.device("meta"):
        networks = {name: kind(**sizes) for name, (kind, sizes) in RELEASED.items()}
    millions = {n: sum(p.numel() for p in network.parameters()) / 1e6 for n, network in networks.items()}
    reported = {"Wan 2.1": 127, "Wan 2.2": 705, "CogVideoX": 215.6, "HunyuanVideo": 246, "LTX": 419}
    assert millions == pytest.approx(reported, rel=0.005)


def test_the_largest_activation_is_in_bytes_and_leaves_no_hook():
    network = torch.nn.Sequential(torch.nn.Linear(2, 50), torch.nn.Linear(50, 3))
    assert largest_activation(network, lambda: network(torch.zeros(7, 2))) == 7 * 50 * 4
    assert not any(part._forward_hooks for part in network.modules())


@pytest.mark.parametrize("t", [0.0, 0.3, 0.8])
def test_the_best_guess_knows_as_much_as_it_says(t):
    scale = torch.tensor([0.5, 2.0])
    x0 = noise(1, 2, 20, 50, 50) * scale.view(1, -1, 1, 1, 1)
    noisy = (1 - t) * x0 + t * torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    error = (best_linear_guess(noisy, scale, t) - x0).square().mean(dim=(0, 2, 3, 4))
    assert torch.allclose(1 - error / scale.square(), known_share(scale, t), atol=0.02)


def test_lines_of_what_is_known_are_named():
    figure = draw_known({"white": torch.ones(4), "half-whitened": torch.linspace(3, 0.5, 4)}, 0.5)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["white", "half-whitened"]
    assert "share" in figure.axes[0].get_ylabel()
