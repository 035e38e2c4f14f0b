"""Trainings that run inside a lesson: quietly, on data of its own, by heart, drawn as curves. For lesson 08."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

import torch
from jsonargparse import ArgumentParser
from matplotlib.figure import Figure

from cvsr.data.shards_reading import Group
from cvsr.notebook.figures import PALETTE
from cvsr.training.data import ShardData
from cvsr.training.flow_matching import FlowMatching
from cvsr.training.held_out import History

COLOURS = ("blue", "orange", "green", "purple")
LOGGERS = ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "diffusers")


@contextmanager
def quiet() -> Iterator[None]:
    """No notices, warnings and bars of libraries between a lesson's own lines; errors are raised as ever."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def shard_data(settings: Mapping[str, Any]) -> ShardData:
    """The data of a recipe (`init_args` of a `ShardData`), built if they are not there."""
    parser = ArgumentParser()
    parser.add_class_arguments(ShardData, "data")
    made = parser.instantiate_classes(parser.parse_object({"data": dict(settings)})).data
    with quiet():
        made.prepare_data()
    return made


def overfit(
    module: FlowMatching, group: Group, steps: int, rate: Callable[[int], float], seed: int = 0
) -> list[float]:
    """The loss of every step of a bare loop on one batch, whose times and noise stay the same, too.

    Args:
        module: what is trained.
        group: the batch.
        steps: how many.
        rate: the learning rate of a step.
        seed: of times and noise.
    """
    optimizer, found = module.configure_optimizers(), []
    for step in range(steps):
        for part in optimizer.param_groups:
            part["lr"] = rate(step)
        noised = module.noise(group, torch.Generator().manual_seed(seed))
        loss = module.error(group, noised, module.predict([noised])[0]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def draw_losses(histories: Mapping[str, History], stages: Mapping[str, Sequence[int]]) -> Figure:
    """A panel for each run, a line for each task, as shares of the loss before the first step.

    Args:
        histories: name of the run → its history.
        stages: name of the run → the first step of each of its stages.
    """
    figure = Figure(figsize=(4.4 * len(histories), 3))
    panels = figure.subplots(1, len(histories), sharey=True, squeeze=False)[0]
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        steps = sorted(history)
        for task, colour, mark in zip(history[steps[0]], COLOURS, "os^D", strict=False):
            shares = [history[step][task] / history[steps[0]][task] for step in steps]
            axes.plot(steps, shares, f"{mark}-", color=PALETTE[colour], markersize=4, label=task)
        for number, first in enumerate(stages[name], 1):
            axes.axvline(first, color="#999999", linewidth=1, linestyle=":")
            axes.text(first, 0.02, f" stage {number}", fontsize=8, transform=axes.get_xaxis_transform())
        axes.set(xlabel="step", title=name)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("held-out loss ÷ that of the input")
    panels[-1].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    return figure
