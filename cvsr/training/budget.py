"""How long a run lasts, and what the learning rate does over it."""

import time
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class Budget(Callback):
    """Ends a run after so many minutes or steps; the learning rate warms up at first and cools down at the end.

    Minutes count over all resumed parts of a run. A run in steps resumes to the same weights bit by bit; one in
    minutes does up to the clock, which decides when the cool-down begins: of several processes, the first one's.

    Args:
        minutes, steps: the budget; exactly one of them.
        warmup: steps of linear warm-up.
        cooldown: the last part of the budget, in [0, 1], over which the learning rate falls linearly to 1 %.

    Raises:
        ValueError: none or both of `minutes` and `steps`, or one that is not positive.
    """

    def __init__(
        self, minutes: float | None = None, steps: int | None = None, warmup: int = 100, cooldown: float = 0.5
    ):
        if (minutes is None) == (steps is None) or (minutes or steps or 0) <= 0:
            raise ValueError(
                f"minutes={minutes}, steps={steps}: allowed exactly one, positive; try minutes=30"
            )
        if not 0 <= cooldown <= 1:
            raise ValueError(f"cooldown={cooldown}: allowed between 0 and 1; try 0.5")
        self.minutes, self.steps, self.warmup, self.cooldown = minutes, steps, warmup, cooldown
        self.seconds = 0.0  # spent in earlier parts of this run
        self._started = 0.0

    def elapsed(self) -> float:
        """Seconds of training, resumed parts included."""
        return self.seconds + time.monotonic() - self._started

    def progress(self, step: int) -> float:
        """The part of the budget that is spent, from 0 to 1."""
        return step / self.steps if self.steps else self.elapsed() / (60 * self.minutes)

    def factor(self, step: int, progress: float) -> float:
        """What the learning rate is multiplied with."""
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        cool = min(1.0, (1 - progress) / self.cooldown) if self.cooldown else 1.0
        return warm * max(cool, 0.01)

    def _agreed_progress(self, trainer: Trainer) -> float:
        return trainer.strategy.broadcast(self.progress(trainer.global_step))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._started = time.monotonic()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        factor = self.factor(trainer.global_step, self._agreed_progress(trainer))
        for optimizer in trainer.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = factor * group.setdefault("initial_lr", group["lr"])

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        trainer.should_stop = trainer.should_stop or self._agreed_progress(trainer) >= 1

    def state_dict(self) -> dict[str, float]:
        return {"seconds": self.elapsed() if self._started else self.seconds}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        self.seconds = state_dict["seconds"]
