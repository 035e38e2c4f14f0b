"""Exercises of lesson 02: a kernel of blur, the strength of noise, colours that shine through, a clip drawn again."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from cvsr.notebook.lesson import Hint, answered


def blur_kernel(answer: Callable[[int, float, float], np.ndarray]) -> None:
    """The round generalised Gaussian exp(-(r² / σ²)^β / 2), (size, size), divided by its sum."""
    for size, sigma, beta in ((3, 1.0, 1.0), (7, 1.5, 1.0), (11, 2.0, 0.5), (9, 1.2, 3.0)):
        reach = np.arange(size) - size // 2
        squares = (reach[:, None] ** 2 + reach[None] ** 2) / sigma**2
        shape = np.exp(-(squares**beta) / 2)
        result = np.asarray(answered(answer(size, sigma, beta)), dtype=float)
        where = f"size {size}, sigma {sigma}, beta {beta}"
        if result.shape != (size, size):
            raise Hint(f"{where}: shape {result.shape}; a kernel of {size}×{size} is asked for")
        if np.allclose(result, shape / shape.sum(), atol=1e-6):
            continue
        if not math.isclose(result.sum(), 1, abs_tol=1e-6):
            raise Hint(f"{where}: sums to {result.sum():.3f}; a blur that is to keep brightness sums to 1")
        if beta != 1 and np.allclose(result, np.exp(-squares / 2) / np.exp(-squares / 2).sum(), atol=1e-6):
            raise Hint(f"{where}: a plain Gaussian; beta is the power of r² / sigma²")
        raise Hint(
            f"{where}: the centre is {result[size // 2, size // 2]:.4f} and should be"
            f" {1 / shape.sum():.4f}; is r measured from the middle pixel?"
        )


def strength_of_noise(answer: Callable[[str, float, float], float]) -> None:
    """Standard deviation: a Gaussian's is its strength, a Poisson's strength · √level."""
    for kind, strength, level in (
        ("gaussian", 10.0, 50.0),
        ("gaussian", 10.0, 200.0),
        ("poisson", 1.0, 100.0),
        ("poisson", 0.5, 36.0),
        ("poisson", 2.0, 0.0),
    ):
        result = float(answered(answer(kind, strength, level)))
        expected = strength if kind == "gaussian" else strength * math.sqrt(level)
        where = f"{kind} noise of strength {strength}, on a level of {level}"
        if math.isclose(result, expected, abs_tol=1e-6):
            continue
        if kind == "gaussian":
            raise Hint(f"{where}: {result:.3g}; the electronics do not know how bright the pixel is")
        if math.isclose(result, expected**2, abs_tol=1e-6) or math.isclose(result, strength**2 * level):
            raise Hint(f"{where}: {result:.3g} is the variance; its square root is asked for")
        if math.isclose(result, math.sqrt(strength * level), abs_tol=1e-6):
            raise Hint(f"{where}: the strength multiplies the noise itself, not what is under the root")
        raise Hint(f"{where}: {result:.3g} instead of {expected:.3g}; a Poisson's variance is its mean")


def shining_through(answer: Callable[..., np.ndarray]) -> None:
    """The frame plus strength · (1 - d²)₊ · moving · (colour - frame)."""
    rng = np.random.default_rng(0)
    frame, colour = rng.uniform(0, 255, (6, 7, 3)), np.array([200.0, 40.0, 90.0])
    distance, moving = rng.uniform(0, 2, (6, 7)), (rng.random((6, 7)) < 0.7).astype(float)
    for strength in (0.0, 0.6, 1.0):
        weight = (strength * (1 - distance**2).clip(0, None) * moving)[..., None]
        expected = frame + weight * (colour - frame)
        result = np.asarray(answered(answer(frame, colour, distance, moving, strength)), dtype=float)
        if result.shape != frame.shape:
            raise Hint(f"shape {result.shape} instead of {frame.shape}; weights need an axis for the colours")
        if np.allclose(result, expected, atol=1e-6):
            continue
        changed = np.abs(result - frame).sum(-1) > 1e-6
        if changed[distance > 1].any():
            raise Hint("pixels outside of the ellipse (distance above 1) have changed; no weight is negative")
        if changed[moving == 0].any():
            raise Hint("pixels that stand still have changed; `moving` is 0 there")
        raise Hint(f"strength {strength}: off by up to {np.abs(result - expected).max():.3g} levels")


def drawn_again(answer: Callable[..., Tensor]) -> None:
    """x_α = (1 - α) x_0 + α ε, then Euler steps from t = α to 0."""
    generator = torch.Generator().manual_seed(0)
    x0, noise, goal = torch.randn(3, 2, 4, generator=generator)

    def velocity(x: Tensor, t: float) -> Tensor:
        return (x - goal) / max(t, 1e-3) + 0.3 * x

    for alpha, steps in ((0.0, 2), (1.0, 3), (0.4, 1), (0.35, 5)):
        result = answered(answer(x0, noise, alpha, steps, velocity))
        if not isinstance(result, Tensor) or result.shape != x0.shape:
            raise Hint("return latents of the shape of x0")
        expected = _drawn_again(x0, noise, alpha, steps, velocity)
        if torch.allclose(result, expected, atol=1e-4):
            continue
        where = f"alpha {alpha}, {steps} steps"
        if torch.allclose(result, (1 - alpha) * x0 + alpha * noise, atol=1e-4):
            raise Hint(f"{where}: this is the clip in noise; the way back is missing")
        if torch.allclose(result, _drawn_again(x0, noise, alpha, steps, velocity, start=1.0), atol=1e-4):
            raise Hint(f"{where}: the way back begins where the noise ended, at t = alpha, not at 1")
        if torch.allclose(result, _drawn_again(noise, x0, alpha, steps, velocity), atol=1e-4):
            raise Hint(f"{where}: at alpha = 0 nothing is noise; clip and noise have changed places")
        raise Hint(
            f"{where}: off by up to {(result - expected).abs().max():.3g}; a step is (t_next - t) · velocity"
        )


def _drawn_again(
    x0: Tensor,
    noise: Tensor,
    alpha: float,
    steps: int,
    velocity: Callable[[Tensor, float], Tensor],
    start: float | None = None,
) -> Tensor:
    x = (1 - alpha) * x0 + alpha * noise
    begin = alpha if start is None else start
    for k in range(steps):
        x = x - begin / steps * velocity(x, begin * (1 - k / steps))
    return x
