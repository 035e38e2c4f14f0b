"""What all runs of a comparison are put through: clips prepared once, and figures of what each run makes of them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from cvsr.pipelines.super_resolution import SuperResolutionPipeline

Figures = dict[str, float]  # means over the clips
Findings = dict[tuple[str, str], Figures]  # how it was sampled, by which clips


class Exam(Protocol):
    """Made of a comparison, a number of scenes, a folder of weights and a device."""

    def bicubic(self) -> dict[str, Figures]:
        """What plain enlargement reaches, by kind of clips."""

    def take(self, pipeline: SuperResolutionPipeline, strength: float) -> Findings:
        """What a trained model reaches with noise of this strength on its inputs."""


def in_steps(steps: int) -> str:
    """How a result was sampled, as a part of its name: "1 step", "4 steps"."""
    return f"{steps} step" if steps == 1 else f"{steps} steps"


def mean(each: Sequence[Figures]) -> Figures:
    """The mean of every figure over the clips that have it."""
    names = dict.fromkeys(name for figures in each for name in figures)
    return {name: float(np.mean([figures[name] for figures in each if name in figures])) for name in names}
