"""Exercises of lesson 10: one window of SSIM, a step that leaves PSNR alone, an interval of pairs, two rankings."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from cvsr.notebook.lesson import Hint, answered

C1, C2 = 0.01**2, 0.03**2  # of SSIM, for pixels in [0, 1]


def ssim_of_a_window(answer: Callable[[Tensor, Tensor], float]) -> None:
    """(2 μ ν + C1)(2 κ + C2) / ((μ² + ν² + C1)(σ² + τ² + C2))."""
    generator = torch.Generator().manual_seed(0)
    x, noise = torch.rand(2, 11, 11, generator=generator)
    for y in (x, 0.5 * x + 0.3, 0.6 * x + 0.4 * noise, 1 - x):
        found, expected = float(answered(answer(x, y))), _ssim(x, y)
        if math.isclose(found, expected, abs_tol=2e-3):
            continue
        structure = 2 * _covariance(x, y) / (x.var(correction=0) + y.var(correction=0))
        if math.isclose(found, float(structure), abs_tol=2e-2):
            raise Hint("the means count, too: the first of the two fractions compares the brightness")
        if math.isclose(found, (2 * x.mean() * y.mean() / (x.mean() ** 2 + y.mean() ** 2)).item(), abs_tol=2e-2):
            raise Hint("that compares the brightness alone; the second fraction compares contrast and structure")
        if found > 1:
            raise Hint("above 1: in the second fraction, variances are σ², not σ")
        raise Hint(f"of these two windows it is {expected:.3f}, and this gives {found:.3f}")


def step_of_equal_psnr(answer: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> None:
    """Along the gradient, then back to the same distance from the truth."""
    generator = torch.Generator().manual_seed(0)
    truth, noise, gradient = torch.randn(3, 1, 3, 1, 8, 8, generator=generator)
    start = truth + 0.1 * noise
    for length in (0.2, 0.7):
        moved = start + length * gradient / gradient.norm()
        distance = (start - truth).norm()
        expected = truth + (moved - truth) * distance / (moved - truth).norm()
        result = answered(answer(start, truth, gradient, length))
        if not isinstance(result, Tensor) or result.shape != start.shape:
            raise Hint(f"return a picture of shape {tuple(start.shape)}")
        if torch.allclose(result, expected, atol=1e-4):
            continue
        if torch.allclose(result, moved, atol=1e-4):
            raise Hint("uphill, but away from the truth: PSNR has changed. Scale the error back to its length")
        if torch.allclose(result, moved * start.norm() / moved.norm(), atol=1e-4):
            raise Hint("equal distance from zero is not what counts: scale the error, picture - truth")
        if torch.allclose((result - truth).norm(), distance, rtol=1e-3):
            raise Hint("the right distance, but another direction: first step by `length` along gradient / |gradient|")
        raise Hint(f"the error is {(result - truth).norm():.3f} long, and was {distance:.3f}")


def interval_of_pairs(answer: Callable[[np.ndarray, np.ndarray], tuple[float, float]]) -> None:
    """Student's interval of the mean difference, pair by pair."""
    generator = np.random.default_rng(0)
    for count in (8, 30):
        clips = generator.normal(25, 4, count)
        ours, theirs = clips + 0.5 + generator.normal(0, 0.4, count), clips
        low, high = (float(end) for end in answered(answer(ours, theirs)))
        expected = _interval(ours - theirs)
        if np.allclose((low, high), expected, atol=1e-3):
            continue
        if math.isclose((low + high) / 2, sum(expected) / 2, abs_tol=1e-3):
            reach, right = (high - low) / 2, (expected[1] - expected[0]) / 2
            normal = 1.96 * stats.sem(ours - theirs)
            if reach > 3 * right:
                raise Hint("too wide: the spread from clip to clip is in it. Subtract first, clip by clip")
            if math.isclose(reach, normal, rel_tol=1e-2):
                degrees = f"{count - 1} degrees of freedom"
                raise Hint(f"1.96 holds for many values; for {count} take Student's t with {degrees}")
            raise Hint(f"reaches {reach:.3f} to either side instead of {right:.3f}: t times the deviation over √n")
        raise Hint(f"the middle is the mean difference, {sum(expected) / 2:.3f}; this one's is {(low + high) / 2:.3f}")


def rank_correlation(answer: Callable[[Sequence[float], Sequence[float]], float]) -> None:
    """1 - 6 Σ d² / (n (n² - 1))."""
    for a, b in (([3, 1, 2], [30, 10, 20]), ([1, 2, 3, 4], [9, 8, 7, 6]), ([5, 1, 9, 7], [1, 2, 100, 3])):
        found, expected = float(answered(answer(a, b))), float(stats.spearmanr(a, b).statistic)
        if math.isclose(found, expected, abs_tol=1e-6):
            continue
        if math.isclose(found, float(np.corrcoef(a, b)[0, 1]), abs_tol=1e-6):
            raise Hint("that is the correlation of the values; take their ranks first, so that 100 is no more than 4th")
        if math.isclose(found, -expected, abs_tol=1e-6):
            raise Hint("upside down: equal rankings give 1")
        raise Hint(f"of {a} and {b} it is {expected:.2f}, and this gives {found:.2f}")


def _ssim(x: Tensor, y: Tensor) -> float:
    means = (2 * x.mean() * y.mean() + C1) / (x.mean() ** 2 + y.mean() ** 2 + C1)
    structure = (2 * _covariance(x, y) + C2) / (x.var(correction=0) + y.var(correction=0) + C2)
    return float(means * structure)


def _covariance(x: Tensor, y: Tensor) -> Tensor:
    return ((x - x.mean()) * (y - y.mean())).mean()


def _interval(differences: np.ndarray) -> tuple[float, float]:
    reach = stats.t.ppf(0.975, len(differences) - 1) * stats.sem(differences)
    return float(differences.mean() - reach), float(differences.mean() + reach)
