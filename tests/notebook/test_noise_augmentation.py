"""What lesson 04 computes and draws."""

import pytest
import torch

from cvsr.diffusion.noise_augmentation import NoiseRange
from cvsr.measurements.inputs import CLEAN, PLANTED
from cvsr.notebook.figures import png
from cvsr.notebook.noise_augmentation import draw_trade_off, sweep
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution


@pytest.fixture(scope="module")
def pipeline():
    torch.manual_seed(0)
    stage = build_super_resolution(PRESETS["tiny"], ["a red ball"])
    return SuperResolutionPipeline(**vars(stage))


def test_a_sweep_enlarges_every_input_at_every_strength_from_one_noise(pipeline):
    video = torch.rand(2, 3, 5, 8, 8) * 2 - 1
    results = sweep(pipeline, {CLEAN: video, PLANTED: video}, (0.0, 0.5), steps=1)
    assert list(results) == [0.0, 0.5]
    for result in results.values():
        assert result[CLEAN].shape == (2, 3, 5, 32, 32)
        assert torch.equal(result[CLEAN], result[PLANTED])
    assert not torch.equal(results[0.0][CLEAN], results[0.5][CLEAN])


def test_the_trade_off_has_three_panels():
    both = dict.fromkeys(("psnr", "high_frequency_ratio"), 1.0)
    figures = {
        s: {CLEAN: both | {"structure_kept": 1 - s}, PLANTED: both | {"error_left": 1.0}} for s in (0.0, 0.4)
    }
    figure = draw_trade_off(figures, {CLEAN: both, PLANTED: both}, NoiseRange(0.0, 0.3))
    assert len(figure.axes) == 3
    lines = {line.get_label(): line.get_ydata() for line in figure.axes[2].lines}
    assert list(lines["structure kept"]) == [1.0, 0.6]
    assert list(lines["planted error left"]) == [1.0, 1.0]
    assert png(figure)[:4] == b"\x89PNG"
