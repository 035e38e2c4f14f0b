"""Samples follow their densities, densities integrate to one."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import cumulative_trapezoid, quad

from cvsr.diffusion.timesteps import LogitNormal, Shifted, Tabulated, Uniform, shift

SAMPLERS = [
    Uniform(),
    LogitNormal(),
    LogitNormal(mean=-0.7, std=0.5),
    Shifted(3.0),
    Shifted(0.4, LogitNormal(mean=0.3)),
    Tabulated([0.0, 1.0], [0.0, 1.0]),
    Tabulated([0.1, 0.3, 0.5, 0.8], [1.0, 0.0, 0.0, 5.0]),
    Tabulated([0.4], [2.0]),
    Shifted(2.0, Tabulated([0.2, 0.9], [3.0, 1.0])),
]


def density_at(sampler, t: float) -> float:
    return sampler.density(torch.tensor(t, dtype=torch.float64)).item()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=repr)
def test_density_integrates_to_one(sampler):
    whole = quad(lambda t: density_at(sampler, t), 0, 1, limit=200)[0]
    assert whole == pytest.approx(1, abs=1e-6)


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


KNOTS = st.lists(st.integers(0, 100), min_size=1, max_size=8, unique=True).map(lambda n: [k / 100 for k in sorted(n)])


@given(knots=KNOTS, data=st.data())
def test_any_curve_is_a_density_and_is_sampled_exactly(knots, data):
    heights = st.lists(st.floats(0, 1e3), min_size=len(knots), max_size=len(knots)).filter(lambda v: max(v) > 1e-3)
    sampler = Tabulated(knots, data.draw(heights))
    grid = torch.linspace(0, 1, 20001, dtype=torch.float64)
    mass = torch.cat([torch.zeros(1), torch.cumulative_trapezoid(sampler.density(grid), grid)])
    assert mass[-1].item() == pytest.approx(1, abs=1e-3)
    uniform = torch.rand(64, generator=torch.Generator().manual_seed(5))
    samples = sampler.sample(64, torch.Generator().manual_seed(5))  # the inverse at these uniform draws
    assert ((samples >= 0) & (samples <= 1)).all()
    np.testing.assert_allclose(np.interp(samples, grid, mass), uniform, atol=2e-3)


def test_a_closed_form_curve_is_inverted_in_closed_form():
    uniform = torch.rand(100, generator=torch.Generator().manual_seed(1))
    rising = Tabulated([0.0, 1.0], [0.0, 7.0]).sample(100, torch.Generator().manual_seed(1))
    torch.testing.assert_close(rising, uniform.sqrt())  # p = 2 t
    falling = Tabulated([0.0, 1.0], [0.3, 0.0]).sample(100, torch.Generator().manual_seed(1))
    torch.testing.assert_close(falling, 1 - (1 - uniform).sqrt())
    assert torch.equal(Tabulated([0.5], [3.0]).sample(100, torch.Generator().manual_seed(1)), uniform)


def test_where_a_curve_is_zero_nothing_is_drawn():
    samples = Tabulated([0.0, 0.2, 0.21, 0.69, 0.7, 1.0], [1, 1, 0, 0, 1, 1]).sample(
        5000, torch.Generator().manual_seed(0)
    )
    assert not ((samples > 0.21) & (samples < 0.69)).any()


@pytest.mark.parametrize(
    ("knots", "values", "words"),
    [
        ([0.0, 1.0], [1.0], "knots=2, values=1: no curve"),
        ([], [], "no curve; allowed as many of both, at least one"),
        ([0.5, 0.2], [1.0, 1.0], "allowed rising times from 0 to 1"),
        ([0.2, 0.2], [1.0, 1.0], "allowed rising times"),
        ([0.0, 300.0], [1.0, 1.0], "allowed rising times from 0 to 1"),
        ([0.0, 1.0], [1.0, -0.1], "allowed finite numbers from 0; try clipping"),
        ([0.0, 1.0], [1.0, float("nan")], "allowed finite numbers"),
        ([0.0, 1.0], [0.0, 0.0], "no density; allowed at least one above 0"),
    ],
)
def test_curves_that_are_no_density_are_refused(knots, values, words):
    with pytest.raises(ValueError, match=words) as error:
        Tabulated(knots, values)
    assert "\n" not in str(error.value)


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
