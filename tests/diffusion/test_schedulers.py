"""The schedulers walk our noise levels by our velocity, and save and load their settings."""

from itertools import pairwise

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

from cvsr.diffusion.schedulers import euler_scheduler, set_steps, unipc_scheduler
from cvsr.diffusion.timesteps import shift

DATA_STD = 0.5


def gaussian_velocity(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The exact velocity of data N(0, DATA_STD²); its path ends at x(0) = DATA_STD · x(1)."""
    return x * (t - (1 - t) * DATA_STD**2) / ((1 - t) ** 2 * DATA_STD**2 + t**2)


def run(scheduler, steps: int, noise: torch.Tensor, predict=gaussian_velocity) -> torch.Tensor:
    x = noise
    for sigma, timestep in zip(set_steps(scheduler, steps), scheduler.timesteps, strict=False):
        x = scheduler.step(predict(x, sigma), timestep, x).prev_sample
    return x


NOISE = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("steps", [1, 2, 8, 50])
@pytest.mark.parametrize("factor", [1.0, 3.0, 0.5])
def test_noise_levels_are_trailing_and_shifted_once(steps, factor):
    expected = torch.cat([shift(torch.linspace(1, 1 / steps, steps), factor), torch.zeros(1)])
    for scheduler in (euler_scheduler(factor), unipc_scheduler(factor)):
        sigmas = set_steps(scheduler, steps)
        torch.testing.assert_close(sigmas, expected, atol=2e-6, rtol=0)
        assert len(scheduler.timesteps) == steps


def test_noise_levels_never_exceed_one():
    set_steps(scheduler := euler_scheduler(16.9768), 4)
    assert scheduler.sigmas[0] > 1  # by a rounding error of the shift
    assert set_steps(scheduler, 4)[0] == 1


@pytest.mark.parametrize("steps", [1, 5, 20])
@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_euler_equals_a_loop_by_hand(steps, factor):
    sigmas = torch.cat([shift(torch.linspace(1, 1 / steps, steps), factor), torch.zeros(1)])
    x = NOISE
    for sigma, following in pairwise(sigmas):
        x = x + (following - sigma) * gaussian_velocity(x, sigma)
    torch.testing.assert_close(run(euler_scheduler(factor), steps, NOISE), x, atol=1e-6, rtol=0)


@pytest.mark.parametrize("make", [euler_scheduler, unipc_scheduler])
def test_a_straight_path_ends_at_the_data(make):
    data = torch.randn(NOISE.shape, generator=torch.Generator().manual_seed(1))
    sample = run(make(), 6, NOISE, lambda x, t: NOISE - data)
    torch.testing.assert_close(sample, data, atol=1e-4, rtol=0)


@pytest.mark.parametrize("steps", [8, 16, 32])
def test_unipc_beats_euler_on_an_equation_with_a_known_solution(steps):
    exact = DATA_STD * NOISE
    error = {
        make: (run(make(), steps, NOISE) - exact).abs().max() for make in (euler_scheduler, unipc_scheduler)
    }
    assert error[unipc_scheduler] < error[euler_scheduler] / 2


def test_euler_converges_with_first_order():
    errors = [(run(euler_scheduler(), steps, NOISE) - DATA_STD * NOISE).abs().max() for steps in (40, 80)]
    assert (errors[0] / errors[1]).item() == pytest.approx(2, abs=0.2)


def test_a_scheduler_runs_twice_and_is_loaded_with_its_settings(tmp_path):
    for make, kind in (
        (euler_scheduler, FlowMatchEulerDiscreteScheduler),
        (unipc_scheduler, UniPCMultistepScheduler),
    ):
        scheduler = make(2.0)
        first = run(scheduler, 5, NOISE)
        assert torch.equal(run(scheduler, 5, NOISE), first)
        scheduler.save_pretrained(tmp_path / kind.__name__)
        assert torch.equal(run(kind.from_pretrained(tmp_path / kind.__name__), 5, NOISE), first)


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "8"])
def test_impossible_numbers_of_steps_are_refused(steps):
    with pytest.raises(ValueError, match=r"steps=.*allowed whole numbers from 1"):
        set_steps(euler_scheduler(), steps)


@pytest.mark.parametrize("make", [euler_scheduler, unipc_scheduler])
@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_impossible_shifts_are_refused(make, factor):
    with pytest.raises(ValueError, match=r"shift=.*allowed above 0"):
        make(factor)
