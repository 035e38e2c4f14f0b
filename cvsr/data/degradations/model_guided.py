"""Model-guided degradation: a base model draws the clip again (SimpleGVR, section 4.2.2; UniMMVSR, section 3.3).

SDEdit (Meng et al. 2022): so much noise α is laid over the clip that its layout survives and its detail does not; then
the base model takes the noise away, in its own manner. The model comes as a callable when the degradation happens;
its record holds α and the seed of the noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from cvsr.data.degradations.ranges import Range, check_range, uniform

# uint8 frames (T, H, W, 3), alpha and seed to frames of the same shape, as `cvsr.pipelines.redrawing.Redrawing`
Redraw = Callable[[np.ndarray, float, int], np.ndarray]


@dataclass(frozen=True)
class ModelGuided:
    """A clip drawn again.

    Attributes:
        alpha: the share of noise, from 0 (none: what the model's latents keep) to 1 (nothing of the clip remains).
        seed: of the noise.
    """

    alpha: float
    seed: int

    def __post_init__(self):
        if not (isinstance(self.alpha, int | float) and 0 <= self.alpha <= 1):
            raise ValueError(f"alpha={self.alpha}: no share of noise; allowed 0 to 1; try 0.35")

    def apply(self, frames: np.ndarray, redraw: Redraw | None = None) -> np.ndarray:
        """uint8 (T, H, W, 3), drawn again by a model; raises ValueError without one."""
        if redraw is None:
            raise ValueError(
                "redraw=None: model_guided needs a base model; allowed a callable (frames, alpha, seed) -> frames;"
                " try cvsr.pipelines.redrawing.Redrawing"
            )
        redrawn = redraw(frames, self.alpha, self.seed)
        assert redrawn.shape == frames.shape, (redrawn.shape, frames.shape)
        return redrawn


@dataclass(frozen=True)
class RandomModelGuided:
    """Clips drawn again, with `alpha` in SimpleGVR's range by default.

    UniMMVSR draws a number of steps k from K₁ to K₂ instead: of a run of N steps, that is alpha = k / N.
    """

    alpha: Range = (0.3, 0.4)

    def __post_init__(self):
        check_range("alpha", self.alpha, 0, 1)

    def sample(self, rng: Generator, size: tuple[int, int]) -> ModelGuided:
        """Draw alpha and a seed."""
        return ModelGuided(uniform(rng, self.alpha), int(rng.integers(2**32)))
