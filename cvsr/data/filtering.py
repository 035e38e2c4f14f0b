"""Quality of clips by numbers, and a filter that keeps those worth learning from (SimpleGVR, section 5.1.1)."""

from dataclasses import dataclass

import cv2
import numpy as np

SAMPLED = 10  # frames of a clip that are looked at, evenly spaced


@dataclass(frozen=True)
class Quality:
    """What a clip is like.

    Attributes:
        brightness: mean luma in levels, 0 to 255.
        sharpness: variance of the Laplacian of the luma in levels², mean over frames: fine detail, grain included.
    """

    brightness: float
    sharpness: float


def measure_quality(frames: np.ndarray) -> Quality:
    """The quality of uint8 frames (T, H, W, 3), by at most `SAMPLED` of them."""
    chosen = np.unique(np.linspace(0, len(frames) - 1, SAMPLED).round().astype(int))
    lumas = [cv2.cvtColor(frames[index], cv2.COLOR_RGB2GRAY) for index in chosen]
    sharpness = [cv2.Laplacian(luma, cv2.CV_64F).var() for luma in lumas]
    return Quality(float(np.mean(lumas)), float(np.mean(sharpness)))


@dataclass(frozen=True)
class QualityFilter:
    """What a clip must be like.

    Attributes:
        brightness: least and most; SimpleGVR drops what is too dark or too bright and names no numbers.
        sharpness: least; 30 in SimpleGVR.
    """

    brightness: tuple[float, float] = (20.0, 235.0)
    sharpness: float = 30.0

    def __post_init__(self):
        low, high = self.brightness
        if not 0 <= low <= high <= 255:
            raise ValueError(
                f"brightness={self.brightness}: no range; allowed 0 ≤ low ≤ high ≤ 255; try (20, 235)"
            )
        if self.sharpness < 0:
            raise ValueError(f"sharpness={self.sharpness}: below 0; allowed 0 (everything) or more; try 30")

    def problem(self, quality: Quality) -> str | None:
        """Why a clip is dropped, as "kind: numbers", or None if it is kept."""
        low, high = self.brightness
        if quality.brightness < low:
            return f"dark: brightness {quality.brightness:.1f} under {low:g}"
        if quality.brightness > high:
            return f"bright: brightness {quality.brightness:.1f} over {high:g}"
        if quality.sharpness < self.sharpness:
            return f"blurred: sharpness {quality.sharpness:.1f} under {self.sharpness:g}"
        return None
