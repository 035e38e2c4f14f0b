"""JPEG: every frame compressed alone, with one quality, as motion JPEG cameras and saved frames have it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from cvsr.data.degradations.ranges import Range, check_range, uniform_integer


@dataclass(frozen=True)
class Jpeg:
    """Compression by JPEG of `quality` 1 to 100."""

    quality: int

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3), compressed and decompressed."""
        return np.stack([self._compress(frame) for frame in frames])

    def _compress(self, frame: np.ndarray) -> np.ndarray:
        done, file = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        assert done
        return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1]


@dataclass(frozen=True)
class RandomJpeg:
    """Compressions of `quality`, by default that of Real-ESRGAN (Wang et al. 2021, section 4.1)."""

    quality: Range = (30, 95)

    def __post_init__(self):
        check_range("quality", self.quality, 1, 100)

    def sample(self, rng: Generator, size: tuple[int, int]) -> Jpeg:
        """Draw a quality."""
        return Jpeg(uniform_integer(rng, self.quality))
