"""SeedVR's parts fit each other, and its pipeline starts at the quality of its input."""

import pytest
import torch

from cvsr.data.resize import resize
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.models.conditioning import beside
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.seedvr import SeedVRPipeline
from cvsr.presets import PRESETS
from cvsr.systems.seedvr import build_seedvr


def test_the_full_preset_has_the_size_of_the_released_model():
    with torch.device("meta"):
        transformer = build_seedvr(PRESETS["full"], ["a red ball"]).transformer
    assert 3.2e9 < sum(p.numel() for p in transformer.parameters()) < 3.7e9


@pytest.mark.parametrize("size", [(1, 8, 8), (7, 9, 16)])
def test_an_untrained_one_returns_the_codec_of_the_bicubic_enlargement(size):
    torch.manual_seed(0)
    pipeline = SeedVRPipeline(**vars(build_seedvr(PRESETS["tiny"], ["a red ball"])))
    pipeline.set_progress_bar_config(disable=True)
    video = torch.rand(1, 3, *size) * 2 - 1
    result = pipeline(video, prompt="a red ball", num_inference_steps=2, detail=1.0, consistency=0).frames
    height, width = 4 * size[1], 4 * size[2]
    enlarged = resize(video, height, width).clamp(-1, 1)
    groups = -(-(size[0] - 1) // 4)
    enlarged = enlarged[:, :, torch.arange(4 * groups + 1).clamp(max=size[0] - 1)]  # the last frame repeated
    padding = (0, -width % 16, 0, -height % 16, 0, 0)
    padded = torch.nn.functional.pad(enlarged, padding, mode="replicate")
    expected = decode_from_latents(pipeline.autoencoder, encode_to_latents(pipeline.autoencoder, padded))
    torch.testing.assert_close(
        result, expected[:, :, : size[0], :height, :width].clamp(-1, 1), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("size", [(2, 143, 255), (6, 40, 24), (1, 33, 50), (38, 8, 12)])
def test_odd_portrait_still_and_long_videos(size, monkeypatch):
    torch.manual_seed(0)
    pipeline = SeedVRPipeline(**vars(build_seedvr(PRESETS["tiny"], ["a red ball"])))
    pipeline.set_progress_bar_config(disable=True)
    video = torch.rand(1, 3, *size) * 2 - 1
    settings = {"scale": 1, "num_inference_steps": 1, "detail": 1.0, "consistency": 0}
    whole = pipeline(video, **settings, generator=torch.Generator().manual_seed(0)).frames
    asked = Enlargement(**settings, generator=torch.Generator().manual_seed(0))
    streamed = torch.cat(list(pipeline.stream(video.split(7, dim=2), asked, size[0])), dim=2)
    assert whole.shape == video.shape
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-5)

    pixels = {}  # a codec that passes pixels by: what an untrained network returns is its input

    def encode(autoencoder, frames):
        pixels["frames"] = frames
        time, height, width = 1 + frames.shape[2] // 4, frames.shape[3] // 8, frames.shape[4] // 8
        return frames.new_zeros(1, pipeline.transformer.config.out_channels, time, height, width)

    monkeypatch.setattr("cvsr.pipelines.super_resolution.encode_to_latents", encode)
    monkeypatch.setattr("cvsr.pipelines.super_resolution.decode_from_latents", lambda *_: pixels["frames"])
    torch.testing.assert_close(pipeline(video, **settings).frames, video, rtol=0, atol=1e-5)


def test_the_mask_says_that_a_condition_is_given():
    noisy, low = torch.randn(2, 1, 4, 2, 3, 3)
    assert torch.equal(beside(noisy, low, 8), torch.cat([noisy, low], dim=1))
    with_mask = beside(noisy, low, 9)
    assert torch.equal(with_mask[:, :8], torch.cat([noisy, low], dim=1))
    assert torch.equal(with_mask[:, 8], torch.ones(1, 2, 3, 3))
