"""Samples follow their densities, densities integrate to one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import cumulative_trapezoid, quad

from cvsr.diffusion.timesteps import LogitNormal, Shifted, Uniform, shift

SAMPLERS = [
    Uniform(),
    LogitNormal(),
    LogitNormal(mean=-0.7, std=0.5),
    Shifted(3.0),
    Shifted(0.4, LogitNormal(mean=0.3)),
]


def density_at(sampler, t: float) -> float:
    return sampler.density(torch.tensor(t, dtype=torch.float64)).item()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_density_integrates_to_one(sampler):
    assert quad(lambda t: density_at(sampler, t), 0, 1)[0] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_samples_follow_the_density(sampler):
    samples = sampler.sample(4000, torch.Generator().manual_seed(0))
    grid = torch.linspace(0, 1, 4001, dtype=torch.float64)
    cumulative = cumulative_trapezoid(sampler.density(grid).numpy(), grid.numpy(), initial=0)
    result = stats.kstest(samples.numpy(), lambda t: np.interp(t, grid.numpy(), cumulative))
    assert samples.dtype == torch.float32
    assert samples.shape == (4000,)
    assert result.pvalue > 0.01


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_density_is_zero_outside_and_finite_at_the_ends(sampler):
    assert not sampler.density(torch.tensor([-0.1, 1.1])).any()
    assert sampler.density(torch.tensor([0.0, 1.0])).isfinite().all()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_equal_seeds_draw_equal_times(sampler):
    first, second = (sampler.sample(8, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)


@given(t=st.floats(0, 1), factor=st.floats(0.05, 20))
def test_shift_is_monotone_keeps_the_ends_and_has_the_inverse_factor(t, factor):
    times = torch.tensor([0.0, t, 1.0], dtype=torch.float64)
    shifted = shift(times, factor)
    assert shifted[0] == 0
    assert shifted[2].item() == pytest.approx(1)
    assert (shifted[1] >= times[1] - 1e-12) == (factor >= 1) or shifted[1].item() == pytest.approx(
        t, abs=1e-9
    )
    torch.testing.assert_close(shift(shifted, 1 / factor), times)


@given(factor=st.floats(0.05, 20))
def test_shifted_times_stay_in_range_in_single_precision(factor):
    times = shift(1 - torch.arange(16) * torch.finfo(torch.float32).eps / 2, factor)
    assert times[0] == 1
    assert times.max() <= 1


def test_shift_matches_the_papers_example():
    assert shift(torch.tensor(0.5), 3.0).item() == pytest.approx(0.75)


@pytest.mark.parametrize(
    "make", [lambda: LogitNormal(std=0), lambda: Shifted(0.0), lambda: shift(torch.ones(1), -1)]
)
def test_impossible_settings_are_refused(make):
    with pytest.raises(ValueError, match="allowed above 0"):
        make()
