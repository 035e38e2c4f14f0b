"""Metrics deceived by their own gradient: for lesson 10.

Whoever can compute a metric's gradient can walk uphill, to a picture that scores well and looks no better.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Measure = Callable[[Tensor], Tensor]  # a video (1, 3, T, H, W) to one number
LEVEL = 2 / 255  # a step of eight bits in [-1, 1]


def climb(measure: Measure, start: Tensor, truth: Tensor, steps: int, rate: float = 0.1) -> list[Tensor]:
    """Pictures that a metric likes more and more, each as far from the truth as the first: steps + 1 of them.

    Maximum differentiation (Wang and Simoncelli 2008): along the metric's gradient, then back to the sphere of equal
    squared error around the truth. With minus the metric, they are liked less and less.

    Args:
        measure: what is driven up.
        start: (1, 3, T, H, W) in [-1, 1], other than the truth.
        truth: of the same shape.
        steps: of gradient ascent.
        rate: length of the first step over the distance from the truth; the last ones are short.
    """
    distance = (start - truth).norm()
    path = [start]
    for step in range(steps):
        direction = gradient(measure, path[-1])
        length = rate * distance * (1 - step / steps)
        path.append(back_on_sphere(path[-1] + length * direction / direction.norm(), truth, distance))
    return path


def back_on_sphere(picture: Tensor, truth: Tensor, distance: Tensor, rounds: int = 3) -> Tensor:
    """The picture moved straight towards the truth, or away, until it has that distance; within [-1, 1].

    What lies outside of [-1, 1] is cut off, which takes some of the distance: hence some rounds.
    """
    for _ in range(rounds):
        error = picture - truth
        picture = (truth + error * distance / error.norm()).clamp(-1, 1)
    return picture


def mislead(measure: Measure, video: Tensor, reach: int, steps: int = 10) -> Tensor:
    """The video with a noise of at most `reach` levels of 255 that drives a measure up; in whole levels.

    Projected gradient ascent by signs (Madry et al. 2018).
    """
    noisy = video
    for _ in range(steps if reach else 0):
        moved = noisy + 2.5 * reach / steps * LEVEL * gradient(measure, noisy).sign()
        noisy = (video + (moved - video).clamp(-reach * LEVEL, reach * LEVEL)).clamp(-1, 1)
    return video + ((noisy - video) / LEVEL).round() * LEVEL


@torch.enable_grad()
def gradient(measure: Measure, picture: Tensor) -> Tensor:
    """Which way a picture has to change for a measure to grow, as `picture`."""
    picture = picture.detach().clone().requires_grad_()
    (found,) = torch.autograd.grad(measure(picture).sum(), picture)
    return found
