"""The three measurements, on the smallest models: what must hold whatever they have learnt."""

import copy

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLHunyuanVideo

from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_tensor, write_video
from cvsr.data.world import render
from cvsr.evaluation.metrics import psnr
from cvsr.measurements import autoencoder, cascade, super_resolution, text_to_video
from cvsr.measurements.clips import Clip, eight_bit, real_clips, world_clips
from cvsr.models.attribute_reader import AttributeReader
from cvsr.models.autoencoder import VideoAutoencoder
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video
from cvsr.training.autoencoder import fit_linear_codec

TINY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return world_clips(2, frames=5, pixels=64)


def figures(rows, method, clips="world") -> dict[str, float]:
    (row,) = [row for row in rows if (row.method, row.clips) == (method, clips)]
    return {name: figure.mean for name, figure in row.figures.items()}


def test_world_clips_are_those_of_the_test_split(clips):
    assert [clip.group for clip in clips] == ["world", "world"]
    truth = render(sample_scene(1, "test"), 5, 64, 64).frames
    assert torch.equal(clips[1].load(), to_tensor(truth)[None])
    assert torch.equal(eight_bit(clips[1].load()), clips[1].load())
    (middle,) = world_clips(1, frames=5, pixels=64, split="validation", crop=16)
    whole = to_tensor(render(sample_scene(0, "validation"), 5, 64, 64).frames)[None]
    assert torch.equal(middle.load(), whole[..., 24:40, 24:40])


def test_real_clips_are_middles_at_native_resolution(tmp_path):
    path = tmp_path / "stripes.mkv"
    frames = np.zeros((12, 48, 80, 3), np.uint8)
    frames[:, 16:32, 24:56] = 255
    frames[:8, 16:32, 24:56] = 128
    write_video(path, frames, fps=25)
    first, second = real_clips([path], size=(16, 32), frames=5, starts=(2, 7))
    assert first.group == "stripes"
    assert first.load().shape == (1, 3, 5, 16, 32)
    assert first.load().mean() == pytest.approx(0.0, abs=0.05)
    assert second.load()[:, :, 1:].mean() == pytest.approx(1.0, abs=0.05)
    with pytest.raises(ValueError, match="12 frames of 80x48; allowed 17 of 32x16 or more"):
        real_clips([path], size=(16, 32), frames=5, starts=(12,))
    with pytest.raises(ValueError, match="no such file"):
        real_clips([tmp_path / "missing.mp4"])


def test_the_autoencoder_is_measured_beside_a_linear_codec(clips):
    torch.manual_seed(0)
    model = VideoAutoencoder(**vars(TINY.autoencoder)).eval()
    videos = [clip.load() for clip in clips]
    fit_linear_codec(model.linear, videos)
    brighter = copy.deepcopy(model)
    brighter.decoder.linear.first.conv.bias.data += 1
    brighter.decoder.linear.group.conv.bias.data += 1
    rows = autoencoder.measure(model, clips, {"bright": brighter})
    with torch.no_grad():
        mine = [float(psnr(eight_bit(model(video).sample), video)) for video in videos]
        bright = [float(psnr(eight_bit(model(video).sample + 1), video)) for video in videos]
    assert figures(rows, "autoencoder")["psnr"] == pytest.approx(sum(mine) / 2, abs=1e-3)
    assert figures(rows, "linear codec")["psnr"] > 15  # four channels keep little more than the colours
    assert figures(rows, "bicubic x4")["psnr"] > 15
    assert 0 < figures(rows, "bicubic x4")["high_frequency_ratio"] < 0.6
    assert figures(rows, "bright")["psnr"] == pytest.approx(sum(bright) / 2, abs=1e-3)
    assert rows[0].count == 2


def test_the_decoders_cost_is_one_of_size():
    model = VideoAutoencoder(**vars(TINY.autoencoder)).eval()
    cost = autoencoder.decoder_cost(model)
    assert cost == pytest.approx(autoencoder.decoder_cost(model, frames=33, pixels=64), rel=0.1)
    assert 0.001 < cost < 0.1


def test_the_cost_of_another_autoencoders_decoder_needs_no_weights():
    with torch.device("meta"):
        hunyuan = AutoencoderKLHunyuanVideo()
    assert autoencoder.decoder_cost(hunyuan) == pytest.approx(23.1, rel=0.01)


def test_super_resolution_is_measured_beside_bicubic(clips):
    torch.manual_seed(0)
    pipeline = SuperResolutionPipeline(**vars(build_super_resolution(TINY, ["a red ball"])))
    rows = super_resolution.measure(pipeline, clips, steps=[1, 2], consistency=[0, 3], detail=[1.0])
    assert [row.method for row in rows] == [
        "truth",
        "bicubic",
        "codec of bicubic",
        "ours, 1 step, consistency 0, detail 1",
        "ours, 1 step, consistency 3, detail 1",
        "ours, 2 steps, consistency 0, detail 1",
        "ours, 2 steps, consistency 3, detail 1",
    ]
    codec = figures(rows, "codec of bicubic")
    fresh = figures(rows, super_resolution.ours(1, 0, 1.0))
    for name in ("psnr", "ssim", "warping_error"):  # a network that predicts 0 gives the codec's bicubic
        assert fresh[name] == pytest.approx(codec[name], rel=1e-3)
    assert figures(rows, super_resolution.ours(1, 3, 1.0))["psnr"] > fresh["psnr"]
    assert figures(rows, "bicubic")["psnr"] > 15
    assert set(figures(rows, "truth")) == {"warping_error"}
    assert fresh["seconds"] > 0


class Knowing(AttributeReader):
    """A reader that always says the same."""

    def read(self, video):
        return [self.config.kinds[0]] * len(video), [self.config.colours[0]] * len(video)


def test_prompts_are_judged_beside_the_true_clips():
    torch.manual_seed(0)
    pipeline = TextToVideoPipeline(**vars(build_text_to_video(TINY, ["a red ball"])))
    mains = [sample_scene(number, "test").objects[0] for number in range(3)]
    reader = Knowing([mains[0].kind], [mains[1].colour])
    rows = text_to_video.measure(pipeline, reader, count=3, steps=1, frames=5, pixels=16)
    kinds = sum(main.kind == mains[0].kind for main in mains) / 3
    colours = sum(main.colour == mains[1].colour for main in mains) / 3
    for method in ("generated", "true clips"):
        share = figures(rows, method, text_to_video.PROMPTS)
        assert share["kind"] == pytest.approx(kinds)
        assert share["colour"] == pytest.approx(colours)
        assert share["both"] <= min(share["kind"], share["colour"])
    assert {row.count for row in rows} == {3}


def test_the_cascades_systems_are_judged_beside_bicubic_and_rendered_scenes():
    torch.manual_seed(0)
    base = TextToVideoPipeline(**vars(build_text_to_video(TINY, ["a ball"])))
    enlarger = SuperResolutionPipeline(**vars(build_super_resolution(TINY, ["a ball"])))
    rows = cascade.measure(base, {"ours": enlarger}, count=2, pixels=64, frames=5)
    assert [row.method for row in rows] == ["bicubic", "ours", "rendered scenes"]
    bicubic, rendered = (figures(rows, name, cascade.PROMPTS) for name in ("bicubic", "rendered scenes"))
    assert rendered["detail"] == pytest.approx(1)
    assert bicubic["detail"] < 0.1
    assert bicubic["niqe"] > rendered["niqe"]
    assert "seconds" in figures(rows, "ours", cascade.PROMPTS)
