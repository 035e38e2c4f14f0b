"""Blur: one kernel for the whole clip, as a lens out of focus has it.

Three families of kernels over the squared distance q = xᵀ Σ⁻¹ x from the centre (Real-ESRGAN, Wang et al. 2021,
section 3.1), with a covariance Σ that is round or stretched along an angle:

    Gaussian                exp(-q / 2)
    generalised Gaussian    exp(-q^β / 2)      β < 1: a sharper peak and longer tails; β > 1: a flatter top
    plateau                 1 / (1 + q^β)
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator

from cvsr.data.degradations.ranges import Range, check_probabilities, check_range, uniform, uniform_integer

Family = Literal["gaussian", "generalised", "plateau"]


@dataclass(frozen=True)
class Blur:
    """A blur.

    Attributes:
        family: of the kernel.
        size: of the kernel in pixels, odd.
        sigma_x, sigma_y: standard deviations in pixels along the kernel's own axes.
        angle: of the x-axis of the kernel, in radians.
        beta: exponent of the shape; 1 makes a generalised Gaussian a Gaussian.
    """

    family: Family
    size: int
    sigma_x: float
    sigma_y: float
    angle: float
    beta: float

    def kernel(self) -> np.ndarray:
        """float64 (size, size), sums to 1."""
        reach = np.arange(self.size) - self.size // 2
        x, y = np.meshgrid(reach, reach)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        q = ((cos * x + sin * y) / self.sigma_x) ** 2 + ((cos * y - sin * x) / self.sigma_y) ** 2
        if self.family == "gaussian":
            weights = np.exp(-q / 2)
        elif self.family == "generalised":
            weights = np.exp(-(q**self.beta) / 2)
        else:
            weights = 1 / (1 + q**self.beta)
        return weights / weights.sum()

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), blurred; mirrored beyond the borders."""
        return filter_frames(frames, self.kernel())


@dataclass(frozen=True)
class RandomBlur:
    """Blurs, by default those of Real-ESRGAN's first round.

    Attributes:
        generalised, plateau: how often the kernel is of that family; a Gaussian otherwise.
        isotropic: how often it is round.
        size: of kernels, pixels; even draws become the next odd number.
        sigma: pixels.
        beta, plateau_beta: exponents of generalised Gaussians and of plateaus.
    """

    generalised: float = 0.15
    plateau: float = 0.15
    isotropic: float = 0.69
    size: Range = (7, 21)
    sigma: Range = (0.2, 3.0)
    beta: Range = (0.5, 4.0)
    plateau_beta: Range = (1.0, 2.0)

    def __post_init__(self):
        check_probabilities(generalised=self.generalised, plateau=self.plateau)
        check_probabilities(isotropic=self.isotropic)
        check_range("size", self.size, 1, 255)
        check_range("sigma", self.sigma, 0.05, 100)
        check_range("beta", self.beta, 0.1, 10)
        check_range("plateau_beta", self.plateau_beta, 0.1, 10)

    def sample(self, rng: Generator, size: tuple[int, int]) -> Blur:
        """Draw a blur."""
        share = rng.random()
        sigma_x, sigma_y = uniform(rng, self.sigma), uniform(rng, self.sigma)
        if rng.random() < self.isotropic:
            sigma_y = sigma_x
        kernel = uniform_integer(rng, self.size) // 2 * 2 + 1
        angle = uniform(rng, (-np.pi, np.pi))
        if share < self.generalised:
            return Blur("generalised", kernel, sigma_x, sigma_y, angle, uniform(rng, self.beta))
        if share < self.generalised + self.plateau:
            return Blur("plateau", kernel, sigma_x, sigma_y, angle, uniform(rng, self.plateau_beta))
        return Blur("gaussian", kernel, sigma_x, sigma_y, angle, 1.0)


def filter_frames(frames: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """uint8 (T, H, W, 3), every frame filtered by one kernel, rounded and clipped; mirrored beyond the borders."""
    return np.stack([cv2.filter2D(frame, -1, kernel, borderType=cv2.BORDER_REFLECT_101) for frame in frames])
