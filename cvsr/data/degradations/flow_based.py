"""Flow-based degradation: what a base model does to things that move (SimpleGVR, section 4.2.1).

In moving regions only, colours of the frame before shine through in ellipses, then everything is blurred along its
motion. The paper gives no numbers: the ranges here are ours. Lengths are shares of the frame's shorter side, so
that they mean the same at every resolution.
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from cvsr.data.degradations.motion import motion_fields, moving_weight
from cvsr.data.degradations.motion_blur import blur_along
from cvsr.data.degradations.ranges import Range, check_range, uniform

_SAMPLES = 16  # of colours an ellipse


class FlowSteps(NamedTuple):
    """What happens to a frame, in turn.

    Attributes:
        motion: float32 (H, W, 2), the way (x, y) in pixels to the frame before.
        moving: (H, W), from 0 (still) to 1.
        blended: uint8 (H, W, 3), with colours of the frame before.
        blurred: uint8 (H, W, 3), the result.
    """

    motion: np.ndarray
    moving: np.ndarray
    blended: np.ndarray
    blurred: np.ndarray


@dataclass(frozen=True)
class FlowBased:
    """A flow-based degradation.

    Attributes:
        threshold: motion a frame above which pixels are moving, as a share of the shorter side.
        coverage: area of all ellipses over the area that moves.
        radius: longer half-axis of ellipses, as a share of the shorter side.
        strength: how much of a pixel's colour is replaced in the centre of an ellipse; less towards its edge.
        exposure: length of the motion blur over the way from frame to frame.
        seed: frame i draws its ellipses from the generator of (seed, i), whatever the clip's length.
    """

    threshold: float
    coverage: float
    radius: float
    strength: float
    exposure: float
    seed: int

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), degraded where it moves; a single frame stays as it is, with a warning."""
        if len(frames) < 2:
            warnings.warn(
                "frames=1: one frame has no motion; the flow-based degradation leaves it", stacklevel=2
            )
            return frames
        return np.stack([steps.blurred for steps in self.steps(frames)])

    def steps(self, frames: np.ndarray) -> Iterator[FlowSteps]:
        """What happens to every frame of uint8 (T, H, W, 3), at least two."""
        side = min(frames.shape[1:3])
        for i, motion in enumerate(motion_fields(frames)):
            moving = moving_weight(motion, self.threshold * side)
            blended = frames[i]
            if i and moving.any():  # before the first frame there is nothing to take colours from
                rng = np.random.default_rng((self.seed, i))
                blended = self._blend(frames[i], frames[i - 1], motion, moving, rng)
            yield FlowSteps(motion, moving, blended, blur_along(blended, motion, moving, self.exposure))

    def _blend(
        self, frame: np.ndarray, before: np.ndarray, motion: np.ndarray, moving: np.ndarray, rng: Generator
    ) -> np.ndarray:
        """Ellipses of colours from the frame before, strongest in their centres, none where nothing moves."""
        longer = max(1.0, self.radius * min(moving.shape))
        count = math.ceil(self.coverage * moving.sum() / (0.75 * math.pi * longer**2))  # 0.75: mean flatness
        places = rng.choice(moving.size, count, p=(moving / moving.sum()).ravel())
        picture = frame.astype(float)
        for y, x in zip(*np.unravel_index(places, moving.shape), strict=True):
            axes = longer * np.array([1, rng.uniform(0.5, 1)])
            angle = rng.uniform(0, np.pi)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            samples = (x, y) + motion[y, x] + rng.standard_normal((_SAMPLES, 2)) * axes / 2 @ turn.T
            columns, rows = samples.round().astype(int).T.clip(0, np.array([moving.shape[::-1]]).T - 1)
            colour = before[rows, columns].mean(axis=0)
            region, inside = _ellipse(moving.shape, (x, y), axes, turn)
            share = self.strength * (inside * moving[region])[..., None]
            picture[region] += share * (colour - picture[region])
        return picture.round().astype(np.uint8)


@dataclass(frozen=True)
class RandomFlowBased:
    """Flow-based degradations; for the meaning of the ranges see `FlowBased`."""

    threshold: Range = (0.002, 0.006)
    coverage: Range = (0.2, 0.8)
    radius: Range = (0.02, 0.06)
    strength: Range = (0.3, 0.8)
    exposure: Range = (0.5, 2.0)

    def __post_init__(self):
        check_range("threshold", self.threshold, 1e-4, 1)
        check_range("coverage", self.coverage, 0, 10)
        check_range("radius", self.radius, 0, 0.5)
        check_range("strength", self.strength, 0, 1)
        check_range("exposure", self.exposure, 0, 10)

    def sample(self, rng: Generator, size: tuple[int, int]) -> FlowBased:
        """Draw every parameter and a seed."""
        spans = (self.threshold, self.coverage, self.radius, self.strength, self.exposure)
        return FlowBased(*(uniform(rng, span) for span in spans), seed=int(rng.integers(2**32)))


def _ellipse(
    size: tuple[int, int], centre: tuple[int, int], axes: np.ndarray, turn: np.ndarray
) -> tuple[tuple[slice, slice], np.ndarray]:
    """Where an ellipse is in a frame of `size` (H, W), and 1 - d² there: 1 in its centre (x, y), 0 from its edge on."""
    reach = math.ceil(axes.max())
    columns, rows = (
        np.arange(max(0, c - reach), min(side, c + reach + 1))
        for c, side in zip(centre, size[::-1], strict=True)
    )
    offsets = np.stack(np.meshgrid(columns - centre[0], rows - centre[1]), axis=-1)  # (h, w, 2)
    distance = np.square(offsets @ turn / axes).sum(-1)
    region = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return region, (1 - distance).clip(0, None)
