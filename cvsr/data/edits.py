"""Twins of a scene: one object changed, with the instruction that says how, or all objects with their identity lost."""

from dataclasses import dataclass, replace

import numpy as np

from cvsr.data.grounds import GROUNDS
from cvsr.data.palette import COLOURS, inks_for
from cvsr.data.scenes import SCALES, ObjectSpec, Scene, generator, pick, sample_object, with_article
from cvsr.data.shapes import KINDS
from cvsr.data.textures import TEXTURES

OPERATIONS = ("recolour", "retexture", "replace", "remove", "add")
MISTAKES = ("colours", "print")
_TINTS = (0.55, 1.25)  # range of the factors of red, green and blue


@dataclass(frozen=True)
class Edit:
    """The twin scene, the instruction, and the object's index in each scene (None: it is not there)."""

    twin: Scene
    instruction: str
    before: int | None
    after: int | None


def edit(scene: Scene, seed: int, operation: str | None = None) -> Edit:
    """Change one object of the scene; `operation` is drawn from those that are possible unless it is named.

    The main object is never removed, and at most three others are ever there. ValueError for an operation
    that is unknown or not possible on this scene.
    """
    impossible = {1: "remove", 4: "add"}.get(len(scene.objects))
    possible = [o for o in OPERATIONS if o != impossible]
    if operation is not None and operation not in possible:
        raise ValueError(
            f"operation={operation!r}: not possible on this scene; allowed: {', '.join(possible)}"
        )
    rng = np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=(len(scene.objects), 7)))
    operation = operation or pick(rng, possible)
    if operation == "add":
        return _add(scene, rng)
    index = int(rng.integers(1 if operation == "remove" else 0, len(scene.objects)))
    old = scene.objects[index]
    if operation == "remove":
        objects = (*scene.objects[:index], *scene.objects[index + 1 :])
        return Edit(replace(scene, objects=objects), f"remove the {old.name}", index, None)
    change = {"recolour": _recolour, "retexture": _retexture, "replace": _replace}[operation]
    new, instruction = change(scene, old, rng)
    objects = (*scene.objects[:index], new, *scene.objects[index + 1 :])
    return Edit(replace(scene, objects=objects), instruction, index, index)


def mistake(scene: Scene, kind: str, seed: int, split: str) -> Scene:
    """The scene as a base model draws it that has lost the identity of its objects; shape, place and motion stay.

    Kinds of mistakes, made with all objects: "colours", they are tinted and their print has another ink; "print", they
    have another texture and scale, in another ink. ValueError for other kinds.
    """
    if kind not in MISTAKES:
        raise ValueError(f"kind={kind!r}: unknown; allowed {', '.join(MISTAKES)}; try {MISTAKES[0]}")
    rng = generator(seed, split, purpose=6)
    change = {"colours": _repaint, "print": _reprint}[kind]
    return replace(scene, objects=tuple(change(spec, rng) for spec in scene.objects))


def _repaint(old: ObjectSpec, rng: np.random.Generator) -> ObjectSpec:
    red, green, blue = np.exp(rng.uniform(*np.log(_TINTS), 3)).tolist()
    return replace(old, ink=_other_ink(old, rng), tint=(red, green, blue))


def _reprint(old: ObjectSpec, rng: np.random.Generator) -> ObjectSpec:
    return replace(
        old,
        texture=pick(rng, (t for t in TEXTURES if t not in ("plain", old.texture))),
        ink=_other_ink(old, rng),
        scale=pick(rng, SCALES),
        seed=int(rng.integers(2**62)),
    )


def _other_ink(spec: ObjectSpec, rng: np.random.Generator) -> str:
    return pick(rng, (ink for ink in inks_for(spec.colour) if ink != spec.ink))


def _free_colours(scene: Scene) -> list[str]:
    """Colours that no object of the scene has and that stand out from its ground."""
    taken = {o.colour for o in scene.objects} | set(GROUNDS[scene.ground].clashes)
    return [c for c in COLOURS if c not in taken]


def _free_kinds(scene: Scene) -> list[str]:
    return [k for k in KINDS if k not in {o.kind for o in scene.objects}]


def _recolour(scene: Scene, old: ObjectSpec, rng: np.random.Generator) -> tuple[ObjectSpec, str]:
    colour = pick(rng, (c for c in _free_colours(scene) if old.ink in inks_for(c)))
    return replace(old, colour=colour), f"make the {old.name} {colour}"


def _retexture(scene: Scene, old: ObjectSpec, rng: np.random.Generator) -> tuple[ObjectSpec, str]:
    texture = pick(rng, (t for t in TEXTURES if t not in ("plain", old.texture)))
    new = replace(old, texture=texture, scale=pick(rng, SCALES), seed=int(rng.integers(2**62)))
    return new, f"give the {old.name} {new.print_name}"


def _replace(scene: Scene, old: ObjectSpec, rng: np.random.Generator) -> tuple[ObjectSpec, str]:
    new = sample_object(
        rng, pick(rng, _free_kinds(scene)), pick(rng, _free_colours(scene)), old.size, old.position, old.depth
    )
    new = replace(new, motion=old.motion, angle=old.angle)
    described = with_article(new.name) + (f" with {new.print_name}" if new.print_name else "")
    return new, f"replace the {old.name} with {described}"


def _add(scene: Scene, rng: np.random.Generator) -> Edit:
    corners = np.array([(x, y) for x in (-0.32, 0.32) for y in (-0.32, 0.32)])
    taken = np.array([o.position for o in scene.objects])
    at = corners[np.linalg.norm(corners[:, None] - taken, axis=-1).min(1).argmax()]  # the emptiest corner
    new = sample_object(
        rng,
        pick(rng, _free_kinds(scene)),
        pick(rng, _free_colours(scene)),
        float(rng.uniform(0.18, 0.26)),
        (float(at[0]), float(at[1])),
        float(rng.random()),
    )
    described = f"small {new.name}" + (f" with {new.print_name}" if new.print_name else "")
    twin = replace(scene, objects=(*scene.objects, new))
    return Edit(twin, f"add {with_article(described)}", None, len(scene.objects))
