"""What a scene is: plain data from a seed, and the sentence that says it.

Positions and sizes are in units of the frame's shorter side, the origin at the middle of the frame,
y down; angles in degrees; time runs from 0 to 1 over the clip, whatever its length.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cvsr.data.grounds import GROUNDS
from cvsr.data.palette import COLOURS, inks_for
from cvsr.data.shapes import KINDS, elongation
from cvsr.data.textures import TEXTURES

SPLITS = ("train", "validation", "test")
MOTIONS = (
    "standing still",
    "drifting left",
    "drifting right",
    "drifting up",
    "drifting down",
    "spinning",
    "bouncing",
    "swaying",
    "circling",
    "growing",
    "shrinking",
)
CAMERAS = (
    "is still",
    "pans left",
    "pans right",
    "pans up",
    "pans down",
    "zooms in",
    "zooms out",
    "rolls slowly",
)
SCALES = {"bold": 5.0, "": 8.0, "fine": 12.5}  # periods of a texture across an object


@dataclass(frozen=True)
class Light:
    """A `tint` (RGB factors), the strength of the gradient across the frame, and of a lamp's round glow."""

    phrase: str
    tint: tuple[float, float, float]
    gradient: float
    glow: float


LIGHTS: dict[str, Light] = {
    "daylight": Light("in soft daylight", (1.0, 1.0, 1.0), 0.1, 0.0),
    "evening": Light("in warm evening light", (1.05, 0.98, 0.88), 0.22, 0.0),
    "morning": Light("in cool morning light", (0.93, 0.98, 1.06), 0.18, 0.0),
    "lamp": Light("under a bright lamp", (1.04, 1.0, 0.92), 0.0, 0.36),
}


@dataclass(frozen=True)
class ObjectSpec:
    """One object: its identity (kind, colour, texture, ink, scale, seed) and where and how it moves.

    `size` is its longer side, `depth` orders the drawing (larger is farther away), `tint` are factors of its red, green
    and blue, which no caption tells.
    """

    kind: str
    colour: str
    texture: str
    ink: str
    scale: str
    size: float
    position: tuple[float, float]
    angle: float
    motion: str
    depth: float
    seed: int
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        _check("kind", self.kind, KINDS)
        _check("colour", self.colour, COLOURS)
        _check("texture", self.texture, TEXTURES)
        _check("ink", self.ink, inks_for(self.colour))
        _check("scale", self.scale, SCALES)
        _check("motion", self.motion, MOTIONS)

    @property
    def name(self) -> str:
        """Colour and kind, as in "red ball"."""
        return f"{self.colour} {self.kind}"

    @property
    def print_name(self) -> str:
        """The texture as a caption says it, as in "fine white letters"; empty for a plain object."""
        phrase = TEXTURES[self.texture].phrase
        return phrase and " ".join(filter(None, (self.scale, self.ink, phrase)))


@dataclass(frozen=True)
class Scene:
    """A clip to be: the main object first, then the smaller ones."""

    objects: tuple[ObjectSpec, ...]
    ground: str
    ground_seed: int
    light: str
    light_angle: float  # degrees; where the light comes from, 0 = right, 90 = down, -90 = up
    camera: str
    phrasing: int  # which of the optional clauses the caption has

    def __post_init__(self) -> None:
        _check("ground", self.ground, GROUNDS)
        _check("light", self.light, LIGHTS)
        _check("camera", self.camera, CAMERAS)

    @property
    def caption(self) -> str:
        """One English sentence without a full stop: the main object's colour and kind come first."""
        main, *others = self.objects
        words = [with_article(main.name)]
        if main.print_name:
            words.append(f"with {main.print_name}")
        words += [main.motion, GROUNDS[self.ground].phrase]
        clauses = [" ".join(words)]
        if others:
            clauses.append("with " + _listed([with_article(f"small {o.name}") for o in others]))
        if self.phrasing in (0, 1):
            clauses.append(LIGHTS[self.light].phrase)
        if self.phrasing in (0, 2):
            clauses.append(f"the camera {self.camera}")
        return ", ".join(clauses)


def _check(name: str, value: str, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}={value!r}: unknown; allowed: {', '.join(map(repr, allowed))}")


def with_article(noun: str) -> str:
    """The noun with "a" or "an" before it."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _listed(items: list[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def generator(seed: int, split: str, purpose: int = 0) -> np.random.Generator:
    """The random stream of one sample: no two (seed, split, purpose) share one, so splits are disjoint."""
    _check("split", split, SPLITS)
    if seed < 0:
        raise ValueError(f"seed={seed}: must not be negative")
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(SPLITS.index(split), purpose)))


def pick(rng: np.random.Generator, choices: Iterable[str]) -> str:
    """One of the choices, each as likely."""
    choices = list(choices)
    return choices[int(rng.integers(len(choices)))]


def sample_object(
    rng: np.random.Generator, kind: str, colour: str, size: float, position: tuple[float, float], depth: float
) -> ObjectSpec:
    """An object of the given kind and colour with a random print and motion."""
    return ObjectSpec(
        kind,
        colour,
        pick(rng, TEXTURES),
        pick(rng, inks_for(colour)),
        pick(rng, SCALES),
        size,
        position,
        float(rng.uniform(-12, 12)),
        pick(rng, MOTIONS),
        depth,
        int(rng.integers(2**62)),
    )


def sample_scene(seed: int, split: str = "train", max_objects: int = 4) -> Scene:
    """Draw a scene: up to `max_objects` objects, all of different kinds and colours, on a fitting ground."""
    if not 1 <= max_objects <= 4:
        raise ValueError(f"max_objects={max_objects}: must be from 1 to 4")
    rng = generator(seed, split)
    count = min(max_objects, 1 + int(rng.choice(4, p=(0.4, 0.3, 0.2, 0.1))))
    kinds = rng.permutation(list(KINDS))[:count]
    colour = pick(rng, COLOURS)
    ground = pick(rng, (name for name, g in GROUNDS.items() if colour not in g.clashes))
    others = rng.permutation([c for c in COLOURS if c != colour and c not in GROUNDS[ground].clashes])
    colours = [colour, *others[: count - 1]]
    place = (float(rng.uniform(-0.07, 0.07)), float(rng.uniform(-0.07, 0.07)))
    slimness = min(1.3, elongation(str(kinds[0])) ** 0.4)  # slim kinds are drawn a little longer
    size = float(rng.uniform(0.42, 0.58)) * slimness
    objects = [sample_object(rng, str(kinds[0]), str(colours[0]), size, place, 0.5)]
    corners = rng.permutation([(-1, -1), (1, -1), (-1, 1), (1, 1)])  # where the main object leaves room
    for i in range(1, count):
        at = corners[i] * rng.uniform(0.26, 0.36) + rng.uniform(-0.03, 0.03, 2)
        at = (float(at[0]), float(at[1]))
        objects.append(
            sample_object(
                rng, str(kinds[i]), str(colours[i]), float(rng.uniform(0.17, 0.26)), at, float(rng.random())
            )
        )
    return Scene(
        tuple(objects),
        ground,
        int(rng.integers(2**62)),
        pick(rng, LIGHTS),
        float(rng.uniform(-160, -20)),
        pick(rng, CAMERAS),
        int(rng.integers(4)),
    )
