"""Flow-PNDM: its order on equations with known solutions, exact weights, one call a timestep, diffusers' interface."""

import json
import math
from itertools import pairwise

import pytest
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.diffusion.pndm import RUNGE_KUTTA, STARTS, FlowPNDMScheduler, adams_bashforth
from cvsr.diffusion.schedulers import euler_scheduler, set_steps
from cvsr.diffusion.timesteps import shift

DATA_STD = 0.5
NOISE = torch.randn(2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
ORDERS = [1, 2, 3, 4]
CALLS = [1, 2, 3, 4, 5, 8, 12, 13, 14, 50]


def gaussian_velocity(x, t):
    """The exact velocity of data N(0, DATA_STD²); its path ends at x(0) = DATA_STD · x(1)."""
    return x * (t - (1 - t) * DATA_STD**2) / ((1 - t) ** 2 * DATA_STD**2 + t**2)


def run(scheduler, x, predict, prepare=set_steps, **arguments):
    """A whole run; the network is told its level as the pipelines tell it."""
    prepare(scheduler, **arguments)
    for sigma, timestep in zip(scheduler.sigmas[:-1], scheduler.timesteps, strict=True):
        x = scheduler.step(predict(x, sigma.to(x)), timestep, x).prev_sample
    return x


def slope(scheduler, x, predict, exact, calls=(40, 80, 160)):
    """By which power of the number of calls the error falls, over the whole range of them."""
    errors = [(run(scheduler, x, predict, steps=n) - exact).abs().max().item() for n in calls]
    return math.log(errors[0] / errors[-1]) / math.log(calls[-1] / calls[0])


@pytest.mark.parametrize("factor", [1.0, 2.0, 0.5])
@pytest.mark.parametrize("order", ORDERS)
def test_error_falls_with_the_order_after_a_runge_kutta_start(order, factor):
    # dx/dt = -x² has x(t) = 1 / (t + c); here x(1) = 1/2 ends at 1.
    scheduler = FlowPNDMScheduler(shift=factor, solver_order=order, start="runge_kutta")
    x = torch.tensor([0.5], dtype=torch.float64)
    assert slope(scheduler, x, lambda x, t: -x.square(), 1.0) == pytest.approx(order, abs=0.45)


@pytest.mark.parametrize("order", ORDERS)
def test_error_falls_at_least_with_the_square_after_a_start_of_lower_order(order):
    x = torch.tensor([0.5], dtype=torch.float64)
    found = slope(FlowPNDMScheduler(solver_order=order), x, lambda x, t: -x.square(), 1.0)
    assert found == pytest.approx(min(order, 2), abs=0.25)


def test_error_falls_with_the_fourth_power_on_the_flow_of_gaussian_data():
    noise = NOISE.double()
    scheduler = FlowPNDMScheduler(start="runge_kutta")
    assert slope(scheduler, noise, gaussian_velocity, DATA_STD * noise, (50, 100, 200)) > 3.7


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("steps", [20, 50])
def test_fewer_calls_than_euler_for_the_same_error(start, steps):
    exact = DATA_STD * NOISE

    def error(scheduler, steps):
        return (run(scheduler, NOISE, gaussian_velocity, steps=steps) - exact).abs().max()

    assert error(FlowPNDMScheduler(start=start), steps) < error(euler_scheduler(), 2 * steps)


@pytest.mark.parametrize(
    ("order", "classical"),
    [
        (1, [1]),
        (2, [-1 / 2, 3 / 2]),
        (3, [5 / 12, -16 / 12, 23 / 12]),
        (4, [-9 / 24, 37 / 24, -59 / 24, 55 / 24]),
    ],
)
def test_weights_of_equal_steps_are_the_classical_ones(order, classical):
    levels = [0.9 - 0.1 * index for index in range(order)]
    assert adams_bashforth(levels, levels[-1] - 0.1) == pytest.approx(classical, abs=1e-10)


@given(
    steps=st.lists(st.floats(0.02, 0.3), min_size=2, max_size=5),
    coefficients=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
)
def test_weights_of_any_steps_integrate_polynomials_below_their_order(steps, coefficients):
    levels = [1 - sum(steps[:index]) for index in range(len(steps) + 1)]
    *levels, following = levels
    coefficients = coefficients[: len(levels)]  # degree below the number of levels

    def integral(t):
        return sum(c * t ** (power + 1) / (power + 1) for power, c in enumerate(coefficients))

    values = [sum(c * level**power for power, c in enumerate(coefficients)) for level in levels]
    weights = adams_bashforth(levels, following)
    found = (following - levels[-1]) * sum(w * v for w, v in zip(weights, values, strict=True))
    assert sum(weights) == pytest.approx(1)
    assert found == pytest.approx(integral(following) - integral(levels[-1]), abs=1e-8)


@settings(max_examples=40)
@given(
    order=st.sampled_from(ORDERS),
    calls=st.integers(13, 40),
    factor=st.floats(0.3, 4.0),
    coefficients=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
)
def test_a_run_is_exact_where_the_velocity_is_a_polynomial_below_the_order(
    order, calls, factor, coefficients
):
    scheduler = FlowPNDMScheduler(shift=factor, solver_order=order, start="runge_kutta")
    velocity = [c if power < order else 0.0 for power, c in enumerate(coefficients)]
    x = torch.zeros(1, dtype=torch.float64)
    found = run(scheduler, x, lambda x, t: x * 0 + sum(c * t**k for k, c in enumerate(velocity)), steps=calls)
    assert found.item() == pytest.approx(-sum(c / (k + 1) for k, c in enumerate(velocity)), abs=1e-6)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_a_runge_kutta_step_is_the_one_by_hand(order):
    scheduler = FlowPNDMScheduler(solver_order=order, start="runge_kutta")
    scheduler.set_timesteps(sigmas=[1.0, 0.5])
    h, v, x = -0.5, gaussian_velocity, NOISE
    found = x
    for sigma, timestep in zip(scheduler.sigmas[:order], scheduler.timesteps, strict=False):
        found = scheduler.step(v(found, sigma), timestep, found).prev_sample
    a = v(x, 1.0)
    if order == 2:
        expected = x + h / 2 * (a + v(x + h * a, 0.5))
    elif order == 3:
        b = v(x + h / 2 * a, 0.75)
        expected = x + h / 6 * (a + 4 * b + v(x + h * (2 * b - a), 0.5))
    else:
        b = v(x + h / 2 * a, 0.75)
        c = v(x + h / 2 * b, 0.75)
        expected = x + h / 6 * (a + 2 * b + 2 * c + v(x + h * c, 0.5))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert len(scheduler.timesteps) == order + 1  # and one multistep step


@pytest.mark.parametrize("factor", [1.0, 3.0])
@pytest.mark.parametrize("steps", CALLS)
def test_order_one_is_euler(steps, factor):
    expected = run(euler_scheduler(factor), NOISE, gaussian_velocity, steps=steps)
    for start in STARTS:
        scheduler = FlowPNDMScheduler(shift=factor, solver_order=1, start=start)
        found = run(scheduler, NOISE, gaussian_velocity, steps=steps)
        torch.testing.assert_close(found, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("steps", CALLS)
def test_a_run_has_as_many_calls_as_it_was_asked_for(steps, order, start):
    scheduler, levels = FlowPNDMScheduler(shift=2.0, solver_order=order, start=start), []
    data = torch.randn(NOISE.shape, generator=torch.Generator().manual_seed(1))
    sample = run(scheduler, NOISE, lambda x, t: levels.append(float(t)) or NOISE - data, steps=steps)
    assert len(levels) == len(scheduler.timesteps) == scheduler.num_inference_steps == steps
    assert levels[0] == 1
    assert min(levels) > 0
    assert all(a >= b for a, b in pairwise(levels))
    torch.testing.assert_close(sample, data, atol=1e-5, rtol=0)  # a straight path ends at the data


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_levels_are_those_of_euler_where_every_call_is_a_step(factor):
    found = set_steps(FlowPNDMScheduler(shift=factor), 8)
    torch.testing.assert_close(found, set_steps(euler_scheduler(factor), 8), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("calls", "steps"), [(4, 4), (5, 2), (8, 5), (9, 3), (13, 4), (50, 41)])
def test_a_runge_kutta_start_takes_the_steps_that_there_is_room_for(calls, steps):
    scheduler = FlowPNDMScheduler(start="runge_kutta")
    scheduler.set_timesteps(calls)
    assert scheduler.sigmas[-2].item() == pytest.approx(1 / steps)  # where the last step begins


def test_own_levels_are_shifted_and_walked():
    scheduler = FlowPNDMScheduler(shift=2.0)
    own = [1.0, 0.9, 0.4, 0.1]
    scheduler.set_timesteps(sigmas=own)
    torch.testing.assert_close(scheduler.sigmas, torch.cat([shift(torch.tensor(own), 2.0), torch.zeros(1)]))
    torch.testing.assert_close(scheduler.timesteps, scheduler.sigmas[:-1] * 1000)


@pytest.mark.parametrize("told", [True, False])
def test_a_run_that_begins_later_starts_anew_there(told):
    scheduler = FlowPNDMScheduler()
    levels = [0.6, 0.4, 0.3, 0.2, 0.1]
    expected = run(scheduler, NOISE, gaussian_velocity, lambda each: each.set_timesteps(sigmas=levels))
    scheduler.set_timesteps(sigmas=[1.0, 0.8, *levels])
    if told:
        scheduler.set_begin_index(2)
    x = NOISE
    for sigma, timestep in zip(scheduler.sigmas[2:-1], scheduler.timesteps[2:], strict=True):
        x = scheduler.step(gaussian_velocity(x, sigma), timestep, x).prev_sample
    torch.testing.assert_close(x, expected, atol=0, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1,), (2, 3), (1, 4, 3, 2, 2)])
