"""An object painted once, flat, as a bitmap that every frame of a clip then moves, lights and lays down.

Legend: S side of the square bitmap in pixels; it spans 1 + 2·MARGIN of the object's longer side.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from cvsr.data.palette import ink_rgb, rgb
from cvsr.data.scenes import SCALES, ObjectSpec
from cvsr.data.shapes import Polygon, Shape, shape
from cvsr.data.textures import TEXTURES

MARGIN = 0.04
SHADOW_MARGIN = 0.3
_SUPERSAMPLING = 3
_SHIFT = 8  # fractional bits of cv2's polygon corners


@dataclass(frozen=True)
class Bitmap:
    """Colour, coverage and surface direction of an object.

    `colour` (S, S, 3) and `alpha` (S, S) float32 in [0, 1]; `normal` (S, S, 2) the x and y part of the unit
    normal; `shadow` (s, s) the blurred coverage, spanning 1 + 2·SHADOW_MARGIN of the object.
    """

    colour: np.ndarray
    alpha: np.ndarray
    normal: np.ndarray
    shadow: np.ndarray

    @property
    def shadow_span(self) -> float:
        """Side of the shadow bitmap in units of the object's longer side."""
        return self.shadow.shape[0] / _shadow_side(self.alpha) * (1 + 2 * MARGIN)

    def lit(self, light: np.ndarray, gloss: float = 0.3) -> np.ndarray:
        """Premultiplied RGBA (S, S, 4) under light from one direction (x, y, z as the bitmap sees it)."""
        nx, ny = self.normal[..., 0], self.normal[..., 1]
        nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))
        diffuse = np.maximum(nx * light[0] + ny * light[1] + nz * light[2], 0)
        half = light + np.array([0, 0, 1])  # halfway to the eye (Blinn)
        half = half / np.linalg.norm(half)
        shine = np.maximum(nx * np.float32(half[0]) + ny * np.float32(half[1]) + nz * np.float32(half[2]), 0)
        for _ in range(5):  # to the power of 32
            shine = shine * shine
        shade = (np.float32(0.46) + np.float32(0.68) * diffuse) * self.alpha
        shine = shine * self.alpha * np.float32(gloss)
        out = np.empty((*self.alpha.shape, 4), np.float32)
        for c in range(3):
            out[..., c] = np.minimum(self.colour[..., c] * shade + shine, self.alpha)
        out[..., 3] = self.alpha
        return out


def paint(spec: ObjectSpec, pixels: float) -> Bitmap:
    """Paint an object whose longer side is `pixels` long."""
    side = max(8, int(np.ceil(pixels * (1 + 2 * MARGIN))))
    form = shape(spec.kind)
    rng = np.random.default_rng(spec.seed)
    alpha = _coverage(form.body, side)
    if form.holes:
        alpha = alpha * (1 - _coverage(form.holes, side))
    colour = _textured(spec, form, side, rng)
    for part in form.parts:
        cover = _coverage([part.polygon], side)[..., None]
        if isinstance(part.paint, tuple):
            colour += (np.array(part.paint, np.float32) / 255 - colour) * cover
        else:
            colour *= 1 + (np.float32(part.paint) - 1) * cover
    return Bitmap(colour, alpha, _normals(alpha, form, side), _shadow(alpha))


def _coverage(polygons: list[Polygon], side: int) -> np.ndarray:
    """Anti-aliased coverage (S, S) of the union of the polygons."""
    fine = np.zeros((side * _SUPERSAMPLING, side * _SUPERSAMPLING), np.uint8)
    scale = side * _SUPERSAMPLING / (1 + 2 * MARGIN)
    for polygon in polygons:
        corners = (polygon + 0.5 + MARGIN) * scale - 0.5
        cv2.fillPoly(fine, [np.round(corners * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_8, _SHIFT)
    return cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _textured(spec: ObjectSpec, form: Shape, side: int, rng: np.random.Generator) -> np.ndarray:
    """The object's colour with its print in the second colour, (S, S, 3)."""
    angle, shift = rng.uniform(-0.5, 0.5), rng.random(2) * 8
    line = ((np.arange(side, dtype=np.float32) + 0.5) / side - 0.5) * (1 + 2 * MARGIN)
    x, y = np.tile(line, (side, 1)), np.tile(line[:, None], side)
    for polygon, sides in form.faces:
        face = _coverage([polygon], side) > 0.5
        x[face], y[face] = np.linalg.inv(sides.T).astype(np.float32) @ np.stack([x[face], y[face]])
        angle = 0.0
    x, y = x * SCALES[spec.scale], y * SCALES[spec.scale]
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = x * c + y * s + np.float32(shift[0]), y * c - x * s + np.float32(shift[1])
    texel = SCALES[spec.scale] * (1 + 2 * MARGIN) / side
    cover = TEXTURES[spec.texture].paint(u, v, texel, rng).astype(np.float32)
    base = rgb(spec.colour)
    painted = base + (ink_rgb(spec.colour, spec.ink) - base) * cover[..., None]
    return painted * np.array(spec.tint, np.float32)


def _normals(alpha: np.ndarray, form: Shape, side: int) -> np.ndarray:
    """The silhouette rounded off like a cushion: along its edge runs a quarter circle, wide as the bevel."""
    reach = form.bevel * side / (1 + 2 * MARGIN)
    solid = cv2.copyMakeBorder((alpha > 0.5).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    depth = 1 - np.minimum(inside / reach, 1)
    height = np.sqrt(1 - depth * depth) * reach
    height = cv2.GaussianBlur(height, (0, 0), 0.5 + 0.012 * side)
    slope = np.stack(
        [
            -cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8),
            -cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8),
        ],
        -1,
    )
    return slope / np.sqrt(1 + (slope * slope).sum(-1, keepdims=True))


def _shadow(alpha: np.ndarray) -> np.ndarray:
    """The coverage, blurred, at a quarter of the resolution with room around it."""
    side = _shadow_side(alpha)
    pad = round(side / (1 + 2 * MARGIN) * (SHADOW_MARGIN - MARGIN))
    small = cv2.copyMakeBorder(
        cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA), pad, pad, pad, pad, cv2.BORDER_CONSTANT
    )
    return cv2.GaussianBlur(small, (0, 0), 0.3 + 0.05 * side)


def _shadow_side(alpha: np.ndarray) -> int:
    return max(4, alpha.shape[0] // 4)
