"""How far a run is, in the time that its plan foresees for each step, and how much is left."""

import sys
from dataclasses import replace

from tqdm import tqdm

from cvsr.pipelines.plan import Plan
from cvsr.pipelines.relay import Leg

FORMAT = "{desc} {percentage:3.0f}%|{bar}|{postfix}, {elapsed} gone, {remaining} left"


class Progress:
    """A bar for all legs of a plan; use it in a `with` block.

    Args:
        plan: what is going to happen.
        frames: of the video.
    """

    def __init__(self, plan: Plan, frames: int):
        self.plan, self.frames, self.done, self.worked = plan, frames, 0, False
        self.total = sum(leg.seconds for leg in plan.legs)
        self.bar = tqdm(total=self.total, desc="enlarging", bar_format=FORMAT, smoothing=0, file=sys.stderr)
        self.bar.set_postfix_str(f"0 of {frames} frames")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_) -> None:
        self.bar.close()

    @property
    def legs(self) -> list[Leg]:
        """Those of the plan, telling of every step."""
        return [self._telling(index) for index in range(len(self.plan.legs))]

    def finished(self, count: int) -> None:
        """So many frames more are done; what was done by an earlier run takes no time."""
        self.done += count
        self.bar.set_postfix_str(f"{self.done} of {self.frames} frames", refresh=False)
        ahead = self.total * self.done / self.frames - self.bar.n
        if not self.worked:
            self.bar.initial += ahead
        self.worked = False
        self._move(max(0, ahead))

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.bar.write(text, file=sys.stderr)

    def _telling(self, index: int) -> Leg:
        planned = self.plan.legs[index]
        leg, asked = planned.leg, planned.leg.settings
        passes = leg.pipeline.passes(asked.tiling.cover(*planned.canvas))
        share = planned.seconds / (planned.chunks * passes * asked.num_inference_steps)

        def step(*_) -> dict:
            self.worked = True
            self._move(min(share, self.total - self.bar.n))
            return {}

        return replace(leg, settings=replace(asked, callback_on_step_end=step))

    def _move(self, seconds: float) -> None:
        self.bar.update(seconds)
