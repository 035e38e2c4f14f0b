"""Every kind of input shows the same held-out scenes, and is made as its name says."""

import numpy as np
import pytest
import torch

from cvsr.data.captions import sample_captions
from cvsr.data.degradations.pipeline import degrade, read_pipeline
from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_tensor
from cvsr.data.world import render
from cvsr.measurements import inputs
from cvsr.measurements.cascade import PROMPTS
from cvsr.measurements.clips import eight_bit
from cvsr.measurements.inputs import CLEAN, PLANTED, known_kinds, make_inputs
from cvsr.measurements.references import INPUTS
from cvsr.pipelines.redrawing import Redrawing
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_text_to_video
from cvsr.training.ablations import COMPARISONS, Comparison, Variant, read_comparison

KINDS = (PROMPTS, CLEAN, "model_guided", PLANTED, "flow_based")


def asking(*kinds):
    return Comparison("c", "?", {"one": Variant(), "other": Variant()}, inputs=kinds, frames=5, crop=128)


@pytest.fixture(scope="module")
def base():
    torch.manual_seed(0)
    return TextToVideoPipeline(**vars(build_text_to_video(PRESETS["tiny"], sample_captions())))


@pytest.fixture
def made(base, monkeypatch):
    monkeypatch.setattr(inputs, "load", lambda name, weights: base)
    return make_inputs(asking(*KINDS), 2)


def test_all_kinds_are_small_videos_of_the_same_scenes(made, base):
    small, truth = made
    scene = sample_scene(1, "validation")
    video = render(scene, 5, 256, 256).frames
    assert tuple(small) == KINDS
    assert all(each.shape == (2, 3, 5, 32, 32) for each in small.values())
    assert all(torch.equal(each, eight_bit(each)) for each in small.values())
    assert torch.equal(truth[1], to_tensor(video)[..., 64:192, 64:192])
    assert torch.equal(small[CLEAN], eight_bit(resize(truth, 32, 32)))
    assert 0.01 < (small[PLANTED] - small[CLEAN]).abs().mean() < 0.5
    for kind in ("flow_based", "model_guided"):
        drawn = read_pipeline(inputs.DEGRADATIONS / f"{kind}.yaml").sample(
            np.random.default_rng(1), (256, 256)
        )
        expected = to_tensor(degrade(drawn, video, Redrawing(base, scene.caption)))
        assert torch.equal(small[kind][1], expected[..., 16:48, 16:48])
    alone = base(scene.caption, 64, 64, 5, generator=torch.Generator().manual_seed(1)).frames
    assert small[PROMPTS][1] == pytest.approx(alone[0, ..., 16:48, 16:48], abs=0.02)


def test_no_base_model_is_asked_for_where_none_is_needed(monkeypatch):
    monkeypatch.setattr(inputs, "load", lambda *_: pytest.fail("loaded"))
    assert list(make_inputs(asking(CLEAN, PLANTED), 1)[0]) == [CLEAN, PLANTED]


@pytest.mark.parametrize("file", COMPARISONS.glob("*.yaml"), ids=lambda file: file.stem)
def test_the_houses_comparisons_ask_for_what_there_is(file):
    comparison = read_comparison(file)
    known = {"scenes": known_kinds(), "references": INPUTS, "patches": ("clean",)}
    assert set(comparison.inputs) <= set(known[comparison.exam])


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        (
            ("clean", "dirty"),
            r"\['dirty'\] unknown; allowed \['clean', 'planted errors', 'held-out prompts', ",
        ),
        (("planted errors",), "told by what becomes of clean inputs; allowed both"),
    ],
)
def test_what_cannot_be_measured_is_said_before_the_work(kinds, words, monkeypatch):
    monkeypatch.setattr(inputs, "render", lambda *_: pytest.fail("the work began"))
    with pytest.raises(ValueError, match=words):
        make_inputs(asking(*kinds), 1)
