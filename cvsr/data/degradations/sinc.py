"""Sinc: an ideal low-pass filter, which leaves the ringing and overshoot of sharpened or badly resized videos.

Its kernel at distance r from the centre, with the cutoff ω in radians a pixel (π: nothing is lost), is

    ω J₁(ω r) / (2π r)        and ω² / (4π) in the centre,

J₁ the Bessel function of the first order (Real-ESRGAN, Wang et al. 2021, section 3.3).
"""

from dataclasses import dataclass

import numpy as np
import scipy.special
from numpy.random import Generator

from cvsr.data.degradations.blur import filter_frames
from cvsr.data.degradations.ranges import Range, check_range, uniform, uniform_integer


@dataclass(frozen=True)
class Sinc:
    """A low-pass filter: `size` of its kernel in pixels, odd, and `cutoff` in radians a pixel."""

    size: int
    cutoff: float

    def kernel(self) -> np.ndarray:
        """float64 (size, size), sums to 1; negative in its rings."""
        reach = np.arange(self.size) - self.size // 2
        distance = np.hypot(*np.meshgrid(reach, reach))
        distance[self.size // 2, self.size // 2] = 1e-6  # where the formula has its limit, ω² / 4π
        weights = self.cutoff * scipy.special.j1(self.cutoff * distance) / (2 * np.pi * distance)
        return weights / weights.sum()

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), filtered; mirrored beyond the borders."""
        return filter_frames(frames, self.kernel())


@dataclass(frozen=True)
class RandomSinc:
    """Low-pass filters, by default those of Real-ESRGAN (its section 4.1 and training code).

    Attributes:
        size: of kernels, pixels; even draws become the next odd number.
        cutoff: radians a pixel.
    """

    size: Range = (7, 21)
    cutoff: Range = (np.pi / 3, np.pi)

    def __post_init__(self):
        check_range("size", self.size, 1, 255)
        check_range("cutoff", self.cutoff, 0.1, np.pi)

    def sample(self, rng: Generator, size: tuple[int, int]) -> Sinc:
        """Draw a filter."""
        return Sinc(uniform_integer(rng, self.size) // 2 * 2 + 1, uniform(rng, self.cutoff))
