"""The checkers of lesson 02 pass right answers and say what is wrong with others."""

from itertools import pairwise

import numpy as np
import torch

from cvsr.data.degradations.blur import Blur
from cvsr.notebook.exercises import degradations


def kernel(size, sigma, beta):
    return Blur("generalised", size, sigma, sigma, 0.0, beta).kernel()


def deviation(kind, strength, level):
    return strength if kind == "gaussian" else strength * level**0.5


def blend(frame, colour, distance, moving, strength):
    weight = strength * np.maximum(0, 1 - distance**2) * moving
    return frame + weight[..., None] * (colour - frame)


def euler(x0, noise, alpha, steps, velocity, start=None):
    x = (1 - alpha) * x0 + alpha * noise
    times = torch.linspace(alpha if start is None else start, 0, steps + 1).tolist()
    for t, following in pairwise(times):
        x = x + (following - t) * velocity(x, t)
    return x


RIGHT = {
    degradations.blur_kernel: kernel,
    degradations.strength_of_noise: deviation,
    degradations.shining_through: blend,
    degradations.drawn_again: euler,
}
WRONG = [
    (degradations.blur_kernel, lambda size, s, b: kernel(size, s, b) / 2, "keep brightness"),
    (degradations.blur_kernel, lambda size, s, b: kernel(size, s, 1.0), "plain Gaussian"),
    (degradations.blur_kernel, lambda size, s, b: kernel(size, s, b)[0], "shape"),
    (degradations.blur_kernel, lambda size, s, b: np.roll(kernel(size, s, b), 1), "middle pixel"),
    (degradations.strength_of_noise, lambda kind, s, x: s * x**0.5, "electronics"),
    (degradations.strength_of_noise, lambda kind, s, x: s if kind == "gaussian" else s**2 * x, "variance"),
    (degradations.strength_of_noise, lambda k, s, x: s if k == "gaussian" else (s * x) ** 0.5, "root"),
    (degradations.strength_of_noise, lambda k, s, x: s if k == "gaussian" else 1.0, "its mean"),
    (
        degradations.shining_through,
        lambda f, c, d, m, s: f + (s * (1 - d**2) * m)[..., None] * (c - f),
        "outside",
    ),
    (degradations.shining_through, lambda f, c, d, m, s: blend(f, c, d, 1, s), "stand still"),
    (degradations.shining_through, lambda f, c, d, m, s: blend(f, c, d, m, s / 2), "off by"),
    (degradations.shining_through, lambda f, c, d, m, s: d, "axis for the colours"),
    (degradations.drawn_again, lambda x0, e, a, n, v: (1 - a) * x0 + a * e, "way back is missing"),
    (degradations.drawn_again, lambda x0, e, a, n, v: euler(x0, e, a, n, v, start=1.0), "t = alpha"),
    (degradations.drawn_again, lambda x0, e, a, n, v: euler(e, x0, a, n, v), "changed places"),
    (degradations.drawn_again, lambda x0, e, a, n, v: 2 * x0, "off by"),
    (degradations.drawn_again, lambda x0, e, a, n, v: 0, "shape"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
