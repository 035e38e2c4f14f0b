"""PatchVSR's parts fit each other; patches become one frame of any size, however they are computed."""

from dataclasses import replace

import pytest
import torch

from cvsr.data.resize import resize
from cvsr.diffusion.joint_modulation import cover
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.pipelines.cascade import PIPELINES
from cvsr.pipelines.patchvsr import PatchEnlargement, PatchVSRPipeline
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import Tiling
from cvsr.presets import PATCHVSR_SAMPLING, PRESETS
from cvsr.systems.base import build_super_resolution
from cvsr.systems.patchvsr import NOISE, SCALES, build_patchvsr

PLAIN = {"num_inference_steps": 2, "detail": 1.0, "consistency": 0}
JOININGS = ("joint", "averaged", "stitched")


def make(fresh: bool = False) -> PatchVSRPipeline:
    torch.manual_seed(0)
    stage = build_patchvsr(PRESETS["tiny"], ["a red ball"])
    for weight in () if fresh else stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    pipeline = PatchVSRPipeline(**vars(stage))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def pipeline() -> PatchVSRPipeline:
    return make()


def video(frames: int = 5, height: int = 16, width: int = 24) -> torch.Tensor:
    return torch.rand(1, 3, frames, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def enlarged(pipeline, small, **settings) -> torch.Tensor:
    return pipeline(small, **PLAIN | settings, generator=torch.Generator().manual_seed(0)).frames


def test_the_numbers_are_those_of_the_paper():
    assert (NOISE.low, NOISE.high) == (0.2, 0.3)
    assert SCALES == (1, 4)
    assert NOISE.low <= PATCHVSR_SAMPLING.strength <= NOISE.high
    assert 8 * PRESETS["full"].patchvsr.sample_size == 512


@pytest.mark.parametrize("size", [(5, 16, 24), (7, 9, 16), (1, 3, 30)])
@pytest.mark.parametrize("joining", JOININGS)
def test_an_untrained_one_returns_the_codec_of_the_bicubic_enlargement(size, joining):
    pipeline, small = make(fresh=True), video(*size)
    result = enlarged(pipeline, small, strength=0.0, joining=joining)
    settings = PatchEnlargement()
    frames = torch.arange(4 * -(-(size[0] - 1) // 4) + 1).clamp(max=size[0] - 1)  # the last one repeated
    latents = encode_to_latents(pipeline.autoencoder, settings.enlarged(small[:, :, frames]))
    expected = decode_from_latents(pipeline.autoencoder, latents)[:, :, : size[0], : 4 * size[1], : 4 * size[2]]
    torch.testing.assert_close(result, expected.clamp(-1, 1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("joining", JOININGS)
def test_around_a_base_it_begins_as_that_base_on_a_frame_of_one_patch(joining):
    torch.manual_seed(2)
    plain = build_super_resolution(PRESETS["tiny"], ["a red ball"])
    for weight in plain.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    stage = build_patchvsr(PRESETS["tiny"], ["a red ball"])
    stage.transformer.begin_as(plain.transformer)
    base = SuperResolutionPipeline(**vars(plain))
    adapted = PatchVSRPipeline(**vars(replace(plain, transformer=stage.transformer)))
    for each in (base, adapted):
        each.set_progress_bar_config(disable=True)
    small = video(5, 8, 8)
    asked = {"strength": 0.2, "prompt": "a ball", "guidance_scale": 2.0}
    expected, found = enlarged(base, small, **asked), enlarged(adapted, small, **asked, joining=joining)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_patch_as_large_as_the_frame_gives_the_plain_result_exactly(pipeline, monkeypatch):
    """Plain is the network asked once, for everything, by a pipeline that knows no patches."""
    small = video(5, 8, 8)
    results = [enlarged(pipeline, small, joining=joining) for joining in JOININGS]

    def whole(self, x, t, text, mask, whole, patches, at_once, keep, **levels):
        return self.transformer(x, t, text, mask, levels, whole, None).sample

    monkeypatch.setattr(PatchVSRPipeline, "predict", whole)
    plain = enlarged(pipeline, small)
    assert all(torch.equal(result, plain) for result in results)


def test_order_and_batching_of_patches_change_nothing(pipeline, monkeypatch):
    small, calls = video(), []
    watch = pipeline.transformer.register_forward_pre_hook(lambda _, given: calls.append(len(given[0])))
    expected = enlarged(pipeline, small)
    assert calls == [15, 15]  # 3×5 patches, auxiliary ones among them, in two steps
    calls.clear()
    one = enlarged(pipeline, small, memory=1e-4)
    assert calls == [1] * 30
    watch.remove()
    torch.testing.assert_close(one, expected, rtol=0, atol=1e-6)
    monkeypatch.setattr("cvsr.pipelines.patchvsr.cover", lambda *given: cover(*given)[::-1])
    torch.testing.assert_close(enlarged(pipeline, small), expected, rtol=0, atol=1e-6)


def test_joinings_differ_and_guidance_is_joined_too(pipeline):
    small = video()
    results = [enlarged(pipeline, small, joining=joining) for joining in JOININGS]
    results.append(enlarged(pipeline, small, prompt="a ball", guidance_scale=3.0))
    for index, result in enumerate(results):
        assert all((result - before).abs().max() > 1e-4 for before in results[:index])


@pytest.mark.parametrize(
    ("size", "scale"), [((2, 35, 63), 1), ((6, 40, 24), 2), ((1, 33, 50), 2.5), ((23, 8, 12), 4), ((1, 2, 2), 4)]
)
def test_every_size_length_and_scale(pipeline, size, scale):
    small = video(*size)
    settings = {"scale": scale, "num_inference_steps": 1, "tiling": Tiling(pixels=48, overlap=16)}
    whole = enlarged(pipeline, small, **settings)
    assert whole.shape == (1, 3, size[0], round(size[1] * scale), round(size[2] * scale))
    asked = pipeline.asked(**PLAIN | settings, generator=torch.Generator().manual_seed(0))
    streamed = torch.cat(list(pipeline.stream(small.split(7, dim=2), asked, size[0])), dim=2)
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-5)


def test_the_codecs_tiles_leave_no_trace_in_what_patches_are_given(pipeline):
    """A codec without borders: the canvas of latents is the same in one tile as in many."""
    seen = []
    network = pipeline.transformer
    for tiling in (Tiling(), Tiling(pixels=32, overlap=16)):
        watch = network.register_forward_pre_hook(lambda _, given: seen.append(given[0][:, 4:]))
        flat = torch.full((1, 3, 5, 16, 24), 0.3)
        enlarged(pipeline, flat, num_inference_steps=1, strength=0.0, tiling=tiling)
        watch.remove()
    inner = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(seen[1][7][inner], seen[0][7][inner])


def test_two_videos_of_a_batch_stay_apart(pipeline):
    both = torch.cat([video(), video().flip(-1)])
    seeds = [torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)]
    together = pipeline(both, **PLAIN, generator=seeds).frames
    torch.testing.assert_close(together[1:], enlarged(pipeline, both[1:]), rtol=1e-4, atol=1e-4)


def test_the_network_is_told_the_factor_or_what_is_asked_for(pipeline):
    small, told = video(1, 8, 8), []
    watch = pipeline.transformer.register_forward_pre_hook(lambda _, given: told.append(given[4]["scale"][0].item()))
    once = {"num_inference_steps": 1}
    results = [enlarged(pipeline, small, **once, scale=4), enlarged(pipeline, small, **once, scale=4, magnitude=4)]
    results.append(enlarged(pipeline, small, **once, scale=4, magnitude=1.0))
    enlarged(pipeline, small, **once, scale=2)
    enlarged(pipeline, small, **once, scale=6)
    watch.remove()
    assert told == [1.0, 1.0, 0.25, 0.5, 1.0]
    assert torch.equal(results[0], results[1])
    assert (results[2] - results[0]).abs().max() > 1e-4


def test_the_whole_clip_is_shown_with_the_place_of_every_patch(pipeline):
    places, wholes = [], []

    def watch(_, given):
        wholes.append(given[5])
        places.append(given[6])

    handle = pipeline.transformer.register_forward_pre_hook(watch)
    small = video(5, 16, 16)
    enlarged(pipeline, small, num_inference_steps=1)
    handle.remove()
    (place,), (whole,) = places, wholes
    starts = {(row / 8, column / 8) for row in (0, 2, 4) for column in (0, 2, 4)}
    assert {tuple(each[:2].tolist()) for each in place} == starts
    torch.testing.assert_close(place[:, 2:], place[:, :2] + 0.5)
    reduced = resize(PatchEnlargement().enlarged(small), 32, 32).clamp(-1, 1)
    expected = encode_to_latents(pipeline.autoencoder, reduced)
    torch.testing.assert_close(whole, expected.expand_as(whole))


def test_borders_are_told_in_pixels_of_the_result(pipeline):
    small = video(1, 16, 17)  # the canvas is 64 x 80
    assert pipeline.borders(small, PatchEnlargement(joining="stitched")) == ([32], [24, 48])
    assert pipeline.borders(small, PatchEnlargement()) == ([16, 32, 48], [8, 24, 32, 40, 48, 64])
    assert pipeline.borders(small, PatchEnlargement(scale=1)) == ([], [])


def test_saved_and_loaded_it_draws_the_same(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    loaded = PIPELINES["PatchVSRPipeline"].from_pretrained(tmp_path, local_files_only=True)
    loaded.set_progress_bar_config(disable=True)
    torch.testing.assert_close(enlarged(loaded, video()), enlarged(pipeline, video()))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"patch": 20}, "patch=20: no patch's size; allowed multiples of 16"),
        ({"patch": 48}, "patch=48: larger than what the network was made for; allowed multiples of 16 up to 32"),
        ({"joining": "glue"}, r"joining='glue': unknown; allowed \['joint', 'averaged', 'stitched'\]"),
        ({"magnitude": 5.0}, "magnitude=5.0: out of range; allowed 1 to 4; try magnitude=4"),
        ({"memory": 0.0}, "memory=0.0: no memory"),
        ({"memory": 1e-6}, r"memory=1e-06: too little for one patch, which needs 6\.1e-05 GiB in 1 predictions"),
    ],
)
def test_mistakes_are_named(pipeline, wrong, said):
    with pytest.raises(ValueError, match=said):
        enlarged(pipeline, video(), **wrong)
