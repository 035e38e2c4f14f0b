"""The stages that are asked for on the command line: those of a file, or one that options describe."""

from collections.abc import Callable
from typing import Any

from cvsr.cli.session import device
from cvsr.cli.systems import choose_system, given
from cvsr.data.encoding import MAX_SIDE
from cvsr.pipelines.relay import Leg
from cvsr.pipelines.stages import Size, Stage, load_stages
from cvsr.pipelines.store import load
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import SYSTEMS
from cvsr.weights import fingerprint

NOTED = ("strength", "detail", "consistency", "colour_correction")  # what is kept of a stage in the output
USUAL = {"colour_correction": "none"}


def choose_stages(
    stages: str | None, references: dict[str, list[str]], system: str | None, **options: Any
) -> list[Stage]:
    """The stages of a file (or one of the kit's cascades), or a single one.

    Args:
        stages: a path, or a name.
        references: by option.
        system: that was asked for.
        options: settings of a `Stage`; None where they were not given.

    Raises:
        ValueError: options that go with a single stage, beside a file; references that no stage reads.
    """
    options = {name: value for name, value in given(options).items() if USUAL.get(name) != value}
    if stages is None:
        owned = {name: options.get(name) for name in ("patch", "magnitude")}
        return [Stage(choose_system(system, **references, **owned), **options)]
    if clash := next(iter(given({"system": system, **options})), None):
        raise ValueError(
            f"stages={stages}: says what {_option(clash)} would; allowed one of both; try it without {_option(clash)}"
        )
    chosen = load_stages(stages)
    if (shown := given(references)) and all(stage.system != "unimmvsr" for stage in chosen):
        raise ValueError(
            f"stages={stages}: none reads {_option(next(iter(shown)))}; allowed with unimmvsr among them; try without"
        )
    return chosen


def check_size(size: Size, made: Size) -> float:
    """How many times larger a result is than its input; ValueError if no video file holds it."""
    scale = made[0] / size[0]
    if max(made) > MAX_SIDE:
        raise ValueError(
            f"scale={scale:g}: makes {made[1]}x{made[0]} pixels; allowed {MAX_SIDE} a side; try --scale 2"
        )
    return scale


def loader(weights: str | None) -> Callable[[str], SuperResolutionPipeline]:
    """Loads the pipeline of a system, on the device there is, which keeps quiet about its steps."""

    def load_system(system: str) -> SuperResolutionPipeline:
        pipeline = load(SYSTEMS[system], weights).to(device())
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return load_system


def fingerprints(legs: list[Leg], weights: str | None) -> dict[str, str]:
    """Of the weights of every leg, by system."""
    return {leg.stage.system: fingerprint(SYSTEMS[leg.stage.system], weights) for leg in legs}


def settings_of(legs: list[Leg]) -> dict[str, Any]:
    """What is noted of legs in the output: of a single one as it is, of several as a list."""
    each = [
        {
            "system": leg.stage.system,
            "steps": leg.settings.num_inference_steps,
            **{name: getattr(leg.settings, name) for name in NOTED},
            **given({"patch": leg.stage.patch, "magnitude": leg.stage.magnitude}),
        }
        for leg in legs
    ]
    return each[0] if len(each) == 1 else {"system": "+".join(leg.stage.system for leg in legs), "stages": each}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
