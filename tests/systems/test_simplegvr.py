"""SimpleGVR's parts fit each other, nothing is decoded or encoded between the stages, and all sizes come out."""

from dataclasses import replace
from unittest.mock import patch

import pytest
import torch

from cvsr.data.resize import resize
from cvsr.models.autoencoder import VideoAutoencoder, decode_from_latents, encode_to_latents
from cvsr.pipelines.cascade import CascadePipeline
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.latent_super_resolution import LatentSuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.tiling import Tiling
from cvsr.presets import PRESETS, SIMPLEGVR_SAMPLING
from cvsr.systems.base import build_text_to_video
from cvsr.systems.simplegvr import NOISE, build_simplegvr


@pytest.fixture
def pipeline():
    torch.manual_seed(0)
    made = LatentSuperResolutionPipeline(**vars(build_simplegvr(PRESETS["tiny"], ["a red ball"])))
    made.set_progress_bar_config(disable=True)
    return made


def test_an_upsampler_of_another_autoencoder_is_found(pipeline):
    pipeline.upsampler.register_to_config(latent_channels=7)
    with pytest.raises(ValueError, match=r"upsampler\.latent_channels=7.*allowed 4"):
        pipeline.check_parts()


def test_the_noise_is_that_of_the_paper():
    assert (NOISE.low, NOISE.high) == (0.3, 0.6)


def test_an_untrained_one_decodes_what_the_upsampler_makes_of_the_small_clip(pipeline):
    video = torch.rand(1, 3, 5, 16, 24) * 2 - 1
    result = pipeline(video, num_inference_steps=2, strength=0.0, detail=1.0, consistency=0).frames
    small = encode_to_latents(pipeline.autoencoder, video)
    expected = decode_from_latents(pipeline.autoencoder, pipeline.upsampler(small)).clamp(-1, 1)
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


def test_latents_go_through_without_being_decoded_and_encoded(pipeline):
    video = torch.rand(1, 3, 5, 16, 24) * 2 - 1
    latents = encode_to_latents(pipeline.autoencoder, video)
    calls = []
    with (
        patch.object(VideoAutoencoder, "encode", lambda *_: calls.append("encode")),
        patch.object(
            VideoAutoencoder, "decode", lambda self, z, d=VideoAutoencoder.decode: calls.append(z.shape) or d(self, z)
        ),
    ):
        settings = Enlargement(num_inference_steps=2, generator=torch.Generator().manual_seed(0))
        from_latents = pipeline.from_latents(latents, settings)
    assert calls == [(1, 4, 2, 8, 12)]  # the result, once
    plain = {"num_inference_steps": 2, "detail": 1.0, "consistency": 0}
    whole = pipeline(video, **plain, generator=torch.Generator().manual_seed(0)).frames
    assert from_latents.shape == whole.shape == (1, 3, 5, 64, 96)


def test_a_latent_cascade_decodes_each_video_once_and_encodes_none(pipeline, tmp_path):
    stage = build_text_to_video(PRESETS["tiny"], ["a red ball"])
    base = TextToVideoPipeline(**vars(replace(stage, autoencoder=pipeline.autoencoder)))
    cascade = CascadePipeline(base, pipeline)
    cascade.set_progress_bar_config(disable=True)
    calls = []
    with (
        patch.object(VideoAutoencoder, "encode", lambda *_: calls.append("encode")),
        patch.object(
            VideoAutoencoder, "decode", lambda self, z, d=VideoAutoencoder.decode: calls.append(z.shape) or d(self, z)
        ),
    ):
        asked = {"height": 16, "width": 24, "num_frames": 4, "base_inference_steps": 2}
        small, large = cascade("a ball", **asked, return_dict=False)
    assert sorted(calls) == [(1, 4, 2, 2, 3), (1, 4, 2, 8, 12)]
    assert (small.shape, large.shape) == ((1, 3, 4, 16, 24), (1, 3, 4, 64, 96))
    with pytest.raises(ValueError, match="scale=2: latents are enlarged 4 times"):
        cascade("a ball", **asked, scale=2)
    cascade.save_pretrained(tmp_path)
    loaded = CascadePipeline.from_pretrained(tmp_path, local_files_only=True)
    assert isinstance(loaded.super_resolution, LatentSuperResolutionPipeline)
    assert torch.equal(loaded.super_resolution.upsampler.to_phase.weight, pipeline.upsampler.to_phase.weight)


