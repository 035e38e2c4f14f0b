"""What the textures are drawn with: soft edges and the cells of a regular lattice."""

import numpy as np

Array, Rng = np.ndarray, np.random.Generator


def fill(distance: Array, texel: float) -> Array:
    """Coverage of the region where a signed distance (in periods) is negative, one pixel soft at the edge."""
    return np.clip(0.5 - distance / texel, 0, 1)


def saw(x: Array) -> Array:
    """Distance to the nearest whole number, in [0, 0.5]."""
    return np.abs(x - np.round(x))


def cell(u: Array, v: Array, shift: float = 0.0) -> tuple[Array, Array, Array, Array]:
    """Lattice column and row, and the place in the cell in [-0.5, 0.5]; odd rows are moved by `shift`."""
    row = np.round(v)
    u = u + np.float32(shift) * (row % 2)
    column = np.round(u)
    return column.astype(int), row.astype(int), u - column, v - row


def each(column: Array, row: Array, rng: Rng) -> Array:
    """A random number in [0, 1) for each cell."""
    return rng.random((64, 64), dtype=np.float32)[row % 64, column % 64]
