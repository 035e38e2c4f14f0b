"""The detail curve counts high frequencies only, and finds a curve that is known in closed form."""

import numpy as np
import pytest
import torch

from cvsr.diffusion.detail_curve import detail_curve, high_frequencies
from cvsr.diffusion.timesteps import Tabulated

NOISE = torch.randn(2, 4, 2, 8, 12, generator=torch.Generator().manual_seed(0)).double()


def cosine(v: int, u: int, height: int = 8, width: int = 12) -> torch.Tensor:
    """One basis picture of the DCT, (1, 1, 1, height, width)."""
    rows = np.cos(np.pi * v * (np.arange(height) + 0.5) / height)
    columns = np.cos(np.pi * u * (np.arange(width) + 0.5) / width)
    return torch.from_numpy(np.outer(rows, columns))[None, None, None]


@pytest.mark.parametrize(
    ("v", "u", "high"), [(0, 0, False), (3, 5, False), (4, 0, True), (0, 6, True), (7, 11, True)]
)
def test_high_is_what_half_the_size_cannot_carry(v, u, high):
    picture = cosine(v, u)
    kept = high_frequencies(picture)
    energy = picture.square().sum() if high else 0.0
    assert kept.square().sum() == pytest.approx(float(energy), abs=1e-9)
    if high:
        assert kept[0, 0, 0, v, u].abs() == kept.abs().max()


def test_a_constant_prediction_has_no_change_and_rough_ones_count_more_than_smooth_ones():
    still = detail_curve([1.0, 0.5, 0.25], [NOISE] * 3)
    assert not still.change.any()
    assert not still.gain.any()
    smooth = detail_curve([1.0, 0.5], [torch.zeros(1, 1, 1, 8, 12), cosine(1, 2)])
    assert smooth.change.max() < 1e-12
    torch.testing.assert_close(still.knots, torch.tensor([0.375, 0.75], dtype=torch.float64))


def test_the_curve_does_not_depend_on_how_a_line_is_cut_into_steps():
    times = [1.0, 0.9, 0.4, 0.1]
    curve = detail_curve(times, [(1 - t) * NOISE for t in times])
    assert curve.change.shape == (2, 3)
    for clip in range(2):
        torch.testing.assert_close(curve.change[clip], curve.change[clip, :1].expand(3))


def test_the_curve_of_normal_data_is_found():
    """Data N(0, s²) are known along the whole path: x̂_0 = s² (1-t) z / sqrt(σ²), σ² = (1-t)² s² + t²."""
    s, times = 0.6, np.linspace(1, 0.005, 200)

    def variance(t):
        return (1 - t) ** 2 * s**2 + t**2

    curve = detail_curve(times, [s**2 * (1 - t) / np.sqrt(variance(t)) * NOISE for t in times])
    t = curve.knots.numpy()
    rms = high_frequencies(NOISE).square().mean(dim=(1, 2, 3, 4)).sqrt()[:, None].numpy()
    slope = s**2 * (1 / np.sqrt(variance(t)) + (1 - t) * (t - (1 - t) * s**2) / variance(t) ** 1.5)
    np.testing.assert_allclose(curve.change, slope * rms, rtol=2e-3)
    sampler = Tabulated(curve.knots.tolist(), curve.change[0].tolist())
    expected = torch.from_numpy(slope / np.trapezoid(slope, t))
    torch.testing.assert_close(sampler.density(curve.knots), expected, rtol=0.02, atol=0)
    first, last = ((s**2 * (1 - t)) ** 2 / variance(t) for t in times[[0, -1]])
    gained = (curve.gain[0].numpy() * -np.diff(times)[::-1]).sum()
    assert gained == pytest.approx((last - first) * rms[0, 0] ** 2)


@pytest.mark.parametrize("times", [[1.0], [0.5, 1.0], [1.0, 1.0], [1.0, 0.5, 0.2]])
def test_what_is_no_run_is_refused(times):
    with pytest.raises(ValueError, match="no run; allowed at least two falling times with a prediction each"):
        detail_curve(times, [NOISE] * min(len(times), 2))
