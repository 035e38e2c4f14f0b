"""Resizing, one way for the whole clip: the several ways differ in how much they blur and how much they alias."""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.random import Generator

from cvsr.data.degradations.ranges import Range, check_probabilities, check_range, uniform
from cvsr.data.resize import resize
from cvsr.data.video import to_frames, to_tensor

Interpolation = Literal["area", "bilinear", "bicubic", "antialiased"]
_FLAGS = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


@dataclass(frozen=True)
class Resize:
    """To height × width pixels.

    "area" averages; "bilinear" and "bicubic" look at 2×2 or 4×4 pixels, so that reducing aliases; "antialiased" is
    `cvsr.data.resize.resize`, by which inputs of measurements are made.
    """

    height: int
    width: int
    interpolation: Interpolation

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3) to (T, height, width, 3)."""
        if self.interpolation == "antialiased":
            return to_frames(resize(to_tensor(frames)[None], self.height, self.width)[0])
        flag = _FLAGS[self.interpolation]
        return np.stack(
            [cv2.resize(frame, (self.width, self.height), interpolation=flag) for frame in frames]
        )


@dataclass(frozen=True)
class RandomResize:
    """Resizes, by default those of Real-ESRGAN's first round (Wang et al. 2021, section 4.1 and its training code).

    Attributes:
        factor: size over that of the clip *before every degradation*, so that any number of resizes can be in a
            pipeline and the last one says how large the result is.
        reduce, enlarge: how often the factor is drawn below and above 1; it is 1 otherwise.
        interpolations: one is drawn.
    """

    factor: Range = (0.15, 1.5)
    reduce: float = 0.7
    enlarge: float = 0.2
    interpolations: tuple[Interpolation, ...] = ("area", "bilinear", "bicubic")

    def __post_init__(self):
        check_range("factor", self.factor, 0.01, 16)
        check_probabilities(reduce=self.reduce, enlarge=self.enlarge)
        low, high = self.factor
        if (self.reduce and low > 1) or (self.enlarge and high < 1):
            raise ValueError(
                f"factor={self.factor}: cannot be both below and above 1; allowed a range around 1, or reduce=0"
                " or enlarge=0; try enlarge: 0"
            )
        known = get_args(Interpolation)
        if not self.interpolations or not set(self.interpolations) <= set(known):
            raise ValueError(
                f"interpolations={list(self.interpolations)}: unknown; allowed {list(known)}; try [area]"
            )

    def sample(self, rng: Generator, size: tuple[int, int]) -> Resize:
        """Draw a resize of a clip that was of `size` (height, width) before every degradation."""
        low, high = self.factor
        share, factor = rng.random(), 1.0
        if share < self.reduce:
            factor = uniform(rng, (low, min(high, 1.0)))
        elif share < self.reduce + self.enlarge:
            factor = uniform(rng, (max(low, 1.0), high))
        height, width = (max(1, round(side * factor)) for side in size)
        return Resize(height, width, self.interpolations[rng.integers(len(self.interpolations))])
