"""Classifier-free guidance: exaggerate what the condition changes in the prediction (Ho & Salimans 2021).

    v = v_uncond + scale · (v_cond - v_uncond)

The formula is a guider of diffusers, so that its other guiders (adaptive projected, zero-star, …) can take
its place; here all predictions of a step become one call of the network.
"""

import logging
from collections.abc import Callable, Mapping

import torch
from diffusers.guiders import ClassifierFreeGuidance
from diffusers.guiders.guider_utils import BaseGuidance
from torch import Tensor

Input = Tensor | list  # (B, …), or B rows of whatever the network reads


def classifier_free_guidance(scale: float, start: float = 0.0, stop: float = 1.0) -> ClassifierFreeGuidance:
    """Guidance of strength `scale` ≥ 0, from the fraction `start` of the run's steps to the fraction `stop`.

    Scale 1 is the plain conditional prediction, at the cost of one prediction a step instead of two.
    """
    if not 0 <= scale < float("inf"):
        raise ValueError(f"scale={scale}: out of range; allowed from 0; try 1.0 (no guidance) or 5.0")
    silence_announcement()
    return ClassifierFreeGuidance(guidance_scale=scale, start=start, stop=stop)


def guided_prediction(
    guider: BaseGuidance,
    predict: Callable[..., Tensor],
    inputs: Mapping[str, Input | tuple[Input, ...]],
    step: int,
    steps: int,
) -> Tensor:
    """The guided prediction (B, …) of step `step` (from 0) of `steps`, from one call of the network.

    Args:
        guider: `classifier_free_guidance(…)`, `TextReferenceGuidance(…)` or another guider of diffusers that only
            combines predictions.
        predict: the network; its keyword arguments are the inputs' names, its batch holds all predictions'.
        inputs: tensors (B, …), or lists of B rows: a tuple of one for each of the guider's predictions where they
            differ, such as (conditional, unconditional), else one for all.
        step: index of the step, for guiders that act in a part of the run only.
        steps: number of steps of the run.
    """
    guider.set_state(step=step, num_inference_steps=steps, timestep=None)
    branches = guider.prepare_inputs({name: each for name, each in inputs.items() if isinstance(each, tuple)})
    batch = {
        name: _join([getattr(branch, name, shared) for branch in branches]) for name, shared in inputs.items()
    }
    for branch, prediction in zip(branches, predict(**batch).chunk(len(branches)), strict=True):
        branch.noise_pred = prediction
    return guider(branches).pred


def silence_announcement() -> None:
    """Every guider announces that its interface may change in a later diffusers; the version here is pinned."""
    logging.getLogger("diffusers.guiders.guider_utils").addFilter(_is_no_announcement)


def _join(parts: list[Input]) -> Input:
    """The predictions' inputs as those of one batch."""
    return torch.cat(parts) if isinstance(parts[0], Tensor) else [row for rows in parts for row in rows]


def _is_no_announcement(record: logging.LogRecord) -> bool:
    return "experimental feature" not in record.getMessage()
