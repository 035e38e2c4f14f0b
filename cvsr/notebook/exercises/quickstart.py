"""Exercises of lesson 00: the path from data to noise and back, the shape of latents, PSNR.

A checker takes the student's function, returns if it is right, and raises a Hint that says what to look at.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cvsr.diffusion import flow
from cvsr.evaluation import metrics
from cvsr.notebook.lesson import Hint, answered

Noising = Callable[[Tensor, Tensor, float], Tensor]


def noising(answer: Noising) -> None:
    """x_t = (1 - t) x_0 + t ε."""
    x0, noise = _pair()
    for t, meaning in ((0.0, "the data itself"), (1.0, "pure noise")):
        expected = flow.interpolate(x0, noise, t)
        if not _close(answered(answer(x0, noise, t)), expected):
            raise Hint(f"at t = {t:g} the result should be {meaning}")
    if not _close(answer(x0, noise, 0.3), flow.interpolate(x0, noise, 0.3)):
        raise Hint("both ends are right, but not t = 0.3: the path between them is a straight line")


def denoising(answer: Noising) -> None:
    """x_0 = x_t - t v, with v = ε - x_0."""
    x0, noise = _pair()
    velocity = flow.velocity(x0, noise)
    for t in (1.0, 0.3):
        x_t = flow.interpolate(x0, noise, t)
        result = answered(answer(x_t, velocity, t))
        if _close(result, x_t + t * velocity):
            raise Hint("that walks on towards the noise: the velocity points from the data to the noise")
        if _close(result, x_t - velocity) and t < 1:
            raise Hint("that walks the whole way; from time t only t of it lies between you and the data")
        if not _close(result, x0):
            raise Hint(f"at t = {t:g} this is not x_0; put v = ε - x_0 into x_t = (1-t) x_0 + t ε and solve")


def latent_shape(answer: Callable[[int, int, int], tuple[int, int, int]]) -> None:
    """(t, h, w) = (1 + (T - 1) / 4, H / 8, W / 8)."""
    for frames, height, width in ((1, 64, 64), (17, 64, 64), (17, 256, 384), (33, 96, 160)):
        expected = (1 + (frames - 1) // 4, height // 8, width // 8)
        result = tuple(answered(answer(frames, height, width)))
        if result == expected:
            continue
        if result[0] != expected[0]:
            raise Hint(
                f"{frames} frame(s) give {expected[0]} latent frame(s), not {result[0]}: "
                "the first frame is encoded alone, every four after it together"
            )
        if result[1:] == (expected[2], expected[1]):
            raise Hint("height comes before width")
        raise Hint(f"{height}×{width} pixels gave {result[1:]}; eight pixels become one position, each way")


def peak_signal_to_noise(answer: Callable[[Tensor, Tensor], Tensor | float]) -> None:
    """10 log10(range² / mean squared error), the range being 2 for videos in [-1, 1]."""
    generator = torch.Generator().manual_seed(0)
    reference = torch.rand(1, 3, 5, 16, 16, generator=generator) * 2 - 1
    video = (reference + 0.1 * torch.randn(reference.shape, generator=generator)).clamp(-1, 1)
    expected = float(metrics.psnr(video, reference))
    result = float(answered(answer(video, reference)))
    if math.isclose(result, expected, abs_tol=1e-3):
        return
    if math.isclose(result, expected - 20 * math.log10(2), abs_tol=1e-3):
        raise Hint("6 dB too low: our videos lie in [-1, 1], so their range is 2")
    if math.isclose(result, -expected, abs_tol=1e-3):
        raise Hint("the sign: a smaller error is a higher PSNR")
    raise Hint(f"{result:.2f} instead of {expected:.2f} dB; PSNR = 10 log10(range² / mean squared error)")


def _pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x0, noise = torch.randn(2, 1, 3, 5, 8, 8, generator=generator)
    return x0, noise


def _close(result: Tensor, expected: Tensor) -> bool:
    if not isinstance(result, Tensor) or result.shape != expected.shape:
        shape = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise Hint(f"this returns {shape}; a tensor of shape {tuple(expected.shape)} is asked for")
    return torch.allclose(result, expected, atol=1e-5)
