"""Samplers from noise to data: diffusers' schedulers with this project's settings, and `cvsr.diffusion.pndm`.

A scheduler walks the noise levels σ from 1 to 0, where σ is the time t, by the predicted velocity:

    sigmas = set_steps(scheduler, steps)
    for sigma, timestep in zip(sigmas, scheduler.timesteps):
        x = scheduler.step(predict(x, sigma), timestep, x).prev_sample

Give the network `sigma`: `scheduler.timesteps` is the same number times 1000, and UniPC rounds it down.
"""

import numpy as np
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler
from torch import Tensor

from cvsr.diffusion.pndm import FlowPNDMScheduler

Scheduler = FlowMatchEulerDiscreteScheduler | UniPCMultistepScheduler | FlowPNDMScheduler


def euler_scheduler(shift: float = 1.0) -> FlowMatchEulerDiscreteScheduler:
    """Euler's method: x ← x + (σ_next - σ) v. A `shift` above 1 takes more of the steps near the noise."""
    _check_shift(shift)
    return FlowMatchEulerDiscreteScheduler(shift=shift)


def unipc_scheduler(shift: float = 1.0) -> UniPCMultistepScheduler:
    """UniPC of second order (Zhao et al. 2023): fewer steps for the same error, one prediction a step."""
    _check_shift(shift)
    return UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift, solver_order=2
    )


def set_steps(scheduler: Scheduler, steps: int) -> Tensor:
    """Prepare a run of `steps` network calls, and return their noise levels and the end's (steps + 1,), from 1 to 0.

    Trailing spacing, 1, 1 - 1/steps, …, 1/steps, then the scheduler's shift, then 0. It is given explicitly
    because diffusers' own default for Euler applies the shift twice and spends its last step on σ = 0.001.
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps={steps!r}: not a number of steps; allowed whole numbers from 1; try 8")
    if isinstance(scheduler, FlowPNDMScheduler):
        scheduler.set_timesteps(steps)  # the same levels, unless some calls are stages of its start
    else:
        scheduler.set_timesteps(sigmas=np.linspace(1.0, 1.0 / steps, steps))
    scheduler.set_begin_index(0)
    return scheduler.sigmas.clamp(max=1.0)  # the shift's rounding can exceed 1, which no network accepts


def _check_shift(shift: float) -> None:
    if not 0 < shift < float("inf"):
        raise ValueError(f"shift={shift}: out of range; allowed above 0; try 1.0 (none) or 3.0")
