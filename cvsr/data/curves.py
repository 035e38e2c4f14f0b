"""Closed curves as polygons, x to the right and y down: what the object kinds are cut out of."""

from collections.abc import Callable

import numpy as np

Polygon = np.ndarray  # (n, 2) float64, closed


def ellipse(
    x: float, y: float, rx: float, ry: float | None = None, start: float = 0, stop: float = 360
) -> Polygon:
    """An ellipse (a circle without `ry`), or its arc between two angles in degrees (0 right, 90 down)."""
    a = np.radians(np.linspace(start, stop, 97))
    return np.stack([x + rx * np.cos(a), y + (rx if ry is None else ry) * np.sin(a)], 1)


def rounded(points: list[tuple[float, float]], radius: float) -> Polygon:
    """The polygon with each corner replaced by a parabola that starts `radius` (at most half a side)
    before it.
    """
    p = np.array(points, dtype=float)
    s = np.linspace(0, 1, 9)[:, None]
    corners = []
    for before, corner, after in zip(np.roll(p, 1, 0), p, np.roll(p, -1, 0), strict=True):
        a, b = before - corner, after - corner
        a *= min(radius / np.hypot(*a), 0.5)
        b *= min(radius / np.hypot(*b), 0.5)
        corners.append(corner + a * (1 - s) ** 2 + b * s**2)
    return np.concatenate(corners)


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.0) -> Polygon:
    """An upright rectangle with rounded corners."""
    return rounded([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], max(radius, 1e-3))


def smooth(points: list[tuple[float, float]]) -> Polygon:
    """A closed Catmull-Rom curve through the points."""
    p = np.array(points, dtype=float)
    a, b, c, d = (np.roll(p, k, 0)[:, None] for k in (1, 0, -1, -2))
    t = np.linspace(0, 1, 13)[:-1, None]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curve.reshape(-1, 2)


def mirrored(polygon: Polygon) -> Polygon:
    """The polygon seen in a mirror that stands on the y axis."""
    return polygon * (-1, 1)


def polar(radius: Callable[[np.ndarray], np.ndarray]) -> Polygon:
    """The curve of a radius over the angle (in radians, clockwise from the top)."""
    a = np.linspace(0, 2 * np.pi, 181)
    return radius(a)[:, None] * np.stack([np.sin(a), -np.cos(a)], 1)
