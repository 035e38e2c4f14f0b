"""Random fields on a grid of scene coordinates: the same field at every resolution, only sampled more finely.

Legend: H rows, W columns of the bitmap that is painted; coordinates are in frame heights.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_TABLE = 128  # cells after which a field repeats: wider than any frame for all but the finest octaves


@dataclass(frozen=True)
class Grid:
    """An axis-aligned grid of sample points: `x` (W,), `y` (H,) float64 and their spacing `texel`."""

    x: np.ndarray
    y: np.ndarray
    texel: float

    @classmethod
    def covering(cls, low: np.ndarray, high: np.ndarray, texel: float) -> "Grid":
        """The grid of pixel centres `texel` apart that covers the box from `low` to `high`, each (x, y)."""
        first = np.floor(np.asarray(low) / texel).astype(int)
        last = np.ceil(np.asarray(high) / texel).astype(int) + 1
        return cls(
            (np.arange(first[0], last[0]) + 0.5) * texel, (np.arange(first[1], last[1]) + 0.5) * texel, texel
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (H, W)."""
        return len(self.y), len(self.x)

    def noise(self, frequency: float | tuple[float, float], rng: np.random.Generator) -> np.ndarray:
        """Smooth value noise (H, W) in [0, 1] with `frequency` (or x and y frequencies) cells a unit."""
        fx, fy = frequency if isinstance(frequency, tuple) else (frequency, frequency)
        table = rng.random((_TABLE, _TABLE), dtype=np.float32)
        shift = rng.random(2) * _TABLE
        left, right, ease = _neighbours(self.x * fx + shift[0])
        columns = table[:, left] + (table[:, right] - table[:, left]) * ease  # (n, W)
        above, below, ease = _neighbours(self.y * fy + shift[1])
        return columns[above] + (columns[below] - columns[above]) * ease[:, None]  # (H, W)

    def fractal(
        self,
        frequency: float | tuple[float, float],
        rng: np.random.Generator,
        gain: float = 0.5,
        octaves: int = 5,
    ) -> np.ndarray:
        """Octaves of noise (H, W), about [0, 1], mean 0.5; those finer than the grid are left out."""
        f = np.array(frequency if isinstance(frequency, tuple) else (frequency, frequency), dtype=float)
        total = np.zeros(self.shape, np.float32)
        weight = norm = 1.0
        for octave_rng in rng.spawn(octaves):
            if f.max() * self.texel <= 0.7:
                total += weight * (self.noise((f[0], f[1]), octave_rng) - 0.5)
            norm += weight
            weight, f = weight * gain, f * 2
        return 0.5 + total * (2.2 / norm)

    def cells(self, frequency: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Worley's cells (H, W): distance to the nearest and to the next site, and a random number a cell."""
        jitter = 0.15 + 0.7 * rng.random((3, _TABLE, _TABLE), dtype=np.float32)
        cx, cy = np.floor(self.x * frequency).astype(int), np.floor(self.y * frequency).astype(int)
        fx, fy = (
            (self.x * frequency - cx).astype(np.float32),
            (self.y * frequency - cy).astype(np.float32)[:, None],
        )
        first, second = np.full(self.shape, 9, np.float32), np.full(self.shape, 9, np.float32)
        value = np.zeros(self.shape, np.float32)
        for dy in (-1, 0, 1):
            rows = jitter[:, (cy + dy) % _TABLE]  # (3, H, n)
            for dx in (-1, 0, 1):
                jx, jy, own = rows[:, :, (cx + dx) % _TABLE]  # each (H, W)
                distance = (jx + (dx - fx)) ** 2 + (jy + (dy - fy)) ** 2
                nearer = distance < first
                second = np.where(nearer, first, np.minimum(second, distance))
                first = np.minimum(first, distance)
                value = np.where(nearer, own, value)
        return np.sqrt(first), np.sqrt(second), (value - 0.15) / 0.7

    def relief(self, height: np.ndarray, strength: float) -> np.ndarray:
        """Shading (H, W) around 1 of a height field (in frame heights) lit from the upper left."""
        slope = cv2.Sobel(height.astype(np.float32), cv2.CV_32F, 1, 0, scale=1 / (8 * self.texel))
        slope += cv2.Sobel(height.astype(np.float32), cv2.CV_32F, 0, 1, scale=1 / (8 * self.texel))
        return 1 + np.tanh(strength * slope) * 0.5


def _neighbours(position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the table's cells before and after each position, and the eased way between them in [0,
    1].
    """
    cell = np.floor(position).astype(int)
    f = (position - cell).astype(np.float32)
    return cell % _TABLE, (cell + 1) % _TABLE, f * f * f * (f * (6 * f - 15) + 10)
