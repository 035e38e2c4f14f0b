"""Which times a network is trained at: samplers of t in [0, 1], with their densities.

A uniform t spends as much training on nearly clean latents as on the middle of the path, where the prediction
is hardest. The logit-normal sampler prefers the middle, and the shift moves any sampler towards the noise, as
larger pictures need (Esser et al. 2024, sections 3.1 and 5.3.2). A tabulated one follows any curve, such as the
measured one of where detail comes into being (SimpleGVR section 4.3, `cvsr.diffusion.detail_curve`).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

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


@dataclass(frozen=True)
class Tabulated(TimestepSampler):
    """A curve as density: linear between its knots, level before the first and after the last.

    Args:
        knots: times in [0, 1], rising; at least one.
        values: heights at the knots, not negative; only their ratios matter.

    Raises:
        ValueError: a curve that is no density, or knots and values that do not belong together.
    """

    knots: Sequence[float]
    values: Sequence[float]

    def __post_init__(self):
        knots, values = (torch.as_tensor(list(given), dtype=torch.float64) for given in (self.knots, self.values))
        if len(knots) != len(values) or not len(knots):
            raise ValueError(
                f"knots={len(knots)}, values={len(values)}: no curve; allowed as many of both, at least one;"
                " try knots=[0, 1], values=[1, 1]"
            )
        if not (torch.all(knots.diff() > 0) and knots[0] >= 0 and knots[-1] <= 1):
            raise ValueError(
                f"knots={list(self.knots)}: allowed rising times from 0 to 1; try sorting them,"
                " and dividing timesteps by 1000"
            )
        if not (values.isfinite().all() and torch.all(values >= 0)):
            raise ValueError(f"values={list(self.values)}: allowed finite numbers from 0; try clipping them at 0")
        if not self._cumulative[-1] > 0:
            raise ValueError(f"values={list(self.values)}: no density; allowed at least one above 0; try [1, 1]")

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n times (n,), exactly: the inverse of the cumulative distribution at a uniform draw.

        Within a segment that starts at x with height p and slope a, the share r of its mass is reached at
        x + s with p s + a s² / 2 = r.
        """
        (x, p), cumulative = self._nodes, self._cumulative
        share = torch.rand(n, generator=generator).double() * cumulative[-1]
        segment = (torch.searchsorted(cumulative, share, right=True) - 1).clamp(max=len(x) - 2)
        r, p0 = share - cumulative[segment], p[segment]
        slope = (p.diff() / x.diff())[segment]
        root = (p0.square() + 2 * slope * r).clamp(min=0).sqrt()
        s = 2 * r / (p0 + root).clamp(min=torch.finfo(torch.float64).tiny)  # the root without cancellation
        return torch.minimum(x[segment] + s, x[segment + 1]).float()

    def density(self, t: Tensor) -> Tensor:
        """Probability density at t."""
        x, p = self._nodes
        segment = (torch.searchsorted(x, t.double().contiguous(), right=True) - 1).clamp(0, len(x) - 2)
        weight = (t.double() - x[segment]) / x.diff()[segment]
        height = torch.lerp(p[segment], p[segment + 1], weight) / self._cumulative[-1]
        return torch.where((t >= 0) & (t <= 1), height, 0.0).to(t.dtype)

    @cached_property
    def _nodes(self) -> tuple[Tensor, Tensor]:
        """Knots from 0 to 1 and their heights, (n,) each, float64."""
        x, p = [float(knot) for knot in self.knots], [float(value) for value in self.values]
        if x[0] > 0:
            x, p = [0.0, *x], [p[0], *p]
        if x[-1] < 1:
            x, p = [*x, 1.0], [*p, p[-1]]
        return torch.tensor(x, dtype=torch.float64), torch.tensor(p, dtype=torch.float64)

    @cached_property
    def _cumulative(self) -> Tensor:
        """The mass before each node, (n,), not normalised: the trapezoids' areas."""
        x, p = self._nodes
        return torch.cat([x.new_zeros(1), ((p[:-1] + p[1:]) / 2 * x.diff()).cumsum(0)])


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
