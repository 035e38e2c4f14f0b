"""Which times a network is trained at: samplers of t in [0, 1], with their densities.

A uniform t spends as much training on nearly clean latents as on the middle of the path, where the prediction
is hardest. The logit-normal sampler prefers the middle, and the shift moves any sampler towards the noise, as
larger pictures need (Esser et al. 2024, sections 3.1 and 5.3.2).
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor


class TimestepSampler(ABC):
    """A distribution of training times on [0, 1]."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n times (n,) on the CPU, float32."""

    @abstractmethod
    def density(self, t: Tensor) -> Tensor:
        """Probability density at t, of t's shape; 0 outside [0, 1]."""


@dataclass(frozen=True)
class Uniform(TimestepSampler):
    """Every time alike: p(t) = 1."""

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n times (n,)."""
        return torch.rand(n, generator=generator)

    def density(self, t: Tensor) -> Tensor:
        """Probability density at t."""
        return ((t >= 0) & (t <= 1)).to(t.dtype)


@dataclass(frozen=True)
class LogitNormal(TimestepSampler):
    """The middle of the path: logit(t) = log(t / (1 - t)) is normal with this mean and standard deviation."""

    mean: float = 0.0
    std: float = 1.0

    def __post_init__(self):
        if not self.std > 0:
            raise ValueError(f"std={self.std}: not positive; allowed above 0; try 1.0")

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n times (n,)."""
        return torch.sigmoid(self.mean + self.std * torch.randn(n, generator=generator))

    def density(self, t: Tensor) -> Tensor:
        """Probability density at t."""
        inside = (t > 0) & (t < 1)
        t = torch.where(inside, t, 0.5)
        z = (torch.logit(t) - self.mean) / self.std
        return inside * torch.exp(-0.5 * z**2) / (self.std * math.sqrt(2 * math.pi) * t * (1 - t))


@dataclass(frozen=True)
class Shifted(TimestepSampler):
    """Another sampler's times, shifted towards the noise by `factor` ≥ 1 (or towards the data below 1)."""

    factor: float
    sampler: TimestepSampler = field(default_factory=Uniform)

    def __post_init__(self):
        _check_factor(self.factor)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n times (n,)."""
        return shift(self.sampler.sample(n, generator), self.factor)

    def density(self, t: Tensor) -> Tensor:
        """Probability density at t: that of the unshifted time, times its derivative by the shifted one."""
        inverse = 1 / self.factor
        derivative = inverse / (1 + (inverse - 1) * t) ** 2
        return self.sampler.density(shift(t, inverse)) * derivative


def shift(t: Tensor, factor: float) -> Tensor:
    """Shift times t in [0, 1] to s t / (1 + (s - 1) t) with s = factor; the inverse is the shift by 1 / s.

    More pixels average the noise away, so that a larger picture needs more noise to be equally destroyed: s
    is the square root of the ratio of the numbers of pixels (Esser et al. 2024, section 5.3.2).
    """
    _check_factor(factor)
    return t / (t + (1 - t) / factor)  # the same, and never above 1 by a rounding error


def _check_factor(factor: float) -> None:
    if not (factor > 0 and math.isfinite(factor)):
        raise ValueError(f"factor={factor}: no shift; allowed above 0; try 1.0 (none) or 3.0")