@pytest.mark.parametrize(("size", "scale"), [((2, 35, 63), 4), ((6, 40, 24), 2), ((1, 33, 50), 2.5), ((38, 8, 12), 4)])
def test_every_size_length_and_scale(pipeline, size, scale):
    video = torch.rand(1, 3, *size) * 2 - 1
    settings = {"scale": scale, "num_inference_steps": 1, "tiling": Tiling(pixels=48, overlap=16)}
    whole = pipeline(video, **settings, generator=torch.Generator().manual_seed(0)).frames
    assert whole.shape == (1, 3, size[0], round(size[1] * scale), round(size[2] * scale))
    asked = Enlargement(**settings, generator=torch.Generator().manual_seed(0))
    streamed = torch.cat(list(pipeline.stream(video.split(7, dim=2), asked, size[0])), dim=2)
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("scale", [4, 2, 2.5, 3.3, 0.7])
def test_the_small_frames_show_what_the_result_shows(scale):
    """A smooth picture, reduced to a quarter of the result and enlarged to it, lies where it should."""
    rows, columns = torch.meshgrid(torch.linspace(0, 2, 41), torch.linspace(0, 3, 57), indexing="ij")
    video = torch.stack([rows.sin(), columns.cos(), (rows + columns).sin()])[None, :, None] * 0.8
    settings = Enlargement(scale=scale)
    small, (height, width) = settings.reduced(video, 4), settings.size(video)
    assert [4 * side for side in small.shape[-2:]] == list(settings.canvas(video))
    again = resize(small, 4 * small.shape[-2], 4 * small.shape[-1])[..., :height, :width]
    expected = resize(video, height, width)
    inner = slice(8, -8)
    assert (again - expected)[..., inner, inner].abs().max() < 0.02


def test_four_times_leaves_the_small_frames_alone():
    video = torch.rand(1, 3, 1, 16, 24) * 2 - 1
    torch.testing.assert_close(Enlargement(scale=4).reduced(video, 4), video)


def test_what_is_left_open_is_the_systems_own_choice(pipeline):
    asked = Enlargement(strength=0.5).completed(pipeline.sampling)
    assert (asked.num_inference_steps, asked.strength) == (SIMPLEGVR_SAMPLING.steps, 0.5)
    assert NOISE.low <= SIMPLEGVR_SAMPLING.strength <= NOISE.high
    video = torch.rand(1, 3, 5, 16, 24) * 2 - 1
    open_, chosen = (
        pipeline(video, **given, generator=torch.Generator().manual_seed(0)).frames
        for given in (
            {},
            {
                "num_inference_steps": SIMPLEGVR_SAMPLING.steps,
                "strength": SIMPLEGVR_SAMPLING.strength,
                "detail": SIMPLEGVR_SAMPLING.detail,
                "consistency": SIMPLEGVR_SAMPLING.consistency,
            },
        )
    )
    assert torch.equal(open_, chosen)


def test_long_latents_are_drawn_at_once_in_units_of_time(pipeline):
    assert pipeline.transformer.config.temporal_unit == 5
    seen = []
    pipeline.transformer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[2]))
    latents = torch.randn(1, 4, 20, 2, 2, generator=torch.Generator().manual_seed(0))
    pipeline.transformer.use_attention(attention="sparse", block=(4, 4))
    result = pipeline.from_latents(latents, Enlargement(num_inference_steps=1))
    assert seen == [20]
    assert result.shape == (1, 3, 77, 64, 64)
