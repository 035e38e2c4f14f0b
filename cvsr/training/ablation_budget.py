"""Minutes for a whole ablation as steps for each of its runs.

Variants are compared after equal steps, not equal minutes: so many that all runs together take the time, by what a
step of each variant takes on this machine. That is tried out once and kept beside the runs, so that an ablation that
was stopped goes on with the same number.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning import Callback, LightningModule, Trainer

BUDGET = "cvsr.training.budget.Budget"
AVERAGING = "pytorch_lightning.callbacks.EMAWeightAveraging"
TRIAL, WARMUP = 12, 3  # steps that a variant is tried for, and those of them that do not count
FEWEST = 20  # steps of a run below which there is nothing to compare

Settings = dict[str, Any]  # a recipe


def steps_within(minutes: float, seeds: int, seconds: Mapping[str, float]) -> int:
    """Steps of each run, from the seconds that a step of each variant takes.

    Raises:
        ValueError: fewer than `FEWEST`.
    """
    together = seeds * sum(seconds.values())
    steps = int(60 * minutes / together)
    if steps < FEWEST:
        least = FEWEST * together / 60
        raise ValueError(
            f"budget={minutes:g}: {steps} steps for each of {seeds * len(seconds)} runs; allowed {FEWEST} and more,"
            f" {least:.1f} minutes here; try --budget {least * 10:.0f}"
        )
    return steps


def planned_steps(minutes: float, seeds: int, file: Path, try_out: Callable[[], Mapping[str, float]]) -> int:
    """`steps_within`, tried out at the first time, and as it was found then afterwards.

    Args:
        minutes: of training, all runs together.
        seeds: runs of each variant.
        file: where what was found is kept.
        try_out: seconds of a step by variant.
    """
    if not file.exists():
        seconds = dict(try_out())
        found = {"minutes": minutes, "steps": steps_within(minutes, seeds, seconds), "seconds": seconds}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(found, sort_keys=False))
    return yaml.safe_load(file.read_text())["steps"]


def with_steps(recipe: Mapping[str, Any], steps: int) -> Settings:
    """A recipe of another length. What is counted in steps grows and shrinks along.

    That is the warm-up, the stages of the data, and how far back the average of the weights reaches.
    """
    recipe = yaml.safe_load(yaml.safe_dump(dict(recipe)))  # a copy
    callbacks = {callback["class_path"]: callback.get("init_args", {}) for callback in recipe["trainer"]["callbacks"]}
    budget = callbacks[BUDGET]
    share = steps / budget["steps"]
    budget["steps"] = steps
    if "warmup" in budget:
        budget["warmup"] = max(1, round(share * budget["warmup"]))
    if AVERAGING in callbacks:
        reach = share / (1 - callbacks[AVERAGING]["decay"])
        callbacks[AVERAGING]["decay"] = max(0.0, 1 - 1 / reach)
    buckets = recipe["data"]["init_args"].get("buckets", [])
    for bucket, edge in itertools.product(buckets, ("since", "until")):
        if edge in bucket:
            bucket[edge] = round(share * bucket[edge])
    return recipe


class StepSeconds(Callback):
    """Measures what a step takes, data included: the median of those after the first `WARMUP`."""

    def __init__(self):
        self.moments: list[float] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        self.moments.append(time.perf_counter())

    def median(self) -> float:
        """Seconds."""
        return statistics.median(after - before for before, after in itertools.pairwise(self.moments[WARMUP - 1 :]))
