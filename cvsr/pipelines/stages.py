"""A cascade of super-resolution stages, described in Python or YAML, and the sizes on its way.

    stages = [Stage("seedvr", scale=4), Stage("base")]          # the second takes what is left
    stages = load_stages("cascade.yaml")                        # - system: seedvr
                                                                #   scale: 4
                                                                # - system: base

Each stage says how many times larger it makes a video, or how high, or neither: those share what is left, equally.
"""

import itertools
import math
import operator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from cvsr.pipelines.fidelity import check_colour_correction
from cvsr.pipelines.tiling import Tiling
from cvsr.presets import SYSTEMS

NAMED = Path(__file__).parent / "cascades"  # YAML files, by their stems
USUAL_SCALE = 4.0  # what the teaching models were trained for
Size = tuple[int, int]  # height and width


@dataclass(frozen=True)
class Stage:
    """One enlargement.

    Args:
        system: one of `SYSTEMS`; "patchvsr" goes patch by patch, all others in tiles of whole frames.
        scale: times larger.
        height: of the result, in place of it; the width stays in proportion.
        steps, strength, detail, consistency, colour_correction: as of an `Enlargement`; None: the system's own.
        tile, frames: the most that is made at once, of a `Tiling`; less where memory is short. None: the system's own.
        patch, magnitude: as of a `PatchEnlargement`.

    Raises:
        ValueError: a system that is unknown, or numbers that make no sense, as far as they can be seen here.
    """

    system: str = "base"
    scale: float | None = None
    height: int | None = None
    steps: int | None = None
    strength: float | None = None
    detail: float | None = None
    consistency: int | None = None
    colour_correction: str = "none"
    tile: int | None = None
    frames: int | None = None
    patch: int | None = None
    magnitude: float | None = None

    def __post_init__(self):
        if self.system not in SYSTEMS:
            raise ValueError(f"system={self.system}: unknown; allowed {', '.join(SYSTEMS)}; try base")
        if self.scale is not None and self.height is not None:
            raise ValueError(f"scale={self.scale}, height={self.height}: two sizes; allowed one; try the height")
        if self.scale is not None and not (math.isfinite(self.scale) and self.scale > 0):
            raise ValueError(f"scale={self.scale}: no enlargement; allowed numbers above 0; try scale=4")
        if self.height is not None and self.height < 1:
            raise ValueError(f"height={self.height}: no height; allowed whole numbers from 1; try height=2160")
        if self.system != "patchvsr" and (self.patch is not None or self.magnitude is not None):
            raise ValueError(f"system={self.system}: has no patches; allowed patchvsr; try system=patchvsr")
        check_colour_correction(self.colour_correction)
        self.tiling(Tiling())  # which checks its sizes

    def tiling(self, own: Tiling) -> Tiling:
        """The most that is made at once, by a system with a tiling of its own."""
        pixels = own.pixels if self.tile is None else self.tile
        frames = own.frames if self.frames is None else self.frames
        return Tiling(pixels, min(own.overlap, pixels // 2), frames, min(own.frame_overlap, max(0, frames - 4)))


def load_stages(name: str | Path) -> list[Stage]:
    """The stages of a YAML file, or of one of those that come with the kit, by its name.

    Raises:
        ValueError: no such file, or one that is no list of stages.
    """
    path = NAMED / f"{name}.yaml" if str(name) in cascade_names() else Path(name)
    try:
        described = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        known = ", ".join(cascade_names())
        raise ValueError(f"stages={name}: no such file; allowed a YAML file, or {known}; try one of them") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"stages={name}: cannot be read ({' '.join(str(error).split())}); try a YAML file") from None
    if not (isinstance(described, list) and described and all(isinstance(each, dict) for each in described)):
        raise ValueError(f"stages={name}: no list of stages; allowed '- system: …' for each; try {cascade_names()[0]}")
    return [_stage(name, number, each) for number, each in enumerate(described, 1)]


def cascade_names() -> list[str]:
    """Of the cascades that come with the kit."""
    return sorted(path.stem for path in NAMED.glob("*.yaml"))


def sizes(stages: list[Stage], size: Size, scale: float | None = None) -> list[Size]:
    """Height and width after each stage.

    Args:
        stages: one or more.
        size: of the input.
        scale: that all of them make together; None: what they say, and 4 for each that says nothing.

    Raises:
        ValueError: stages that cannot make it, or a result without pixels.
    """
    factors: list[float] = []
    for number, stage in enumerate(stages, 1):
        end = number == len(stages) and scale is not None
        known = stage.height / size[0] if stage.height is not None else scale if end else None
        factors.append(stage.scale)
        if known is not None:
            factors = _shared(factors, known)
    factors = [USUAL_SCALE if each is None else each for each in factors]
    if scale is not None and not math.isclose(total := math.prod(factors), scale, rel_tol=1e-3):
        raise ValueError(
            f"scale={scale:g}: the stages make {total:g}; allowed {total:g}; try stages that leave theirs open"
        )
    so_far = list(itertools.accumulate(factors, operator.mul))
    if scale is not None:
        so_far[-1] = scale  # exactly, where the product may miss a half and be rounded to the other side
    made = [(round(size[0] * each), round(size[1] * each)) for each in so_far]
    for each, (height, width) in zip(so_far, made, strict=True):
        if min(height, width) < 1:
            raise ValueError(f"scale={each:g}: nothing is left of {size[1]}x{size[0]}; try scale=4")
    return made


def in_steps(stage: Stage, scale: float) -> list[Stage]:
    """A stage, or several like it where the scale is far beyond what models are trained for: each 4, the last the rest.

    Sixteen times at once is little more than bicubic enlargement. On one frame each of three clips, reduced from 512 to
    32 pixels, two steps with the same weights draw 4 to 14 times as much high frequency as one, at a PSNR within 0.1 dB
    and in the same time.
    """
    count = max(1, round(math.log(scale, USUAL_SCALE)))
    return [*[replace(stage, scale=USUAL_SCALE)] * (count - 1), stage]


def _shared(factors: list[float | None], total: float) -> list[float]:
    """What is open among the factors, so that they make the total together; unchanged if nothing is."""
    left = total / math.prod(each for each in factors if each is not None)
    count = factors.count(None)
    return [left ** (1 / count) if each is None else each for each in factors]


def _stage(name: str | Path, number: int, described: dict[str, Any]) -> Stage:
    known = [field.name for field in fields(Stage)]
    if unknown := [key for key in described if key not in known]:
        raise ValueError(f"stages={name}, {number}: no setting {unknown[0]}; allowed {', '.join(known)}; try scale")
    try:
        return Stage(**described)
    except (TypeError, ValueError) as error:
        raise ValueError(f"stages={name}, {number}: {error}") from None
