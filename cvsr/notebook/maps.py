"""Maps of errors and of changes, and the colour bars that say how large they are.

A map and its bar take the same full scale, and know their colours from here alone.
"""

import matplotlib
import numpy as np
from torch import Tensor

from cvsr.notebook.figures import with_colour_bar

ERROR_COLOURS, CHANGE_COLOURS = "inferno", "gray"
FULL_ERROR = 64  # levels of 255: errors as large as this, or larger, are brightest


def error_map(frame: np.ndarray, truth: np.ndarray, full_scale: float = FULL_ERROR) -> np.ndarray:
    """How far a frame is from the truth, uint8 (H, W, 3): black where equal, bright from `full_scale` (of 255) on."""
    error = np.abs(frame.astype(float) - truth).mean(-1) / full_scale
    return (255 * matplotlib.colormaps[ERROR_COLOURS](error.clip(0, 1))[..., :3]).astype(np.uint8)


def with_error_scale(
    picture: np.ndarray, full_scale: float = FULL_ERROR, meaning: str = "error"
) -> np.ndarray:
    """A picture (H, W, 3) that holds error maps of this full scale, with their colour bar below."""
    return with_colour_bar(picture, ERROR_COLOURS, "0", f"{full_scale:.3g} of 255 levels, or more", meaning)


def change_map(change: Tensor, full_scale: float) -> np.ndarray:
    """A change of a picture (3, H, W) as uint8 (H, W, 3): grey where zero, black and white at ∓`full_scale`."""
    return (127.5 + 127.5 * (change / full_scale).clamp(-1, 1)).permute(1, 2, 0).byte().numpy()


def with_change_scale(picture: np.ndarray, full_scale: float, unit: str) -> np.ndarray:
    """A picture (H, W, 3) that holds change maps of this full scale, in `unit`, with their colour bar below."""
    low, high = f"−{full_scale:g}", f"+{full_scale:g} {unit}"
    return with_colour_bar(picture, CHANGE_COLOURS, low, high, "change of each colour")
