"""Where a run draws its detail, and densities of training times: for lesson 03."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from cvsr.diffusion.timesteps import TimestepSampler
from cvsr.measurements.results import Result
from cvsr.notebook.figures import PALETTE

GRID = torch.linspace(0, 1, 1001, dtype=torch.float64)
STYLES = (("blue", "-"), ("vermilion", "--"), ("green", "-."), ("purple", ":"))


def draw_densities(samplers: Mapping[str, TimestepSampler]) -> Figure:
    """A line for each sampler's density, noise on the left as in a run."""
    figure, axes = _axes("density of training times")
    for (name, sampler), (colour, line) in zip(samplers.items(), STYLES, strict=False):
        axes.plot(GRID, sampler.density(GRID), line, color=PALETTE[colour], linewidth=2, label=name)
    axes.legend(frameon=False, fontsize=9)
    return figure


def draw_samples(sampler: TimestepSampler, samples: Tensor, bins: int = 40) -> Figure:
    """A histogram of times drawn, against the density."""
    figure, axes = _axes("density")
    axes.hist(
        samples.numpy(), bins=np.linspace(0, 1, bins + 1), density=True, color=PALETTE["sky"], label="drawn"
    )
    axes.plot(GRID, sampler.density(GRID), color=PALETTE["vermilion"], linewidth=2, label="density")
    thirds = ", ".join(f"{share:.0%}" for share in reversed(shares(sampler)))
    axes.set_title(f"{len(samples)} times; of the density, by thirds from the noise: {thirds}", fontsize=9)
    axes.legend(frameon=False, fontsize=9)
    return figure


def draw_measured(result: Result, live: Mapping[str, tuple[Tensor, Tensor]]) -> Figure:
    """A measured detail curve with its interval over clips, and runs of now beside it; the areas are equal.

    Args:
        result: of `python -m cvsr evaluate detail_curve`.
        live: name → times (n,), rising, and changes (n,).
    """
    t, mean, low, high = curve(result)
    figure, axes = _axes("change of detail, area 1")
    area = np.trapezoid(mean, t)
    axes.fill_between(t, low / area, high / area, color=PALETTE["sky"], alpha=0.5, linewidth=0)
    label = f"{result.rows[0].count} clips, {len(t) + 1} steps, with interval"
    axes.plot(t, mean / area, color=PALETTE["blue"], linewidth=2, label=label)
    for (name, (knots, change)), (colour, _), mark in zip(live.items(), STYLES[1:], "os^", strict=False):
        heights = change / torch.trapezoid(change, knots)
        axes.plot(knots, heights, f"{mark}--", color=PALETTE[colour], markersize=4, label=name)
    axes.legend(frameon=False, fontsize=9)
    return figure


def curve(result: Result, figure: str = "change") -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Times, means and both ends of the intervals of a measured detail curve, (n,) each."""
    estimates = [row.figures[figure] for row in result.rows]
    ends = [(e.mean if e.low is None else e.low, e.mean if e.high is None else e.high) for e in estimates]
    t, mean = ([row.figures["t"].mean for row in result.rows], [e.mean for e in estimates])
    low, high = zip(*ends, strict=True)
    return np.array(t), np.array(mean), np.array(low), np.array(high)


def shares(sampler: TimestepSampler, edges: Sequence[float] = (0, 1 / 3, 2 / 3, 1)) -> list[float]:
    """How much of the training falls between neighbouring edges, each share in [0, 1]."""
    middles = (GRID[1:] + GRID[:-1]) / 2
    mass = sampler.density(middles) * GRID.diff()
    inside = [(middles > low) & (middles < high) for low, high in pairwise(edges)]
    return [float(mass[where].sum()) for where in inside]


def _axes(what: str) -> tuple[Figure, object]:
    figure = Figure(figsize=(6.4, 2.8))
    axes = figure.subplots()
    axes.set(xlim=(1, 0), xlabel="time t: noise on the left, data on the right", ylabel=what)
    return figure, axes
