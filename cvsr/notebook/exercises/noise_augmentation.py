"""Exercises of lesson 04: noise on the condition, how much of it is left to know, what is left of an error."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from cvsr.notebook.lesson import Hint, answered


def noisy_condition(answer: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    """(1 - level) · latents + level · noise, a level for each clip."""
    generator = torch.Generator().manual_seed(0)
    latents, noise = torch.randn(2, 3, 4, 2, 5, 5, generator=generator)
    level = torch.tensor([0.0, 0.3, 1.0])
    share = level.view(3, 1, 1, 1, 1)
    expected = (1 - share) * latents + share * noise
    result = answered(answer(latents, level, noise))
    if not isinstance(result, Tensor) or result.shape != latents.shape:
        raise Hint(f"return latents of shape {tuple(latents.shape)}")
    if torch.allclose(result, expected, atol=1e-5):
        return
    if torch.allclose(result, share * latents + (1 - share) * noise, atol=1e-5):
        raise Hint("upside down: level 0 leaves the latents as they are, level 1 is noise alone")
    if torch.allclose(result, latents + share * noise, atol=1e-5):
        raise Hint("the latents have to fade as the noise comes: at level 1 nothing of them is left")
    if torch.allclose(result, (1 - share.square()).sqrt() * latents + share * noise, atol=1e-5):
        raise Hint(
            "that keeps the variance, as older diffusion models do; the flow's path is a straight line"
        )
    raise Hint("not the flow's path from latents to noise; mind that every clip has its own level")


def level_of_share(answer: Callable[[float], float]) -> None:
    """The level at which so much of the variance is signal, for latents of variance 1."""
    for share in (0.5, 0.9, 0.1, 0.99):
        result, expected = float(answered(answer(share))), 1 / (1 + math.sqrt(share / (1 - share)))
        if math.isclose(result, expected, abs_tol=1e-4):
            continue
        if math.isclose(result, 1 - expected, abs_tol=1e-4):
            raise Hint("that is the share of the latents, 1 - level; the noise's is asked for")
        if math.isclose(result, 1 - share, abs_tol=1e-4):
            raise Hint("amplitudes mix as 1 - s and s, but the shares are of variance: their squares")
        if 0 < result < 1:
            found = (1 - result) ** 2 / ((1 - result) ** 2 + result**2)
            raise Hint(f"at level {result:.3f} the signal has {found:.0%} of the variance, not {share:.0%}")
        raise Hint(f"a level lies between 0 and 1; for a share of {share:.0%} this gives {result:.3f}")


def error_left(answer: Callable[[Tensor, Tensor, Tensor], float]) -> None:
    """<result - clean result, error> / <error, error>."""
    generator = torch.Generator().manual_seed(0)
    error, clean, other = torch.randn(3, 3, 2, 16, 16, generator=generator)
    other = other - (other * error).sum() / error.square().sum() * error  # has nothing of the error in it
    for left in (1.0, 0.4, 0.0):
        result = clean + left * error + 0.5 * other
        found = float(answered(answer(result, clean, error)))
        if math.isclose(found, left, abs_tol=1e-4):
            continue
        change = result - clean
        if math.isclose(found, float(change.norm() / error.norm()), abs_tol=1e-4):
            raise Hint("a change of another kind is no error left: count the change along the error only")
        if math.isclose(found, left * float(error.square().sum()), rel_tol=1e-3) and left:
            raise Hint("divide by the error's own size, so that an error drawn as it is gives 1")
        if math.isclose(found, float((result * error).sum() / error.square().sum()), abs_tol=1e-4):
            raise Hint("take off what the result shows without the error: the clean result")
        raise Hint(f"of the error {left:.0%} are left here, and this gives {found:.3f}")
