"""The flow's identities, in float64 where nothing is lost to rounding."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cvsr.diffusion import flow

TIMES = st.floats(1e-3, 1.0)
SEEDS = st.integers(0, 2**31)


def draw(seed: int, batch: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(batch, 2, 2, 3, 3, dtype=torch.float64, generator=generator) for _ in range(2))


@given(seed=SEEDS, t=TIMES)
def test_interpolate_then_velocity_then_clean_is_the_identity(seed, t):
    x0, noise = draw(seed)
    times = torch.full((3,), t, dtype=torch.float64)
    x_t = flow.interpolate(x0, noise, times)
    v = flow.velocity(x0, noise)
    torch.testing.assert_close(flow.clean_from_velocity(x_t, v, times), x0)
    torch.testing.assert_close(flow.velocity_from_clean(x_t, x0, times), v, atol=1e-9, rtol=1e-9)


@given(seed=SEEDS, t=TIMES, s=TIMES)
def test_velocity_moves_along_the_path(seed, t, s):
    x0, noise = draw(seed)
    moved = flow.interpolate(x0, noise, t) + (s - t) * flow.velocity(x0, noise)
    torch.testing.assert_close(moved, flow.interpolate(x0, noise, s))


def test_data_at_zero_and_noise_at_one():
    x0, noise = draw(0)
    assert torch.equal(flow.interpolate(x0, noise, 0.0), x0)
    assert torch.equal(flow.interpolate(x0, noise, 1.0), noise)


def test_every_sample_of_a_batch_has_its_own_time():
    x0, noise = draw(1)
    times = torch.tensor([0.0, 0.25, 1.0])
    x_t = flow.interpolate(x0, noise, times)
    for index, t in enumerate(times.tolist()):
        torch.testing.assert_close(x_t[index], (1 - t) * x0[index] + t * noise[index])


def test_a_time_for_another_batch_is_refused():
    x0, noise = draw(2)
    with pytest.raises(ValueError, match=r"t=\(2,\): wrong shape; allowed \(\) or \(3,\)"):
        flow.interpolate(x0, noise, torch.rand(2))


@given(seed=SEEDS, t=TIMES)
def test_preconditioner_converts_exactly(seed, t):
    x0, noise = draw(seed)
    prior, _ = draw(seed + 1)
    x_t = flow.interpolate(x0, noise, t)
    preconditioner = flow.CleanPreconditioner()
    v = preconditioner.velocity(x0 - prior, x_t, t, prior)
    torch.testing.assert_close(preconditioner.clean(x0 - prior, x_t, t, prior), x0)
    torch.testing.assert_close(v, noise - x0, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(flow.clean_from_velocity(x_t, v, t), x0)


@given(seed=SEEDS, t=TIMES)
def test_both_preconditioners_say_the_same(seed, t):
    x0, noise = draw(seed)
    x_t, v = flow.interpolate(x0, noise, t), noise - x0
    preconditioner = flow.VelocityPreconditioner()
    assert preconditioner.velocity(v, x_t, t, prior=x0) is v
    torch.testing.assert_close(preconditioner.clean(v, x_t, t, prior=noise), x0)


def test_preconditioner_is_finite_at_time_zero():
    x0, _ = draw(3)
    v = flow.CleanPreconditioner(t_min=0.01).velocity(torch.ones_like(x0), x0, torch.zeros(3))
    torch.testing.assert_close(v, (x0 - 1) / 0.01)


def test_a_network_of_zeros_returns_the_prior_in_one_step():
    prior, noise = draw(4)
    v = flow.CleanPreconditioner().velocity(torch.zeros_like(noise), noise, torch.ones(3), prior)
    torch.testing.assert_close(flow.clean_from_velocity(noise, v, torch.ones(3)), prior)


@pytest.mark.parametrize("t_min", [0.0, -1.0, 1.0])
def test_a_floor_outside_the_path_is_refused(t_min):
    with pytest.raises(ValueError, match="t_min="):
        flow.CleanPreconditioner(t_min)
