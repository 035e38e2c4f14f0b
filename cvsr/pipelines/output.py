"""What every pipeline returns."""

from dataclasses import dataclass

import numpy as np
from diffusers.utils import BaseOutput
from torch import Tensor

from cvsr.data.video import to_frames

OUTPUT_TYPES = ("pt", "np", "latent")


@dataclass
class VideoPipelineOutput(BaseOutput):
    """frames, by output_type.

    "pt": tensor (B, 3, T, H, W) in [-1, 1]; "np": uint8 array (B, T, H, W, 3), ready to be written to a file;
    "latent": normalised latents (B, c, t, h, w).
    """

    frames: Tensor | np.ndarray


def to_output_type(video: Tensor, output_type: str) -> Tensor | np.ndarray:
    """(B, 3, T, H, W), not yet clamped, as "pt" or "np"."""
    if output_type == "pt":
        return video.clamp(-1, 1)
    assert output_type == "np", output_type
    return np.stack([to_frames(each) for each in video])  # (B, T, H, W, 3)


def check_output_type(output_type: str) -> None:
    """ValueError unless it is one of OUTPUT_TYPES."""
    if output_type not in OUTPUT_TYPES:
        raise ValueError(
            f"output_type={output_type!r}: unknown; allowed {', '.join(OUTPUT_TYPES)}; try output_type='pt'"
        )
