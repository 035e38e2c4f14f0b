"""Exercises of lesson 03: high frequencies of a latent frame, a curve as a density, times drawn from it."""

from collections.abc import Callable

import numpy as np
import scipy.fft
import torch
from torch import Tensor

from cvsr.notebook.lesson import Hint, answered


def high_frequency_energy(answer: Callable[[np.ndarray], float]) -> None:
    """Sum of squares of the orthonormal DCT coefficients (v, u) of (h, w) with v ≥ h / 2 or u ≥ w / 2."""
    rng = np.random.default_rng(0)
    for height, width in ((8, 8), (6, 10)):
        frame = rng.standard_normal((height, width))
        square = np.square(scipy.fft.dctn(frame, norm="ortho"))
        fine_rows, fine_columns = np.arange(height)[:, None] >= height / 2, np.arange(width) >= width / 2
        expected, result = square[fine_rows | fine_columns].sum(), float(answered(answer(frame)))
        if np.isclose(result, expected, rtol=1e-5):
            continue
        if np.isclose(result, square.sum() - expected, rtol=1e-5):
            raise Hint(
                "these are the low frequencies: what half the size could carry; the others are asked for"
            )
        if np.isclose(result, square[fine_rows & fine_columns].sum(), rtol=1e-5):
            raise Hint(
                "a vertical line is fine along the width only: one direction is enough, so `or`, not `and`"
            )
        if np.isclose(result, np.square(scipy.fft.dctn(frame))[fine_rows | fine_columns].sum(), rtol=1e-5):
            raise Hint(
                'the right coefficients, another scale: norm="ortho" keeps energies those of the frame'
            )
        raise Hint(f"{height}×{width}: {result:.3f} instead of {expected:.3f}")


def curve_to_density(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Heights over the area under the straight lines between them."""
    for knots, heights in (([0.0, 0.5, 1.0], [1.0, 3.0, 1.0]), ([0.0, 0.1, 0.4, 1.0], [0.0, 2.0, 5.0, 1.0])):
        t, p = torch.tensor(knots), torch.tensor(heights)
        result, expected = answered(answer(t, p)), p / torch.trapezoid(p, t)
        if not isinstance(result, Tensor) or result.shape != p.shape:
            raise Hint(f"return one height for each knot, a tensor of shape {tuple(p.shape)}")
        if torch.allclose(result, expected, atol=1e-5):
            continue
        if torch.allclose(result, p / p.sum(), atol=1e-5):
            raise Hint(
                "the heights sum to 1 now; it is the area under the line that has to: knots lie unevenly"
            )
        if torch.allclose(result, p / p.max(), atol=1e-5):
            raise Hint("the largest height is 1 now; a density's area is 1, its height can be anything")
        raise Hint(f"the area is {torch.trapezoid(result, t):.3f}; and heights must keep their ratios")


def times_of_draws(answer: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    """Times t with F(t) = u, where F rises linearly from edge to edge."""
    edges, mass = torch.tensor([0.0, 0.2, 0.5, 1.0]), torch.tensor([0.1, 0.6, 0.3])
    u = torch.tensor([0.0, 0.05, 0.1, 0.4, 0.7, 0.85, 1.0])
    expected = torch.tensor([0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0])
    result = answered(answer(u, edges, mass))
    if not isinstance(result, Tensor) or result.shape != u.shape:
        raise Hint(f"return one time for each draw, a tensor of shape {tuple(u.shape)}")
    if torch.allclose(result, expected, atol=1e-5):
        return
    if torch.isin(result, edges).all():
        raise Hint(
            "these are edges; within its bin a draw stands at the share of the bin's mass that it has passed"
        )
    if torch.allclose(result, u, atol=1e-5):
        raise Hint("this is the uniform sampler: where there is more mass, more draws have to land")
    wrong = int(((result - expected).abs() > 1e-5).nonzero()[0])
    raise Hint(f"the draw u = {u[wrong]:.2f} is at t = {expected[wrong]:.2f}, not {result[wrong]:.2f}")
