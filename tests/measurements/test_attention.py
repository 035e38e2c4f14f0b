"""Costs of the ways to attend against operations counted, and one set of weights run with each."""

import pytest
import torch

from cvsr.evaluation.cost import count_flops
from cvsr.measurements.attention import enlarge_with_each, flops, layer_seconds
from cvsr.models.attention import SelfAttention
from cvsr.models.rope import grid_coordinates, rotation
from cvsr.models.scopes import AttentionScheme, Layout
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution

SIZE, WIDTH, HEADS = (4, 6, 6), 24, 2
SCHEMES = {
    "full": AttentionScheme(),
    "windows": AttentionScheme("swin", window=(3, 4, 5)),
    "units": AttentionScheme(temporal_unit=3),
    "sparse": AttentionScheme("sparse", block=(2, 3), top_k=2),
    "sparse in units": AttentionScheme("sparse", temporal_unit=2, block=(3, 3), top_k=1),
}
CHOOSING = {"sparse": 2 * 24**2 * WIDTH, "sparse in units": 2 * 2 * 8**2 * WIDTH}  # means of blocks, not in the figures


@pytest.mark.parametrize("name", SCHEMES)
def test_what_a_layer_costs_is_foreseen(name):
    layer, x = SelfAttention(WIDTH, HEADS), torch.randn(1, 4, 36, WIDTH)
    turns = rotation(grid_coordinates(*SIZE), WIDTH // HEADS).flatten(1, 2)
    layout = Layout(SCHEMES[name], SIZE, turns, shifted=False)
    counted = count_flops(lambda: layout.attend(0, layer, x))
    assert counted == flops(SCHEMES[name], SIZE, WIDTH).layer + CHOOSING.get(name, 0)


def test_every_way_is_timed():
    measured = layer_seconds(SCHEMES, SIZE, width=24, heads=2, rounds=1)
    assert list(measured) == list(SCHEMES)
    assert all(value > 0 for value in measured.values())


def test_weights_run_with_each_way_and_attend_as_before_afterwards():
    torch.manual_seed(0)
    pipeline = SuperResolutionPipeline(**vars(build_super_resolution(PRESETS["tiny"], ["a ball"])))
    pipeline.set_progress_bar_config(disable=True)
    for parameter in pipeline.transformer.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    truth = torch.rand(1, 3, 9, 48, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    rows = enlarge_with_each(pipeline, truth, SCHEMES)
    assert list(rows) == list(SCHEMES)
    assert rows["full"]["PSNR to full, dB"] == float("inf")
    assert all(row["PSNR to full, dB"] < 100 for name, row in rows.items() if name not in ("full", "units"))
    assert rows["units"]["PSNR to full, dB"] > 100  # three latent frames are one unit
    assert pipeline.transformer.scheme == AttentionScheme()
