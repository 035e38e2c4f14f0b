"""Quality of clips by numbers, and a filter that keeps those worth learning from (SimpleGVR, section 5.1.1)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from torch import Tensor

from cvsr.data.video import to_tensor

SAMPLED = 10  # frames of a clip that are looked at, evenly spaced
# videos (B, 3, T, H, W) in [-1, 1] to how good each looks, (B,), 0 to 100, as `cvsr.evaluation.judges.Judge.score`
Score = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Quality:
    """What a clip is like.

    Attributes:
        brightness: mean luma in levels, 0 to 255.
        sharpness: variance of the Laplacian of the luma in levels², mean over frames: fine detail, grain included.
        musiq: how good it looks, about 0 to 100, mean over frames; None if it was not measured.
    """

    brightness: float
    sharpness: float
    musiq: float | None = None


def measure_quality(frames: np.ndarray, musiq: Score | None = None) -> Quality:
    """The quality of uint8 frames (T, H, W, 3), by at most `SAMPLED` of them; MUSIQ only if its model is given."""
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, SAMPLED).round().astype(int))]
    lumas = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in chosen]
    sharpness = [cv2.Laplacian(luma, cv2.CV_64F).var() for luma in lumas]
    looks = None if musiq is None else float(musiq(to_tensor(chosen)[None]))
    return Quality(float(np.mean(lumas)), float(np.mean(sharpness)), looks)


@dataclass(frozen=True)
class QualityFilter:
    """What a clip must be like.

    Attributes:
        brightness: least and most; SimpleGVR drops what is too dark or too bright and names no numbers.
        sharpness: least; 30 in SimpleGVR.
        musiq: least, or None where it does not count; 40 in SimpleGVR.
    """

    brightness: tuple[float, float] = (20.0, 235.0)
    sharpness: float = 30.0
    musiq: float | None = None

    def __post_init__(self):
        low, high = self.brightness
        if not 0 <= low <= high <= 255:
            raise ValueError(
                f"brightness={self.brightness}: no range; allowed 0 ≤ low ≤ high ≤ 255; try (20, 235)"
            )
        if self.sharpness < 0:
            raise ValueError(f"sharpness={self.sharpness}: below 0; allowed 0 (everything) or more; try 30")
        if self.musiq is not None and not 0 <= self.musiq <= 100:
            raise ValueError(
                f"musiq={self.musiq}: no such score; allowed 0 to 100, or None to do without; try 40"
            )

    def describe(self) -> dict[str, Any]:
        """All that counts, as plain values."""
        return {name: bound for name, bound in asdict(self).items() if bound is not None}

    def problem(self, quality: Quality) -> str | None:
        """Why a clip is dropped, as "kind: numbers", or None if it is kept.

        Raises:
            ValueError: MUSIQ counts and was not measured.
        """
        low, high = self.brightness
        if quality.brightness < low:
            return f"dark: brightness {quality.brightness:.1f} under {low:g}"
        if quality.brightness > high:
            return f"bright: brightness {quality.brightness:.1f} over {high:g}"
        if quality.sharpness < self.sharpness:
            return f"blurred: sharpness {quality.sharpness:.1f} under {self.sharpness:g}"
        if self.musiq is not None:
            if quality.musiq is None:
                raise ValueError(
                    f"quality={quality}: MUSIQ was not measured; allowed with it; try measure_quality with its model"
                )
            if quality.musiq < self.musiq:
                return f"poor: MUSIQ {quality.musiq:.1f} under {self.musiq:g}"
        return None
