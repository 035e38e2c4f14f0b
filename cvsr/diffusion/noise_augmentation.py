"""Noise augmentation: noise in the low-resolution condition, its level told to the network.

Without it a super-resolution network copies its input, flaws included. Noise hides the finest structure of
the condition, so that the network has to invent it; the level at inference says how far it may leave the
input. SimpleGVR (section 4.3) compares three ranges of levels: with the small one the network cannot repair
what is wrong in its input, with the large one it leaves the input's structure, the middle one balances both.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from cvsr.diffusion.flow import interpolate


@dataclass(frozen=True)
class NoiseRange:
    """Levels from `low` to `high`, uniform in training. Level 0.3 is "timestep 300" of the papers."""

    low: float
    high: float

    def __post_init__(self):
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError(
                f"low={self.low}, high={self.high}: no range; allowed 0 ≤ low ≤ high ≤ 1; try 0.3 and 0.6"
            )

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n levels (n,) on the CPU, float32."""
        return self.low + (self.high - self.low) * torch.rand(n, generator=generator)


SMALL = NoiseRange(0.0, 0.3)
MIDDLE = NoiseRange(0.3, 0.6)
LARGE = NoiseRange(0.6, 0.9)
RANGES = {"small": SMALL, "middle": MIDDLE, "large": LARGE}


def augment(latents: Tensor, level: Tensor | float, generator: torch.Generator) -> Tensor:
    """Noisy condition (1 - level) · latents + level · noise, the flow's own interpolation.

    Args:
        latents: normalised latents (B, …).
        level: (B,) or a number, in [0, 1]; level 0 returns the latents unchanged.
        generator: on the CPU; the noise is drawn there in float32, then moved: the same on every device.

    Raises:
        ValueError: a level outside [0, 1] or of another shape.
    """
    level = torch.as_tensor(level, dtype=torch.float32)
    if not ((level >= 0) & (level <= 1)).all():
        raise ValueError(
            f"level={level.tolist()}: out of range; allowed 0 to 1; try dividing timesteps by 1000"
        )
    noise = torch.randn(latents.shape, generator=generator).to(latents)
    return interpolate(latents, noise, level)
