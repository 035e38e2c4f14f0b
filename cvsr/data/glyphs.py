"""Prints of letters, digits and signs, drawn with a font that ships with matplotlib."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from cvsr.data.lattice import Array, Rng, cell, each

_TILE = 96  # pixels of a glyph before it is reduced to the size that is needed
_MARK = 78  # pixels of its longer side


def glyph_print(glyphs: str) -> Callable[[Array, Array, float, Rng], Array]:
    """The painter of a texture that has one of the glyphs, drawn at random, in every cell of its lattice."""

    def paint(u: Array, v: Array, texel: float, rng: Rng) -> Array:
        side = int(np.clip(1 / texel, 4, _TILE))
        column, row, x, y = cell(u, v, 0.5)
        index = np.minimum(each(column, row, rng) * len(glyphs), len(glyphs) - 1).astype(int)
        across = (np.clip((x + 0.5) * side - 0.5, 0, side - 1) + index * side).astype(np.float32)
        down = ((y + 0.5) * side - 0.5).astype(np.float32)
        return cv2.remap(_atlas(glyphs, side), across, down, cv2.INTER_LINEAR)

    return paint


@lru_cache(maxsize=64)
def _atlas(glyphs: str, side: int) -> Array:
    """The n glyphs side by side, each reduced to `side` pixels: (side, side * n) float32 in [0, 1]."""
    tiles = [cv2.resize(_tile(glyph), (side, side), interpolation=cv2.INTER_AREA) for glyph in glyphs]
    return np.concatenate(tiles, 1).astype(np.float32) / 255


def _tile(glyph: str) -> Array:
    """One glyph, white on black, centred in a square of _TILE pixels, uint8."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    font_file = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf")
    left, top, right, bottom = ImageFont.truetype(font_file, 84).getbbox(glyph)
    font = ImageFont.truetype(font_file, int(84 * _MARK / max(right - left, bottom - top)))
    image = Image.new("L", (_TILE, _TILE))
    ImageDraw.Draw(image).text((_TILE / 2, _TILE / 2), glyph, fill=255, font=font, anchor="mm")
    ys, xs = np.nonzero(np.asarray(image) > 64)
    shift = [[1, 0, _TILE / 2 - (xs.min() + xs.max()) / 2], [0, 1, _TILE / 2 - (ys.min() + ys.max()) / 2]]
    return cv2.warpAffine(np.asarray(image), np.float32(shift), (_TILE, _TILE))
