"""Noise: of one strength for the whole clip, new in every frame, as a sensor has it.

    Gaussian    x + strength · n                 the electronics': equally strong everywhere
    Poisson     x + strength · (k - x)           k ~ Poisson(x), the photons': the brighter, the stronger

with x in levels, 0 to 255. Grey noise is the same in red, green and blue; a Poisson's follows the luma then.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator

from cvsr.data.degradations.ranges import Range, check_probabilities, check_range, uniform

Kind = Literal["gaussian", "poisson"]


@dataclass(frozen=True)
class Noise:
    """A noise.

    Attributes:
        kind: Gaussian or Poisson.
        strength: a Gaussian's standard deviation in levels (of 255); what a Poisson's noise is multiplied by.
        grey: the same in every colour.
        seed: frame i draws from the generator of (seed, i), whatever the clip's length.
    """

    kind: Kind
    strength: float
    grey: bool
    seed: int

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), with noise, clipped to 0 to 255."""
        return np.stack(
            [self._add(frame, np.random.default_rng((self.seed, i))) for i, frame in enumerate(frames)]
        )

    def _add(self, frame: np.ndarray, rng: Generator) -> np.ndarray:
        light = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None] if self.grey else frame
        if self.kind == "gaussian":
            noise = rng.standard_normal(light.shape)
        else:
            noise = rng.poisson(light) - light.astype(float)
        return (frame + self.strength * noise).round().clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class RandomNoise:
    """Noises, by default those of Real-ESRGAN's first round (Wang et al. 2021, section 4.1).

    Attributes:
        poisson: how often it is a Poisson's; a Gaussian's otherwise.
        grey: how often it is grey.
        sigma: a Gaussian's standard deviation in levels (of 255).
        scale: what a Poisson's noise is multiplied by.
    """

    poisson: float = 0.5
    grey: float = 0.4
    sigma: Range = (1.0, 30.0)
    scale: Range = (0.05, 3.0)

    def __post_init__(self):
        check_probabilities(poisson=self.poisson)
        check_probabilities(grey=self.grey)
        check_range("sigma", self.sigma, 0, 255)
        check_range("scale", self.scale, 0, 100)

    def sample(self, rng: Generator, size: tuple[int, int]) -> Noise:
        """Draw a noise."""
        kind, span = ("poisson", self.scale) if rng.random() < self.poisson else ("gaussian", self.sigma)
        grey, strength = rng.random() < self.grey, uniform(rng, span)
        return Noise(kind, strength, bool(grey), int(rng.integers(2**32)))
