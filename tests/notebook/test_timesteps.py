"""What lesson 03 draws: measured curves, densities, shares of the path."""

import numpy as np
import pytest
import torch

from cvsr.diffusion.timesteps import LogitNormal, Tabulated, Uniform
from cvsr.measurements.results import Estimate, Result, Row
from cvsr.notebook.figures import png
from cvsr.notebook.timesteps import curve, draw_densities, draw_measured, draw_samples, shares


@pytest.fixture
def result():
    figures = [{"t": Estimate(t), "change": Estimate(c, c - 1, c + 1)} for t, c in ((0.25, 2.0), (0.75, 6.0))]
    rows = [Row(f"t = {row['t'].mean}", "world", 3, row) for row in figures]
    return Result("detail_curve", "When?", "none", "0", "2026-01-01", "none", {}, "none", rows)


def test_shares_are_those_of_the_distribution():
    assert shares(Uniform()) == pytest.approx([1 / 3] * 3, abs=1e-3)
    assert shares(Tabulated([0.0, 1.0], [0.0, 1.0]), (0, 0.5, 1)) == pytest.approx([0.25, 0.75], abs=1e-3)
    low, middle, high = shares(LogitNormal())
    assert middle > low == pytest.approx(high, abs=1e-3)


def test_a_measured_curve_comes_with_its_interval(result):
    t, mean, low, high = curve(result)
    assert t.tolist() == [0.25, 0.75]
    assert mean.tolist() == [2.0, 6.0]
    np.testing.assert_allclose(high - low, 2)
    figure = draw_measured(result, {"now": (torch.tensor([0.2, 0.8]), torch.tensor([1.0, 1.0]))})
    (axes,) = figure.axes
    heights = axes.lines[0].get_ydata()
    assert np.trapezoid(heights, t) == pytest.approx(1)
    assert axes.get_xlim() == (1, 0)
    assert png(figure)[:4] == b"\x89PNG"


def test_a_histogram_lies_under_its_density():
    sampler = Tabulated([0.0, 1.0], [0.0, 1.0])
    figure = draw_samples(sampler, sampler.sample(20000, torch.Generator().manual_seed(0)), bins=10)
    heights = [patch.get_height() for patch in figure.axes[0].patches]
    np.testing.assert_allclose(heights, np.linspace(0.1, 1.9, 10), atol=0.1)
    assert "by thirds from the noise: 56%, 33%, 11%" in figure.axes[0].get_title()


def test_densities_are_drawn_over_each_other():
    figure = draw_densities({"uniform": Uniform(), "middle": LogitNormal()})
    assert [line.get_label() for line in figure.axes[0].lines] == ["uniform", "middle"]
    assert set(figure.axes[0].lines[0].get_ydata()) == {1.0}