def test_samples_keep_their_shape_and_type(shape, dtype):
    scheduler = FlowPNDMScheduler()
    scheduler.set_timesteps(6)
    x = torch.ones(shape, dtype=dtype)
    for timestep in scheduler.timesteps:
        (x,) = scheduler.step(torch.ones(shape), timestep, x, return_dict=False)
        assert x.shape == shape
        assert x.dtype == dtype
    assert x.float().abs().max() < 0.02


def test_noise_is_scaled_as_by_euler():
    data = torch.randn(NOISE.shape, generator=torch.Generator().manual_seed(1))
    ours, euler = FlowPNDMScheduler(), FlowMatchEulerDiscreteScheduler()
    for scheduler in (ours, euler):
        scheduler.set_timesteps(sigmas=[1.0, 0.75, 0.5, 0.25])
    timesteps = euler.timesteps[1:3]
    expected = euler.scale_noise(data, timesteps, NOISE)
    torch.testing.assert_close(ours.scale_noise(data, timesteps, NOISE), expected)
    torch.testing.assert_close(ours.scale_noise(data, 250.0, NOISE), 0.75 * data + 0.25 * NOISE)


def test_a_scheduler_runs_twice_and_is_loaded_with_its_settings(tmp_path):
    scheduler = FlowPNDMScheduler(shift=2.0, solver_order=3, start="runge_kutta")
    first = run(scheduler, NOISE, gaussian_velocity, steps=9)
    assert torch.equal(run(scheduler, NOISE, gaussian_velocity, steps=9), first)
    scheduler.save_pretrained(tmp_path)
    loaded = FlowPNDMScheduler.from_pretrained(tmp_path)
    assert [loaded.config[name] for name in ("shift", "solver_order", "start")] == [2.0, 3, "runge_kutta"]
    assert torch.equal(run(loaded, NOISE, gaussian_velocity, steps=9), first)


