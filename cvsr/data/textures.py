"""The prints and weaves of the objects: how much of a second colour lies at each point.

Coordinates u, v are in periods of the texture; `texel` is the size of a bitmap pixel in periods, by which
edges are softened. A texture leaves most of the area to the first colour.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cvsr.data.glyphs import glyph_print
from cvsr.data.lattice import cell, each, fill, saw

Array, Rng = np.ndarray, np.random.Generator


@dataclass(frozen=True)
class Texture:
    """`phrase` names it in a caption after the ink ("white polka dots"); `paint` gives its coverage."""

    phrase: str
    paint: Callable[[Array, Array, float, Rng], Array]  # -> (H, W) in [0, 1]


def _polka_dots(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    _, _, x, y = cell(u, v / 0.87, 0.5)
    return fill(np.hypot(x, y * 0.87) - 0.27, texel)


def _stripes(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    return fill(saw(u) - 0.17, texel)


def _checks(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    a, b = fill(saw(u) - 0.21, texel), fill(saw(v) - 0.21, texel)
    return 0.42 * (a + b) + 0.16 * a * b


def _zigzags(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    return fill((saw(v + 0.7 * saw(u)) - 0.19) * 0.82, texel)


def _tartan(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    def bands(x: Array) -> Array:
        return np.maximum(0.62 * fill(saw(x) - 0.16, texel), 0.9 * fill(saw(x + 0.5) - 0.035, texel))

    twill = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 6 * (u + v)))
    return np.clip(bands(u) * (0.4 + 0.6 * twill) + bands(v) * (1.0 - 0.6 * twill), 0, 1) * 0.85


def _bricks(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    _, _, x, y = cell(u, v * 2, 0.5)
    return fill(np.minimum(0.5 - np.abs(x), (0.5 - np.abs(y)) / 2) - 0.05, texel)


def _herringbone(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    slant = np.where(np.floor(u) % 2 == 0, 1.0, -1.0)
    lines = fill((saw(v * 2.2 + slant * u * 2.2) - 0.14) / 3.1, texel)
    return np.maximum(lines, fill(saw(u) - 0.05, texel))


def _scales(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    result = np.ones_like(u)
    for row_shift in (1, 0, -1):  # lower rows lie over the upper ones
        row = np.floor(v * 2) + row_shift
        x = u + 0.5 * (row % 2)
        x = x - np.round(x)
        r = np.hypot(x, v - row / 2)
        inside = r < 0.56
        result = np.where(inside, fill(0.47 - r, texel) * 0.9 + 0.25 * np.clip(r - 0.1, 0, 1), result)
    return np.clip(result, 0, 1)


def _wood_grain(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    waves = rng.random(6) * 6.3
    warp = 0.9 * np.sin(0.5 * v + waves[0]) + 0.5 * np.sin(1.1 * v + 0.35 * u + waves[1])
    warp = warp + 0.7 * np.sin(0.31 * v - 0.6 * u + waves[2])
    return fill(saw(u + 0.7 * warp) - 0.14 - 0.05 * np.sin(2.3 * v + waves[3]), texel * 1.3)


def _basket_weave(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    column, row, x, y = cell(u, v)
    across = (column + row) % 2 == 0
    along, over = np.where(across, x, y), np.where(across, y, x)
    strand = fill(saw(over * 3 + 0.5) / 3 - 0.035, texel)
    return np.maximum(strand, fill(0.46 - np.abs(along), texel)) * (0.75 + 0.25 * np.cos(2 * np.pi * along))


def _houndstooth(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    warp, weft = np.floor(u * 8), np.floor(v * 8)  # four dark threads, four light ones, woven as a 2/2 twill
    over = np.floor((warp + weft) / 2) % 2 == 0
    dark = np.where(over, np.floor(warp / 4) % 2, np.floor(weft / 4) % 2)
    return dark.astype(np.float32) * 0.75


def _honeycomb(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    h = np.sqrt(3.0)
    nearest = [
        np.stack([u - np.round(u), v - h * np.round(v / h)]),
        np.stack([u - np.floor(u) - 0.5, v - h * (np.floor(v / h) + 0.5)]),
    ]
    p = np.where((nearest[0] ** 2).sum(0) < (nearest[1] ** 2).sum(0), nearest[0], nearest[1])
    edge = np.maximum(np.abs(p[0]), np.abs(p[0]) * 0.5 + np.abs(p[1]) * h / 2)
    return fill(0.425 - edge, texel)


def _waves(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    return fill((saw(v + 0.16 * np.sin(2 * np.pi * u)) - 0.17) * 0.75, texel)


def _rings(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    _, _, x, y = cell(u, v, 0.5)
    r = np.hypot(x, y)
    return np.maximum(fill(np.abs(r - 0.34) - 0.065, texel), fill(r - 0.12, texel))


def _argyle(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    column, row, x, y = cell(u, v * 0.7)
    diamond = fill((np.abs(x) + np.abs(y) - 0.5) * 0.7, texel) * ((column + row) % 2)
    dashes = fill(np.abs(np.abs(x) + np.abs(y) - 0.25) * 0.7 - 0.025, texel)
    return np.maximum(0.8 * diamond, dashes * (1 - (column + row) % 2))


def _lattice(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    return np.maximum(fill(saw(u) - 0.085, texel), fill(saw(v) - 0.085, texel))


def _maze(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    column, row, x, y = cell(u, v)
    x = np.where(each(column, row, rng) < 0.5, x, -x)
    arc = np.minimum(np.abs(np.hypot(x - 0.5, y - 0.5) - 0.5), np.abs(np.hypot(x + 0.5, y + 0.5) - 0.5))
    return fill(arc - 0.1, texel)


def _knit(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    _, _, x, _ = cell(u, v)
    stitch = fill((saw(v * 1.3 - 0.9 * np.abs(x)) - 0.14) * 0.6, texel)
    return np.maximum(stitch, fill(0.45 - np.abs(x), texel)) * 0.85


def _speckles(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    column, row, x, y = cell(u * 1.6, v * 1.6, 0.5)
    angle, radius = each(column, row, rng) * 6.28, 0.12 + 0.24 * each(column, row, rng)
    r = np.hypot(x - (0.5 - radius) * np.cos(angle), y - (0.5 - radius) * np.sin(angle))
    return fill((r - radius) / 1.6, texel)


def _leopard_spots(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    column, row, x, y = cell(u, v * 1.1, 0.5)
    a, b = each(column, row, rng) * 6.28, each(column, row, rng)
    x, y = x + 0.1 * np.cos(a), y + 0.1 * np.sin(a)
    r, angle = np.hypot(x, y * 0.9), np.arctan2(y, x)
    outline = np.abs(r - 0.27 - 0.05 * np.sin(3 * angle + a)) - 0.085
    gap = 0.1 - 0.2 * np.abs(np.sin((angle - a) * 0.5 + b)) * r / 0.27
    return fill(np.maximum(outline, gap), texel)


def _plain(u: Array, v: Array, texel: float, rng: Rng) -> Array:
    return np.zeros_like(u)


TEXTURES: dict[str, Texture] = {
    "plain": Texture("", _plain),
    "dots": Texture("polka dots", _polka_dots),
    "stripes": Texture("stripes", _stripes),
    "checks": Texture("checks", _checks),
    "zigzags": Texture("zigzags", _zigzags),
    "tartan": Texture("tartan", _tartan),
    "bricks": Texture("brickwork", _bricks),
    "herringbone": Texture("herringbone", _herringbone),
    "scales": Texture("scales", _scales),
    "wood grain": Texture("wood grain", _wood_grain),
    "basket weave": Texture("basket weave", _basket_weave),
    "houndstooth": Texture("houndstooth", _houndstooth),
    "honeycomb": Texture("honeycomb", _honeycomb),
    "waves": Texture("waves", _waves),
    "rings": Texture("rings", _rings),
    "argyle": Texture("argyle", _argyle),
    "lattice": Texture("lattice", _lattice),
    "maze": Texture("maze lines", _maze),
    "knit": Texture("knitting", _knit),
    "speckles": Texture("speckles", _speckles),
    "leopard": Texture("leopard spots", _leopard_spots),
    "letters": Texture("letters", glyph_print("ABEGKMQRSW")),
    "digits": Texture("digits", glyph_print("23456789")),
    "little stars": Texture("little stars", glyph_print("★")),
    "little hearts": Texture("little hearts", glyph_print("♥")),
    "music notes": Texture("music notes", glyph_print("♪♫♬")),
    "symbols": Texture("symbols", glyph_print("@&%#$?§")),
}
