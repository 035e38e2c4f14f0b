"""Degradations in a row: described in YAML, drawn into a record, and replayed from it exactly.

    pipeline = read_pipeline("cvsr/data/degradations/first_order.yaml")
    drawn = pipeline.sample(np.random.default_rng(0), frames.shape[1:3])
    for name, picture in stages(drawn, frames): ...               # what each degradation leaves
    record = to_record(drawn)                                      # JSON
    assert np.array_equal(degrade(from_record(record), frames), degrade(drawn, frames))

Every kind of damage is two frozen dataclasses: ranges that know how to draw (`RandomBlur`) and what was drawn
(`Blur`), which holds all that its result depends on; only model-guided damage also needs its model, `redraw`. A second
order is a longer list.
"""

from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml
from numpy.random import Generator

from cvsr.data.degradations.blur import Blur, RandomBlur
from cvsr.data.degradations.compression import H264, Compression, RandomCompression, RandomH264
from cvsr.data.degradations.flow_based import FlowBased, RandomFlowBased
from cvsr.data.degradations.jpeg import Jpeg, RandomJpeg
from cvsr.data.degradations.model_guided import ModelGuided, RandomModelGuided, Redraw
from cvsr.data.degradations.noise import Noise, RandomNoise
from cvsr.data.degradations.ranges import check_probabilities
from cvsr.data.degradations.resizing import RandomResize, Resize
from cvsr.data.degradations.sinc import RandomSinc, Sinc
from cvsr.data.encoding import check_frames

Description = list[dict[str, dict[str, Any]]]  # [{name: settings}, …], of plain values, as in YAML and JSON


class Degradation(Protocol):
    """Damage with every parameter drawn: a frozen dataclass of plain values."""

    def apply(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (T, H, W, 3) to uint8 (T, H', W', 3); always the same for the same frames."""


class RandomDegradation(Protocol):
    """Ranges of parameters: a frozen dataclass."""

    def sample(self, rng: Generator, size: tuple[int, int]) -> Degradation:
        """Draw every parameter, for a clip that was of `size` (height, width) before every degradation."""


RANGES: dict[str, type[RandomDegradation]] = {
    "blur": RandomBlur,
    "sinc": RandomSinc,
    "resize": RandomResize,
    "noise": RandomNoise,
    "jpeg": RandomJpeg,
    "h264": RandomH264,
    "compression": RandomCompression,
    "flow_based": RandomFlowBased,
    "model_guided": RandomModelGuided,
}
DRAWN: dict[str, type[Degradation]] = {
    "blur": Blur,
    "sinc": Sinc,
    "resize": Resize,
    "noise": Noise,
    "jpeg": Jpeg,
    "h264": H264,
    "compression": Compression,
    "flow_based": FlowBased,
    "model_guided": ModelGuided,
}
NAMES = {kind: name for kinds in (RANGES, DRAWN) for name, kind in kinds.items()}


@dataclass(frozen=True)
class Step:
    """A degradation that happens with a probability."""

    degradation: RandomDegradation
    probability: float = 1.0

    def __post_init__(self):
        check_probabilities(probability=self.probability)


@dataclass(frozen=True)
class Pipeline:
    """Steps, each on what the one before it leaves."""

    steps: tuple[Step, ...]

    def sample(self, rng: Generator, size: tuple[int, int]) -> list[Degradation]:
        """Draw which degradations happen to a clip of `size` (height, width), and their parameters."""
        happening = [step.degradation for step in self.steps if rng.random() < step.probability]
        return [degradation.sample(rng, size) for degradation in happening]

    def describe(self) -> Description:
        """All settings, defaults included; `parse_pipeline` undoes it."""
        return [
            {NAMES[type(step.degradation)]: {"probability": step.probability, **_plain(step.degradation)}}
            for step in self.steps
        ]


def read_pipeline(path: str | Path) -> Pipeline:
    """The pipeline that a YAML file describes; errors as for `parse_pipeline`."""
    return parse_pipeline(yaml.safe_load(Path(path).read_text()))


def parse_pipeline(description: Description) -> Pipeline:
    """A pipeline from a list like [{"blur": {"sigma": [0.2, 3], "probability": 0.8}}, {"jpeg": {}}].

    Raises:
        ValueError: an unknown degradation or setting, or settings out of range.
    """
    steps = []
    for name, settings in _entries(description):
        settings = dict(settings or {})
        probability = settings.pop("probability", 1.0)
        steps.append(Step(_build(RANGES, name, settings), probability))
    return Pipeline(tuple(steps))


def to_record(drawn: list[Degradation]) -> Description:
    """What happened, as plain values."""
    return [{NAMES[type(degradation)]: _plain(degradation)} for degradation in drawn]


def from_record(record: Description) -> list[Degradation]:
    """The degradations of a record; raises ValueError for unknown names and settings."""
    return [_build(DRAWN, name, settings) for name, settings in _entries(record)]


def stages(
    drawn: list[Degradation], frames: np.ndarray, redraw: Redraw | None = None
) -> Iterator[tuple[str, np.ndarray]]:
    """The name of each degradation and uint8 (T, H', W', 3), what it leaves, in turn.

    `redraw` is the base model of model-guided degradations, which raise ValueError without one.
    """
    check_frames(frames)
    for degradation in drawn:
        guided = isinstance(degradation, ModelGuided)
        frames = degradation.apply(frames, redraw) if guided else degradation.apply(frames)
        yield NAMES[type(degradation)], frames


def degrade(drawn: list[Degradation], frames: np.ndarray, redraw: Redraw | None = None) -> np.ndarray:
    """uint8 (T, H, W, 3) to uint8 (T, H', W', 3), all degradations in turn; `redraw` as for `stages`."""
    return [frames, *(left for _, left in stages(drawn, frames, redraw))][-1]


def _entries(description: Description) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(description, list) or not all(_is_entry(entry) for entry in description):
        raise ValueError(
            f"degradations={description!r}: no list of them; allowed one 'name: settings' an entry;"
            " try '- blur: {sigma: [0.2, 3.0]}'"
        )
    for entry in description:
        yield from entry.items()


def _is_entry(entry: Any) -> bool:
    """Whether it is a name with its settings, which may be left empty."""
    return isinstance(entry, dict) and len(entry) == 1 and isinstance(*entry.values(), dict | None)


def _build(kinds: dict[str, type], name: str, settings: dict[str, Any]) -> Any:
    if name not in kinds:
        raise ValueError(f"degradation={name!r}: unknown; allowed {list(kinds)}; try one of them")
    known = [field.name for field in fields(kinds[name])]
    needed = {field.name for field in fields(kinds[name]) if field.default is MISSING}
    if wrong := (settings.keys() - set(known)) | (needed - settings.keys()):
        raise ValueError(f"{name}={settings}: {sorted(wrong)} unknown or missing; allowed {known}; try those")
    return kinds[name](**{key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()})


def _plain(parameters: Any) -> dict[str, Any]:
    return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(parameters).items()}
