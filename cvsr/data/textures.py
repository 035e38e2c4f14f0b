"""The prints and weaves of the objects: how much of a second colour lies at each point.

Coordinates u, v are in periods of the texture; `texel` is the size of a bitmap pixel in periods, by which
edges are softened. A texture leaves most of the area to the first colour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

_TILE = 96  # pixels of a glyph before it is reduced to the size that is needed


@dataclass(frozen=True)
class Texture:
    """`phrase` names it in a caption after the ink ("white polka dots"); `paint` gives its coverage."""

    phrase: str
    paint: Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]  # -> (H, W) in [0, 1]


def _fill(distance: np.ndarray, texel: float) -> np.ndarray:
    """Coverage of the region where a signed distance (in periods) is negative, one pixel soft at the edge."""
    return np.clip(0.5 - distance / texel, 0, 1)


def _saw(x: np.ndarray) -> np.ndarray:
    """Distance to the nearest whole number, in [0, 0.5]."""
    return np.abs(x - np.round(x))


def _cell(u: np.ndarray, v: np.ndarray, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lattice column and row, and the place in the cell in [-0.5, 0.5]; odd rows are moved by `shift`."""
    row = np.round(v)
    u = u + np.float32(shift) * (row % 2)
    column = np.round(u)
    return column.astype(int), row.astype(int), u - column, v - row


