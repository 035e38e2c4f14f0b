"""Steps and guidance by references are measured on the same crops from the same noise."""

import pytest
import torch

from cvsr.measurements import reference_guidance
from cvsr.measurements.likeness import Likeness
from cvsr.measurements.reference_clips import close_up, identity_clip
from cvsr.measurements.references import INPUTS, judge
from cvsr.measurements.super_resolution import reduced
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline


@pytest.fixture(scope="module")
def models(reference_models):
    stage, base, reader = reference_models
    return UniMMVSRPipeline(**vars(stage)), base, reader


@pytest.fixture(scope="module")
def rows(models):
    sizes = {"frames": 5, "pixels": 64, "crop": 32}
    return reference_guidance.measure(*models, count=1, seed=7, steps=(1, 2), strengths=(0.0, 2.0), **sizes)


def test_every_pair_of_steps_and_strength_has_a_row(rows):
    shown = [f"{name} references less none" for name in ("right", "wrong")]
    ways = [f"{name}, steps {n}, s_ref {s}" for n in (1, 2) for s in (0, 2) for name in shown]
    expected = {"no references, steps 1", "no references, steps 2", *ways}
    mistake = identity_clip(0, 5, 64).mistake
    groups = [f"identity, {kind}{part}" for kind in INPUTS for part in ("", f", {mistake} mistaken")]
    assert {row.clips for row in rows} == set(groups)
    for group in groups:
        assert {row.method for row in rows if row.clips == group} == expected


def test_figures_are_the_pipelines_own(rows, models):
    pipeline, _, reader = models
    whole = identity_clip(0, 5, 64)
    clip, small = close_up(whole, reduced(whole.source), 32, 5)
    likeness = Likeness(reader, clip.truth, clip.subjects)

    def reached(name, **settings):
        asked = {"prompt": clip.caption, "num_inference_steps": 2, "consistency": 0}
        asked["generator"] = torch.Generator().manual_seed(7)
        return judge(pipeline(small, clip.shown[name], **asked, **settings).frames, clip, likeness)

    found = {row.method: row.figures for row in rows if row.clips == "identity, reduced"}
    without, right = reached("no references"), reached("right references", reference_guidance=2.0)
    assert {k: v.mean for k, v in found["no references, steps 2"].items()} == pytest.approx(without, abs=1e-5)
    difference = {k: v.mean for k, v in found["right references less none, steps 2, s_ref 2"].items()}
    assert difference == pytest.approx({k: right[k] - without[k] for k in right}, abs=1e-5)
    assert difference["psnr_inside"] != pytest.approx(
        found["right references less none, steps 2, s_ref 0"]["psnr_inside"].mean, abs=1e-5
    )
