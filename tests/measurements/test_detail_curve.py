"""The measured curve is the mean over clips, each run from its own noise; the sampler made of it follows it."""

import pytest
import torch
from jsonargparse import ArgumentParser

from cvsr.diffusion.detail_curve import detail_curve
from cvsr.diffusion.timesteps import Tabulated, TimestepSampler
from cvsr.measurements.clips import eight_bit
from cvsr.measurements.detail_curve import clips, detail_aware, measure, predictions
from cvsr.measurements.results import Result, write_result
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video

TINY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def pipeline():
    torch.manual_seed(0)
    made = SuperResolutionPipeline(**vars(build_super_resolution(TINY, ["a red ball"])))
    for weight in made.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.05)
    return made


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def result_of(rows, name="detail_curve"):
    return Result(name, "When?", "none", "0", "2026-01-01", "none", {}, "none", rows)


def test_predictions_fall_in_time_and_end_at_the_result(pipeline):
    small = torch.rand(2, 3, 5, 8, 8) * 2 - 1
    times, clean = predictions(pipeline, small, 4, seeded(0))
    assert times == pytest.approx([1, 0.75, 0.5, 0.25])
    final = pipeline(small, num_inference_steps=4, output_type="latent", generator=seeded(0)).frames
    torch.testing.assert_close(clean[-1], final)


def test_the_curve_is_the_mean_over_clips_from_seeds_in_a_row(pipeline):
    few = clips(3, 5, 32)
    rows = measure(pipeline, few, steps=3, seed=5)
    curves = []
    for number, clip in enumerate(few):
        truth = clip.load()
        assert truth.shape == (1, 3, 5, 32, 32)
        small = eight_bit(
            torch.nn.functional.interpolate(truth[0], (8, 8), mode="bicubic", antialias=True)[None]
        )
        curves.append(detail_curve(*predictions(pipeline, small, 3, seeded(5 + number))))
    mean = torch.cat([curve.change for curve in curves]).mean(0)
    assert [row.figures["change"].mean for row in rows] == pytest.approx(mean.tolist(), rel=1e-3)
    assert all(row.figures["change"].low < row.figures["change"].high for row in rows)
    assert [row.figures["t"].mean for row in rows] == pytest.approx([0.5, 5 / 6])
    assert {row.count for row in rows} == {3}


def test_the_sampler_follows_the_result(pipeline, tmp_path):
    rows = measure(pipeline, clips(1, 5, 32), steps=4)
    write_result(result_of(rows), tmp_path / "curve.json")
    sampler = detail_aware(tmp_path / "curve.json")
    heights = torch.tensor([row.figures["change"].mean for row in rows], dtype=torch.float64)
    at_knots = sampler.density(torch.tensor(sampler.knots, dtype=torch.float64))
    torch.testing.assert_close(at_knots / at_knots.sum(), heights / heights.sum())


def test_a_recipe_names_the_curve_or_its_knots(pipeline, tmp_path):
    path = tmp_path / "curve.json"
    write_result(result_of(measure(pipeline, clips(1, 5, 32), steps=4)), path)
    parser = ArgumentParser()
    parser.add_argument("--timesteps", type=TimestepSampler)
    named = {"class_path": "cvsr.measurements.detail_curve.detail_aware", "init_args": {"result": str(path)}}
    knots = {"class_path": "cvsr.diffusion.timesteps.Tabulated"}
    knots["init_args"] = {"knots": [0.0, 1.0], "values": [1, 3]}
    for settings, expected in ((named, detail_aware(path)), (knots, Tabulated([0.0, 1.0], [1.0, 3.0]))):
        parsed = parser.parse_object({"timesteps": settings})
        sampler = parser.instantiate_classes(parsed).timesteps
        assert torch.equal(sampler.sample(9, seeded(0)), expected.sample(9, seeded(0)))


def test_what_cannot_be_measured_or_followed_is_refused(pipeline, tmp_path):
    base = TextToVideoPipeline(**vars(build_text_to_video(TINY, ["a red ball"])))
    with pytest.raises(ValueError, match="model=TextToVideoPipeline: no super-resolution; allowed"):
        measure(base, clips(1, 5, 32))
    with pytest.raises(ValueError, match="no run; allowed at least two falling times"):
        measure(pipeline, clips(1, 5, 32), steps=1)
    with pytest.raises(ValueError, match="no readable result"):
        detail_aware(tmp_path / "missing.json")
    write_result(result_of([], "autoencoder"), tmp_path / "other.json")
    with pytest.raises(
        ValueError, match="holds 'autoencoder'; allowed a file of `python -m cvsr evaluate detail_curve`"
    ):
        detail_aware(tmp_path / "other.json")