def _each(column: np.ndarray, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random number in [0, 1) for each cell."""
    return rng.random((64, 64), dtype=np.float32)[row % 64, column % 64]


def polka_dots(u, v, texel, rng):
    _, _, x, y = _cell(u, v / 0.87, 0.5)
    return _fill(np.hypot(x, y * 0.87) - 0.27, texel)


def stripes(u, v, texel, rng):
    return _fill(_saw(u) - 0.17, texel)


def checks(u, v, texel, rng):
    a, b = _fill(_saw(u) - 0.21, texel), _fill(_saw(v) - 0.21, texel)
    return 0.42 * (a + b) + 0.16 * a * b


def zigzags(u, v, texel, rng):
    return _fill((_saw(v + 0.7 * _saw(u)) - 0.19) * 0.82, texel)


def tartan(u, v, texel, rng):
    def bands(x):
        return np.maximum(0.62 * _fill(_saw(x) - 0.16, texel), 0.9 * _fill(_saw(x + 0.5) - 0.035, texel))

    twill = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 6 * (u + v)))
    return np.clip(bands(u) * (0.4 + 0.6 * twill) + bands(v) * (1.0 - 0.6 * twill), 0, 1) * 0.85


def bricks(u, v, texel, rng):
    _, _, x, y = _cell(u, v * 2, 0.5)
    return _fill(np.minimum(0.5 - np.abs(x), (0.5 - np.abs(y)) / 2) - 0.05, texel)


def herringbone(u, v, texel, rng):
    slant = np.where(np.floor(u) % 2 == 0, 1.0, -1.0)
    lines = _fill((_saw(v * 2.2 + slant * u * 2.2) - 0.14) / 3.1, texel)
    return np.maximum(lines, _fill(_saw(u) - 0.05, texel))


def scales(u, v, texel, rng):
    result = np.ones_like(u)
    for row_shift in (1, 0, -1):  # lower rows lie over the upper ones
        row = np.floor(v * 2) + row_shift
        x = u + 0.5 * (row % 2)
        x = x - np.round(x)
        r = np.hypot(x, v - row / 2)
        inside = r < 0.56
        result = np.where(inside, _fill(0.47 - r, texel) * 0.9 + 0.25 * np.clip(r - 0.1, 0, 1), result)
    return np.clip(result, 0, 1)


def wood_grain(u, v, texel, rng):
    waves = rng.random(6) * 6.3
    warp = 0.9 * np.sin(0.5 * v + waves[0]) + 0.5 * np.sin(1.1 * v + 0.35 * u + waves[1])
    warp = warp + 0.7 * np.sin(0.31 * v - 0.6 * u + waves[2])
    return _fill(_saw(u + 0.7 * warp) - 0.14 - 0.05 * np.sin(2.3 * v + waves[3]), texel * 1.3)


def basket_weave(u, v, texel, rng):
    column, row, x, y = _cell(u, v)
    across = (column + row) % 2 == 0
    along, over = np.where(across, x, y), np.where(across, y, x)
    strand = _fill(_saw(over * 3 + 0.5) / 3 - 0.035, texel)
    return np.maximum(strand, _fill(0.46 - np.abs(along), texel)) * (0.75 + 0.25 * np.cos(2 * np.pi * along))


def houndstooth(u, v, texel, rng):
    warp, weft = np.floor(u * 8), np.floor(v * 8)  # four dark threads, four light ones, woven as a 2/2 twill
    over = np.floor((warp + weft) / 2) % 2 == 0
    dark = np.where(over, np.floor(warp / 4) % 2, np.floor(weft / 4) % 2)
    return dark.astype(np.float32) * 0.75


def honeycomb(u, v, texel, rng):
    h = np.sqrt(3.0)
    nearest = [np.stack([u - np.round(u), v - h * np.round(v / h)]),
               np.stack([u - np.floor(u) - 0.5, v - h * (np.floor(v / h) + 0.5)])]
    p = np.where((nearest[0] ** 2).sum(0) < (nearest[1] ** 2).sum(0), nearest[0], nearest[1])
    edge = np.maximum(np.abs(p[0]), np.abs(p[0]) * 0.5 + np.abs(p[1]) * h / 2)
    return _fill(0.425 - edge, texel)


def waves(u, v, texel, rng):
    return _fill((_saw(v + 0.16 * np.sin(2 * np.pi * u)) - 0.17) * 0.75, texel)


def rings(u, v, texel, rng):
    _, _, x, y = _cell(u, v, 0.5)
    r = np.hypot(x, y)
    return np.maximum(_fill(np.abs(r - 0.34) - 0.065, texel), _fill(r - 0.12, texel))


def argyle(u, v, texel, rng):
    column, row, x, y = _cell(u, v * 0.7)
    diamond = _fill((np.abs(x) + np.abs(y) - 0.5) * 0.7, texel) * ((column + row) % 2)
    dashes = _fill(np.abs(np.abs(x) + np.abs(y) - 0.25) * 0.7 - 0.025, texel)
    return np.maximum(0.8 * diamond, dashes * (1 - (column + row) % 2))


def lattice(u, v, texel, rng):
    return np.maximum(_fill(_saw(u) - 0.085, texel), _fill(_saw(v) - 0.085, texel))


def maze(u, v, texel, rng):
    column, row, x, y = _cell(u, v)
    x = np.where(_each(column, row, rng) < 0.5, x, -x)
    arc = np.minimum(np.abs(np.hypot(x - 0.5, y - 0.5) - 0.5), np.abs(np.hypot(x + 0.5, y + 0.5) - 0.5))
    return _fill(arc - 0.1, texel)


def knit(u, v, texel, rng):
    _, _, x, _ = _cell(u, v)
    stitch = _fill((_saw(v * 1.3 - 0.9 * np.abs(x)) - 0.14) * 0.6, texel)
    return np.maximum(stitch, _fill(0.45 - np.abs(x), texel)) * 0.85


def speckles(u, v, texel, rng):
    column, row, x, y = _cell(u * 1.6, v * 1.6, 0.5)
    angle, radius = _each(column, row, rng) * 6.28, 0.12 + 0.24 * _each(column, row, rng)
    r = np.hypot(x - (0.5 - radius) * np.cos(angle), y - (0.5 - radius) * np.sin(angle))
    return _fill((r - radius) / 1.6, texel)


def leopard_spots(u, v, texel, rng):
    column, row, x, y = _cell(u, v * 1.1, 0.5)
    a, b = _each(column, row, rng) * 6.28, _each(column, row, rng)
    x, y = x + 0.1 * np.cos(a), y + 0.1 * np.sin(a)
    r, angle = np.hypot(x, y * 0.9), np.arctan2(y, x)
    outline = np.abs(r - 0.27 - 0.05 * np.sin(3 * angle + a)) - 0.085
    gap = 0.1 - 0.2 * np.abs(np.sin((angle - a) * 0.5 + b)) * r / 0.27
    return _fill(np.maximum(outline, gap), texel)


@lru_cache(maxsize=64)
def _atlas(glyphs: str, side: int) -> np.ndarray:
    """White glyphs side by side, (side, side * n) float32 in [0, 1], drawn large and reduced to `side` pixels."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    font_file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans-Bold.ttf"
    tiles = []
    for glyph in glyphs:
        font = ImageFont.truetype(str(font_file), 84)
        left, top, right, bottom = font.getbbox(glyph)
        font = ImageFont.truetype(str(font_file), int(84 * 78 / max(right - left, bottom - top)))
        image = Image.new("L", (_TILE, _TILE))
        ImageDraw.Draw(image).text((_TILE / 2, _TILE / 2), glyph, fill=255, font=font, anchor="mm")
        tile = np.asarray(image)
        ys, xs = np.nonzero(tile > 64)
        shift = np.float32([[1, 0, _TILE / 2 - (xs.min() + xs.max()) / 2], [0, 1, _TILE / 2 - (ys.min() + ys.max()) / 2]])
        tile = cv2.warpAffine(tile, shift, (_TILE, _TILE))
        tiles.append(cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA))
    return np.concatenate(tiles, 1).astype(np.float32) / 255