def test_a_pipeline_of_diffusers_keeps_it(tmp_path):
    class Sampler(DiffusionPipeline):
        def __init__(self, scheduler):
            super().__init__()
            self.register_modules(scheduler=scheduler)

    Sampler(FlowPNDMScheduler(shift=3.0)).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "model_index.json").read_text())["scheduler"][1] == "FlowPNDMScheduler"
    loaded = Sampler.from_pretrained(tmp_path).scheduler
    assert isinstance(loaded, FlowPNDMScheduler)
    assert loaded.config.shift == 3.0


def test_settings_are_taken_from_euler_as_diffusers_does():
    assert FlowPNDMScheduler.from_config(euler_scheduler(3.0).config).config.shift == 3.0


@pytest.mark.parametrize(
    ("argument", "value"),
    [("shift", 0.0), ("shift", float("nan")), ("solver_order", 5), ("solver_order", 0), ("start", "euler")],
)
def test_impossible_settings_are_refused(argument, value):
    with pytest.raises(ValueError, match=rf"{argument}=.*allowed .*; try "):
        FlowPNDMScheduler(**{argument: value})


@pytest.mark.parametrize("steps", [0, -1, 2.5, True, "8"])
def test_impossible_numbers_of_calls_are_refused(steps):
    with pytest.raises(ValueError, match=r"num_inference_steps=.*allowed whole numbers from 1"):
        FlowPNDMScheduler().set_timesteps(steps)


