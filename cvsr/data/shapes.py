"""The object kinds: silhouettes and their few fixed parts as polygons, x to the right and y down.

A shape is normalised when it is drawn: its body's longer side is 1, centred on the origin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from cvsr.data.curves import Polygon, box, ellipse, mirrored, polar, rounded, smooth

BROWN, DARK, GLASS, CREAM = (112, 74, 44), (38, 36, 42), (176, 214, 232), (250, 236, 196)


@dataclass(frozen=True)
class Part:
    """A region painted over the texture: a colour (RGB tuple), or a shade that multiplies what is there."""

    polygon: Polygon
    paint: tuple[int, int, int] | float


@dataclass(frozen=True)
class Shape:
    """`body` polygons take colour and texture, `holes` are cut out; `bevel` is how far the rounding
    reaches in.

    `faces` are seen at a slant: the texture there follows two sides of the face (rows of a 2x2 matrix).
    """

    body: list[Polygon]
    holes: list[Polygon]
    parts: list[Part]
    bevel: float = 0.16
    faces: tuple[tuple[Polygon, np.ndarray], ...] = ()

    def normalised(self) -> "Shape":
        """The shape moved and scaled so that the longer side of what is painted is 1, around the origin."""
        points = np.concatenate(self.body + [p.polygon for p in self.parts if isinstance(p.paint, tuple)])
        low, high = points.min(0), points.max(0)
        centre, side = (low + high) / 2, float((high - low).max())

        def fit(polygon: Polygon) -> Polygon:
            return (polygon - centre) / side

        parts = [Part(fit(p.polygon), p.paint) for p in self.parts]
        return Shape([fit(p) for p in self.body], [fit(p) for p in self.holes], parts, self.bevel,
                     tuple((fit(p), sides) for p, sides in self.faces))


def _ball() -> Shape:
    return Shape([ellipse(0, 0, 1)], [], [], bevel=0.5)


def _cube() -> Shape:
    h = np.sqrt(3) / 2
    a, b, c, d, e, f, o = (0, -1), (h, -0.5), (h, 0.5), (0, 1), (-h, 0.5), (-h, -0.5), (0, 0)
    top, left, right = (np.array(p, dtype=float) for p in ([f, a, b, o], [f, o, d, e], [o, b, c, d]))
    parts = [Part(top, 1.2), Part(left, 0.92), Part(right, 0.56)]
    sides = [np.array(m) for m in ([(h, -0.5), (h, 0.5)], [(h, 0.5), (0, 1)], [(h, -0.5), (0, 1)])]
    faces = tuple(zip((top, left, right), sides, strict=True))
    return Shape([rounded([a, b, c, d, e, f], 0.05)], [], parts, bevel=0.03, faces=faces)


def _star() -> Shape:
    a = np.arange(10) * np.pi / 5
    r = np.where(np.arange(10) % 2, 0.5, 1.0)
    return Shape([rounded(list(zip(r * np.sin(a), -r * np.cos(a), strict=True)), 0.14)], [], [])


def _heart() -> Shape:
    a = np.linspace(0, 2 * np.pi, 121)
    y = 13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)
    return Shape([np.stack([16 * np.sin(a) ** 3, -y], 1)], [], [], bevel=0.22)


def _ring() -> Shape:
    return Shape([ellipse(0, 0, 1)], [ellipse(0, 0, 0.44)], [], bevel=0.14)


def _cross() -> Shape:
    w = 0.36
    points = [(-w, -1), (w, -1), (w, -w), (1, -w), (1, w), (w, w), (w, 1), (-w, 1), (-w, w), (-1, w),
              (-1, -w), (-w, -w)]
    return Shape([rounded(points, 0.14)], [], [], bevel=0.12)


def _triangle() -> Shape:
    return Shape([rounded([(0, -1), (1.1, 0.85), (-1.1, 0.85)], 0.2)], [], [], bevel=0.12)


def _fish() -> Shape:
    body = smooth([(-1, 0.02), (-0.72, -0.36), (-0.2, -0.58), (0.35, -0.36), (0.66, -0.06), (0.66, 0.1),
                   (0.35, 0.4), (-0.2, 0.6), (-0.72, 0.4)])
    tail = smooth([(0.5, 0), (0.8, -0.22), (1.15, -0.56), (1.22, -0.5), (1.04, 0.02), (1.22, 0.54),
                   (1.15, 0.6), (0.8, 0.26)])
    fin = smooth([(-0.4, -0.5), (-0.1, -0.86), (0.36, -0.78), (0.3, -0.38)])
    side = smooth([(-0.16, 0.1), (0.16, 0.02), (0.3, 0.24), (0.1, 0.34), (-0.08, 0.26)])
    eye = [Part(ellipse(-0.62, -0.1, 0.14), CREAM), Part(ellipse(-0.65, -0.1, 0.075), DARK)]
    return Shape([body, tail, fin], [], [Part(side, 0.72), Part(tail, 0.86), *eye], bevel=0.2)


def _mug() -> Shape:
    cup = rounded([(-0.72, -0.8), (0.52, -0.8), (0.48, 0.85), (-0.68, 0.85)], 0.22)
    rim = ellipse(-0.1, -0.8, 0.62, 0.15)
    handle, grip = ellipse(0.56, 0.0, 0.48, 0.52), ellipse(0.56, 0.0, 0.27, 0.31)
    grip = np.maximum(grip, (0.505, -1))  # not into the cup
    coffee = ellipse(-0.1, -0.79, 0.53, 0.105)
    return Shape([cup, rim, handle], [grip], [Part(rim, 1.1), Part(coffee, (74, 46, 30))], bevel=0.16)


def _car() -> Shape:
    body = smooth([(-1.2, 0.3), (-1.2, -0.02), (-1.0, -0.12), (-0.68, -0.2), (-0.4, -0.62), (0.0, -0.7),
                   (0.4, -0.64), (0.72, -0.2), (1.08, -0.1), (1.22, 0.1), (1.2, 0.34), (1.0, 0.38),
                   (0, 0.38), (-1.05, 0.38)])
    front = rounded([(-0.54, -0.2), (-0.33, -0.53), (-0.04, -0.57), (-0.04, -0.2)], 0.06)
    rear = rounded([(0.05, -0.2), (0.05, -0.57), (0.35, -0.52), (0.55, -0.2)], 0.06)
    parts = [Part(front, GLASS), Part(rear, GLASS), Part(ellipse(-1.12, 0.02, 0.07, 0.09), CREAM)]
    for x in (-0.66, 0.68):
        parts += [Part(ellipse(x, 0.36, 0.27), DARK), Part(ellipse(x, 0.36, 0.13), (196, 198, 204))]
    return Shape([body], [], parts, bevel=0.16)


def _house() -> Shape:
    walls, roof = box(-0.78, -0.15, 0.78, 0.95, 0.03), rounded([(-1.05, -0.1), (0, -1.05), (1.05, -0.1)], 0.1)
    chimney = box(0.42, -0.95, 0.66, -0.3, 0.02)
    parts = [Part(chimney, 0.6), Part(roof, 0.66), Part(box(-0.16, 0.34, 0.22, 0.95, 0.05), BROWN),
             Part(box(-0.6, 0.12, -0.3, 0.42, 0.04), CREAM), Part(box(0.36, 0.12, 0.62, 0.42, 0.04), CREAM)]
    return Shape([walls, roof, chimney], [], parts, bevel=0.05)


def _tree() -> Shape:
    crown = [ellipse(0, -0.45, 0.62, 0.58), ellipse(-0.46, -0.05, 0.5, 0.46), ellipse(0.46, -0.05, 0.5, 0.46),
             ellipse(0, 0.05, 0.5, 0.42)]
    trunk = rounded([(-0.13, 0.3), (0.13, 0.3), (0.2, 1.1), (-0.2, 1.1)], 0.05)
    return Shape([*crown, trunk], [], [Part(np.maximum(trunk, (-1, 0.42)), BROWN)], bevel=0.24)


def _leaf() -> Shape:
    blade = smooth([(0, -1.05), (0.3, -0.66), (0.56, -0.14), (0.46, 0.4), (0.04, 0.8), (-0.04, 0.8),
                    (-0.46, 0.4), (-0.56, -0.14), (-0.3, -0.66)])
    stem = rounded([(-0.035, 0.6), (0.035, 0.6), (0.05, 1.15), (-0.05, 1.15)], 0.02)
    veins = [np.array([(-0.025, -0.9), (0.025, -0.9), (0.035, 0.8), (-0.035, 0.8)])]
    for y in (-0.42, -0.06, 0.3):
        vein = np.array([(0, y + 0.18), (0.4, y - 0.12), (0.4, y - 0.09), (0, y + 0.23)])
        veins += [vein, mirrored(vein)]
    return Shape([blade, stem], [], [Part(v, 0.6) for v in veins], bevel=0.16)


def _butterfly() -> Shape:
    upper = smooth([(0.03, -0.1), (0.3, -0.66), (0.8, -0.92), (1.08, -0.66), (0.96, -0.2), (0.5, 0.08),
                    (0.05, 0.1)])
    lower = smooth([(0.04, 0.0), (0.5, 0.08), (0.82, 0.34), (0.72, 0.74), (0.4, 0.86), (0.14, 0.5)])
    body = ellipse(0, 0.02, 0.075, 0.56)
    feeler = np.array([(0.01, -0.45), (0.24, -0.88), (0.28, -0.86), (0.04, -0.42)])
    wings = [upper, lower]
    parts = [Part(lower, 0.8), Part(mirrored(lower), 0.8)]
    parts += [Part(p, DARK) for p in (feeler, mirrored(feeler), body)]
    return Shape([*wings, *map(mirrored, wings), body, feeler, mirrored(feeler)], [], parts, bevel=0.1)


def _arrow() -> Shape:
    points = [(-1, -0.3), (0.05, -0.3), (0.05, -0.78), (1.05, 0), (0.05, 0.78), (0.05, 0.3), (-1, 0.3)]
    return Shape([rounded(points, 0.12)], [], [], bevel=0.12)


def _crescent() -> Shape:
    outer, inner = ellipse(0, 0, 1, None, 50, 310), ellipse(0.5, 0, 0.787, None, 283.2, 76.8)
    return Shape([np.concatenate([outer, inner])], [], [], bevel=0.16)


def _mushroom() -> Shape:
    cap = smooth([(-1, 0.05), (-0.86, -0.48), (-0.4, -0.88), (0.1, -0.93), (0.6, -0.74), (0.94, -0.28),
                  (1, 0.05), (0.55, 0.17), (0, 0.2), (-0.55, 0.17)])
    stem = smooth([(-0.26, 0.1), (0.26, 0.1), (0.27, 0.5), (0.36, 0.88), (0, 0.97), (-0.36, 0.88),
                   (-0.27, 0.5)])
    under = stem[stem[:, 1] > 0.16]
    return Shape([cap, stem], [], [Part(under, CREAM)], bevel=0.2)


def _rocket() -> Shape:
    hull = smooth([(0, -1.2), (0.24, -0.86), (0.38, -0.3), (0.34, 0.4), (0.24, 0.72), (-0.24, 0.72),
                   (-0.34, 0.4), (-0.38, -0.3), (-0.24, -0.86)])
    fin = rounded([(0.3, 0.1), (0.78, 0.6), (0.74, 1.0), (0.24, 0.68)], 0.1)
    flame = smooth([(-0.18, 0.72), (0.18, 0.72), (0.15, 1.0), (0, 1.26), (-0.15, 1.0)])
    parts = [Part(flame[flame[:, 1] > 0.73], (255, 178, 46)), Part(fin, 0.68), Part(mirrored(fin), 0.68),
             Part(ellipse(0, -0.34, 0.2), (210, 214, 220)), Part(ellipse(0, -0.34, 0.14), (64, 98, 130))]
    return Shape([hull, fin, mirrored(fin), flame], [], parts, bevel=0.16)


def _flower() -> Shape:
    petals = polar(lambda a: 0.52 + 0.48 * np.abs(np.cos(2.5 * a)) ** 0.6)
    eye = [Part(ellipse(0, 0, 0.27), 0.5), Part(ellipse(0, 0, 0.22), (250, 206, 80))]
    return Shape([petals], [], eye, bevel=0.16)


KINDS: dict[str, Callable[[], Shape]] = {
    "ball": _ball,
    "cube": _cube,
    "star": _star,
    "heart": _heart,
    "ring": _ring,
    "cross": _cross,
    "triangle": _triangle,
    "fish": _fish,
    "mug": _mug,
    "car": _car,
    "house": _house,
    "tree": _tree,
    "leaf": _leaf,
    "butterfly": _butterfly,
    "arrow": _arrow,
    "crescent": _crescent,
    "mushroom": _mushroom,
    "rocket": _rocket,
    "flower": _flower,
}


@cache
def shape(kind: str) -> Shape:
    """The normalised shape of one of KINDS."""
    return KINDS[kind]().normalised()


def elongation(kind: str) -> float:
    """Longer over shorter side of a kind's body, at least 1."""
    sides = np.ptp(np.concatenate(shape(kind).body), axis=0)
    return float(sides.max() / sides.min())
