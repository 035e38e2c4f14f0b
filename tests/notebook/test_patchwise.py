"""Patches are drawn where they are, weights as they are, and the network before its training is its base."""

import numpy as np
import pytest
import torch

from cvsr.diffusion.joint_modulation import cover
from cvsr.notebook import patchwise
from cvsr.notebook.figures import png
from cvsr.pipelines.store import save
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution
from cvsr.weights import Card, write_card

PLAIN = {"num_inference_steps": 1, "strength": 0.2, "detail": 1.0, "consistency": 0}


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    stage = build_super_resolution(PRESETS["tiny"], ["a ball"])
    for weight in stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    save(stage.autoencoder, tmp_path / "autoencoder")
    save(SuperResolutionPipeline(**vars(stage)), tmp_path / "super_resolution", shared=["autoencoder"])
    for name, shared in {"autoencoder": {}, "super_resolution": {"autoencoder": "../autoencoder"}}.items():
        write_card(tmp_path / name, Card("tiny", "none", "0", 0, "nothing", 0, "cpu", 0.0, {}, shared))
    return str(tmp_path)


def test_before_training_a_frame_of_one_patch_is_as_the_base_draws_it(weights):
    begun, base = patchwise.begun(weights, "tiny"), patchwise.load("super_resolution", weights)
    small = torch.rand(1, 3, 1, 8, 8) * 2 - 1
    results = []
    for pipeline in (begun, base):
        pipeline.set_progress_bar_config(disable=True)
        results.append(pipeline(small, **PLAIN, generator=torch.Generator().manual_seed(0)).frames)
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-5)


def test_a_patch_is_tinted_by_its_weights_and_all_are_outlined():
    frame = np.full((32, 48, 3), 255, np.uint8)
    patches = cover(8, 12, 4, "stitched")
    drawn = patchwise.draw_patches(frame, patches, 0, 4)
    assert drawn.shape == frame.shape
    assert (frame == 255).all()
    assert (drawn[6, 6] != 255).any()
    assert (drawn[6, 40] == 255).all()
    assert (drawn[0, 20] == 0).all()  # another patch's outline
    faint = patchwise.draw_patches(frame, cover(8, 12, 4, "averaged"), 0, 4)
    assert faint[10, 10].sum() > drawn[10, 10].sum()  # half of the weight is the auxiliary patches'


def test_figures_are_drawn():
    by_size = {32: 1.0, 64: 1.1}
    for figure in (
        patchwise.draw_weights(24, 8, "joint"),
        patchwise.draw_seams(dict.fromkeys(patchwise.STYLES, by_size)),
        patchwise.draw_cost([128, 256], {"one piece": [1e9, 2e10], "patches": [1e9, 4e9]}),
    ):
        assert png(figure).startswith(b"\x89PNG")


def test_the_sum_that_is_drawn_is_one():
    (axes,) = patchwise.draw_weights(23, 8, "averaged").axes
    assert axes.lines[-1].get_ydata() == pytest.approx(np.ones(23))


def test_patches_that_overlap_differ_in_colour():
    (axes,) = patchwise.draw_weights(64, 8, "joint").axes
    patches = axes.lines[:-1]
    spans = [(line.get_xdata()[0], line.get_xdata()[-1], line.get_color()) for line in patches]
    for start, stop, colour in spans:
        touching = [other for first, last, other in spans if first <= stop and start <= last]
        assert touching.count(colour) == 1


def test_operations_are_drawn_in_units_of_a_milliard():
    (axes,) = patchwise.draw_cost([128, 256], {"one piece": [1e9, 2e10]}).axes
    assert list(axes.lines[0].get_ydata()) == [1, 20]
    assert axes.get_ylabel() == "operations, GFLOP"