@pytest.mark.parametrize("sigmas", [[], [0.5, 0.5], [0.5, 0.7], [1.2, 0.5], [1.0, 0.0], [float("nan")]])
def test_levels_that_do_not_lead_down_are_refused(sigmas):
    with pytest.raises(ValueError, match=r"sigmas=.*allowed falling levels"):
        FlowPNDMScheduler().set_timesteps(sigmas=sigmas)


@pytest.mark.parametrize("arguments", [{}, {"num_inference_steps": 2, "sigmas": [1.0, 0.5]}])
def test_a_number_and_levels_exclude_each_other(arguments):
    with pytest.raises(ValueError, match="allowed one of the two"):
        FlowPNDMScheduler().set_timesteps(**arguments)


def test_steps_out_of_turn_are_refused():
    scheduler = FlowPNDMScheduler()
    with pytest.raises(ValueError, match=r"timestep=1000\.0: .*allowed none.*try set_timesteps"):
        scheduler.step(NOISE, 1000.0, NOISE)
    run(scheduler, NOISE, gaussian_velocity, steps=2)
    with pytest.raises(ValueError, match=r"timestep=1000\.0: .*allowed none.*try set_timesteps"):
        scheduler.step(NOISE, 1000.0, NOISE)
    scheduler.set_timesteps(2)
    with pytest.raises(ValueError, match=r"timestep=3\.0: .*allowed 1000\.0"):
        scheduler.step(NOISE, 3.0, NOISE)
    scheduler.step(NOISE, 1000.0, NOISE)
    with pytest.raises(ValueError, match=r"timestep=1000\.0: .*allowed 500\.0"):
        scheduler.step(NOISE, 1000.0, NOISE)


def test_a_velocity_of_another_shape_is_refused():
    scheduler = FlowPNDMScheduler()
    scheduler.set_timesteps(2)
    with pytest.raises(ValueError, match=r"model_output=\(1, 3, 2, 4, 4\): .*\(2, 3, 2, 4, 4\)"):
        scheduler.step(NOISE[:1], 1000.0, NOISE)


def test_a_run_begins_where_a_step_begins():
    scheduler = FlowPNDMScheduler(solver_order=2, start="runge_kutta")
    scheduler.set_timesteps(5)
    for index in (1, 5, -1):
        with pytest.raises(ValueError, match=rf"begin_index={index}: .*allowed \[0, 2, 3, 4\]"):
            scheduler.set_begin_index(index)


@pytest.mark.parametrize("order", RUNGE_KUTTA)
def test_runge_kutta_steps_end_where_the_next_begins(order):
    assert sum(RUNGE_KUTTA[order][-1]) == pytest.approx(1)
    assert len(RUNGE_KUTTA[order]) == order