def _print(glyphs: str):
    """A texture of glyphs, one drawn at random for every cell of a half-shifted lattice."""

    def paint(u, v, texel, rng):
        side = int(np.clip(1 / texel, 4, _TILE))
        column, row, x, y = _cell(u, v, 0.5)
        index = np.minimum(_each(column, row, rng) * len(glyphs), len(glyphs) - 1).astype(int)
        across = (np.clip((x + 0.5) * side - 0.5, 0, side - 1) + index * side).astype(np.float32)
        return cv2.remap(_atlas(glyphs, side), across, ((y + 0.5) * side - 0.5).astype(np.float32), cv2.INTER_LINEAR)

    return paint


def plain(u, v, texel, rng):
    return np.zeros_like(u)


TEXTURES: dict[str, Texture] = {
    "plain": Texture("", plain),
    "dots": Texture("polka dots", polka_dots),
    "stripes": Texture("stripes", stripes),
    "checks": Texture("checks", checks),
    "zigzags": Texture("zigzags", zigzags),
    "tartan": Texture("tartan", tartan),
    "bricks": Texture("brickwork", bricks),
    "herringbone": Texture("herringbone", herringbone),
    "scales": Texture("scales", scales),
    "wood grain": Texture("wood grain", wood_grain),
    "basket weave": Texture("basket weave", basket_weave),
    "houndstooth": Texture("houndstooth", houndstooth),
    "honeycomb": Texture("honeycomb", honeycomb),
    "waves": Texture("waves", waves),
    "rings": Texture("rings", rings),
    "argyle": Texture("argyle", argyle),
    "lattice": Texture("lattice", lattice),
    "maze": Texture("maze lines", maze),
    "knit": Texture("knitting", knit),
    "speckles": Texture("speckles", speckles),
    "leopard": Texture("leopard spots", leopard_spots),
    "letters": Texture("letters", _print("ABEGKMQRSW")),
    "digits": Texture("digits", _print("23456789")),
    "little stars": Texture("little stars", _print("★")),
    "little hearts": Texture("little hearts", _print("♥")),
    "music notes": Texture("music notes", _print("♪♫♬")),
    "symbols": Texture("symbols", _print("@&%#$?§")),
}
