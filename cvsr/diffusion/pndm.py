"""PNDM for flow matching: a linear multistep sampler, one network call a step, of up to fourth order.

PNDM (Liu et al. 2022, arXiv 2202.09778, section 3) solves the diffusion equation with classical methods, a linear
multistep one started by Runge-Kutta, and moves samples by a transfer that stays near the data. On the straight
paths of flow matching that transfer is x ← x + (σ' - σ) v, and the pseudo numerical methods are the classical ones,
on the velocity v = dx/dσ. From the noise level σ to the next one σ':

    multistep (Adams-Bashforth)   x' = x + (σ' - σ) Σ_j w_j v_j             v_j: the last velocities, p at most
    Runge-Kutta                   k_s = v(x + (σ' - σ) Σ_j a_sj k_j),       x' = x + (σ' - σ) Σ_s b_s k_s

PNDM's weights are those of equal steps; here w follows the levels, as a shifted timetable is uneven.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from diffusers import ConfigMixin, SchedulerMixin
from diffusers.configuration_utils import register_to_config
from diffusers.schedulers.scheduling_utils import SchedulerOutput
from torch import Tensor

from cvsr.diffusion.flow import interpolate
from cvsr.diffusion.timesteps import shift as shift_times

# By order, for every stage: the weights of the velocities so far that lead to where the next is taken. The last
# row ends the step (Heun; Kutta; the classical method).
RUNGE_KUTTA = {
    2: ((1.0,), (1 / 2, 1 / 2)),
    3: ((1 / 2,), (-1.0, 2.0), (1 / 6, 2 / 3, 1 / 6)),
    4: ((1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}
STARTS = ("lower_order", "runge_kutta")


class FlowPNDMScheduler(SchedulerMixin, ConfigMixin):
    """Walks the noise levels σ from 1 to 0 by the predicted velocity v = noise - data.

    A multistep method of order p needs p velocities, and the first steps have fewer. "lower_order" starts with what
    there is: orders 1, 2, … p, one network call a step. Its error falls with the square of the number of steps at
    least (for p ≥ 2), as the first step is Euler's; that is cheap where paths start straight, as they do at the noise.
    "runge_kutta" (PNDM's own) makes the first p - 1 steps by a Runge-Kutta method of p calls each, and the error falls
    with the power p; it pays with many calls only, as those of the start are missing later on.
    `num_inference_steps` counts network calls in both cases, one for each of `timesteps`.

    Args:
        num_train_timesteps: `timesteps` are noise levels times this number.
        shift: above 1 takes more of the steps near the noise (`cvsr.diffusion.timesteps.shift`).
        solver_order: p, from 1 (Euler's method) to 4 (PNDM).
        start: one of `STARTS`.

    Raises:
        ValueError: an argument outside of what is said above.
    """

    order = 1  # in diffusers' sense: timesteps of a step
    init_noise_sigma = 1.0

    @register_to_config
    def __init__(
        self,
        num_train_timesteps: int = 1000,
        shift: float = 1.0,
        solver_order: int = 4,
        start: str = "lower_order",
    ):
        if not 0 < shift < float("inf"):
            raise ValueError(f"shift={shift}: out of range; allowed above 0; try 1.0 (none) or 3.0")
        if solver_order not in (1, *RUNGE_KUTTA):
            raise ValueError(f"solver_order={solver_order}: unknown; allowed 1, 2, 3 and 4; try 4")
        if start not in STARTS:
            raise ValueError(f"start={start!r}: unknown; allowed {list(STARTS)}; try {STARTS[0]!r}")
        self.num_inference_steps: int | None = None
        self.timesteps = self.sigmas = torch.empty(0)
        self.begin_index: int | None = None
        self.step_index: int | None = None
        self._calls: list[Call] = []
        self._history: list[tuple[float, Tensor]] = []  # the last levels where steps began, with velocities

    def set_timesteps(
        self,
        num_inference_steps: int | None = None,
        device: str | torch.device | None = None,
        sigmas: Sequence[float] | None = None,
    ) -> None:
        """Prepare a run: `timesteps` (n,) of its n network calls, on `device`, and `sigmas` (n + 1,) with a final 0.

        Args:
            num_inference_steps: n. Steps begin at levels evenly spaced from 1, then shifted, and the last ends at 0. A
                Runge-Kutta start takes as many steps as n has room for: all p - 1 of them from n = p² - p + 1.
            device: of `timesteps`.
            sigmas: in place of the number, the levels where steps begin, falling, in (0, 1]; they are shifted, too. The
                stages of a Runge-Kutta start are called beside them, p - 1 for each of its steps.

        Raises:
            ValueError: neither or both, a number below 1, or levels that do not fall from at most 1 to above 0.
        """
        if (num_inference_steps is None) == (sigmas is None):
            raise ValueError(
                f"num_inference_steps={num_inference_steps}, sigmas={sigmas}: allowed one of the two;"
                " try num_inference_steps=50"
            )
        order = self.config.solver_order
        most = order - 1 if self.config.start == "runge_kutta" else 0  # Runge-Kutta steps
        if sigmas is None:
            _check_calls(num_inference_steps)
            started = min(most, (num_inference_steps - 1) // order)
            steps = num_inference_steps - started * (order - 1)
            sigmas = torch.linspace(1, 1 / steps, steps, dtype=torch.float64).tolist()
        else:
            started = min(most, len(sigmas) - 1)
        levels = torch.tensor([float(sigma) for sigma in sigmas], dtype=torch.float64)
        levels = shift_times(levels, self.config.shift).float()  # as the network is told them
        _check_levels(levels)
        self._calls = _plan([*levels.tolist(), 0.0], order, started)
        self.sigmas = torch.tensor([call.sigma for call in self._calls] + [0.0])
        self.timesteps = (self.sigmas[:-1] * self.config.num_train_timesteps).to(device)
        self.num_inference_steps = len(self._calls)
        self.begin_index = self.step_index = None
        self._history = []

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Begin the run at this one of `timesteps`. ValueError unless a step begins there."""
        steps = [index for index, call in enumerate(self._calls) if call.stage == 0]
        if begin_index not in steps:
            raise ValueError(
                f"begin_index={begin_index}: no step begins there; allowed {steps}; try 0, after set_timesteps"
            )
        self.begin_index = begin_index

    def step(
        self, model_output: Tensor, timestep: float | Tensor, sample: Tensor, return_dict: bool = True
    ) -> SchedulerOutput | tuple[Tensor]:
        """The sample to call the network with next; after the last call, the data.

        Args:
            model_output: velocity (B, …) at the sample.
            timestep: the one of `timesteps` that the network was called at: a run goes through all of them in turn.
            sample: (B, …), as the last step has returned it.
            return_dict: False for a plain tuple.

        Returns:
            `prev_sample` (B, …) of the sample's dtype; sums are taken in float32 at least.

        Raises:
            ValueError: shapes that differ, or a timestep that is not the run's next.
        """
        if model_output.shape != sample.shape:
            raise ValueError(
                f"model_output={tuple(model_output.shape)}: wrong shape; allowed the sample's,"
                f" {tuple(sample.shape)}; try a network with as many output channels"
            )
        call = self._next_call(timestep)
        precise = torch.promote_types(sample.dtype, torch.float32)
        velocity = model_output.to(precise)
        if call.stage == 0:
            self._origin, self._stages = sample.to(precise), []
            self._history = [*self._history, (call.sigma, velocity)][-self.config.solver_order :]
        self._stages.append(velocity)
        if call.weights is not None:
            weights, velocities = call.weights, self._stages
        else:
            levels, velocities = zip(*self._history, strict=True)
            weights = adams_bashforth(levels, call.sigma + call.size)
        slope = sum(weight * v for weight, v in zip(weights, velocities, strict=True))
        prev_sample = (self._origin + call.size * slope).to(sample.dtype)
        return SchedulerOutput(prev_sample=prev_sample) if return_dict else (prev_sample,)

    def scale_noise(self, sample: Tensor, timestep: float | Tensor, noise: Tensor) -> Tensor:
        """The noisy (1 - σ) sample + σ noise (B, …) at σ = timestep (B,) / num_train_timesteps."""
        return interpolate(sample, noise, timestep / self.config.num_train_timesteps)

    def __len__(self) -> int:
        return self.config.num_train_timesteps

    def _next_call(self, timestep: float | Tensor) -> "Call":
        """The call that this timestep stands for, counted as made."""
        index = self.step_index
        if index is None:
            index = self._first_index(timestep) if self.begin_index is None else self.begin_index
        if index >= len(self._calls) or float(timestep) != float(self.timesteps[index]):
            expected = float(self.timesteps[index]) if index < len(self._calls) else "none, no step is left"
            raise ValueError(
                f"timestep={float(timestep)}: not the run's next; allowed {expected};"
                " try set_timesteps before every run and then each of scheduler.timesteps in turn"
            )
        self.step_index = index + 1
        return self._calls[index]

    def _first_index(self, timestep: float | Tensor) -> int:
        """Where a run begins that was not told: at the step of this timestep."""
        times = self.timesteps.tolist()
        found = (i for i, call in enumerate(self._calls) if call.stage == 0 and times[i] == float(timestep))
        return next(found, 0)


class Call(NamedTuple):
    """A call of the network within a step, and where it leads."""

    sigma: float  # the level that the network is called at
    size: float  # of the step, signed
    stage: int  # from 0, which begins the step
    weights: tuple[float, ...] | None  # of this step's velocities so far; None: a multistep step


def adams_bashforth(levels: Sequence[float], following: float) -> list[float]:
    """Weights of the velocities at these levels, oldest first, for the step from the last level to `following`.

    Through n velocities goes one polynomial of degree n - 1, and the weighted sum is its mean over the step: exact on
    1, u, … u^(n-1) with u from 0 to 1 along the step, so that Σ_j w_j u_j^k = 1 / (k + 1).
    """
    u = (np.array(levels) - levels[-1]) / (following - levels[-1])
    return np.linalg.solve(np.vander(u, increasing=True).T, 1 / np.arange(1, len(u) + 1)).tolist()


def _plan(levels: Sequence[float], order: int, started: int) -> list[Call]:
    """The calls of a run along these levels, with `started` Runge-Kutta steps first."""
    calls = []
    for index, (level, following) in enumerate(pairwise(levels)):
        size, sigma = following - level, level
        for stage, weights in enumerate(RUNGE_KUTTA[order] if index < started else (None,)):
            calls.append(Call(sigma, size, stage, weights))
            sigma = level + size * sum(weights or ())
    return calls


def _check_calls(calls: object) -> None:
    if isinstance(calls, bool) or not isinstance(calls, int) or calls < 1:
        raise ValueError(
            f"num_inference_steps={calls!r}: not a number of calls; allowed whole numbers from 1; try 50"
        )


def _check_levels(levels: Tensor) -> None:
    if not len(levels) or not (torch.all(levels.diff() < 0) and 0 < levels[-1] and levels[0] <= 1):
        raise ValueError(
            f"sigmas={levels.tolist()}: no way down; allowed falling levels from at most 1 to above 0;"
            " try [1.0, 0.75, 0.5, 0.25] and a smaller shift"
        )
