"""`python -m cvsr evaluate`."""

import sys
import time
import warnings
from pathlib import Path

from rich.console import Console

from cvsr.cli.memory import keep_freed_memory
from cvsr.cli.session import device, quiet_libraries
from cvsr.cli.systems import SYSTEMS
from cvsr.cli.tables import tables
from cvsr.measurements import (
    autoencoder,
    cascade,
    detail_curve,
    patch_cost,
    patchwise,
    reference_guidance,
    references,
    samplers,
    super_resolution,
    text_to_video,
)
from cvsr.measurements.clips import SPLIT, VALIDATION, Clip, real_clips, world_clips
from cvsr.measurements.results import (
    Result,
    Row,
    check_result_file,
    current_commit,
    describe_machine,
    results_file,
    today,
    write_result,
)
from cvsr.pipelines.store import load
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.weights import weights_folder

QUESTIONS = {
    "autoencoder": autoencoder.QUESTION,
    "super_resolution": super_resolution.QUESTION,
    "seedvr": f"SeedVR: {super_resolution.QUESTION[0].lower()}{super_resolution.QUESTION[1:]}",
    "simplegvr": f"SimpleGVR: {super_resolution.QUESTION[0].lower()}{super_resolution.QUESTION[1:]}",
    "text_to_video": text_to_video.QUESTION,
    "cascade": cascade.QUESTION,
    "samplers": samplers.QUESTION,
    "unimmvsr": references.QUESTION,
    "reference_guidance": reference_guidance.QUESTION,
    "patchvsr": patchwise.QUESTION,
    "patch_cost": patch_cost.QUESTION,
    "detail_curve": detail_curve.QUESTION,
}
ENLARGERS = ("super_resolution", "seedvr", "simplegvr")
MODELS = {"reference_guidance": "unimmvsr"}  # what is measured, where it has another name than the measurement
ADVERSARIAL = "autoencoder_adversarial"  # another decoder of the same latents, measured, too, if it is there


def evaluate(*, name: str, count: int, json: str | None, weights: str | None, **options) -> int:
    """Measure a model on held-out data, print the table and keep it as a result."""
    path = target(name, json)
    keep_freed_memory()
    quiet_libraries()
    started = time.monotonic()
    measured = _measure(name, count, weights, options)
    own = {
        "name": name,
        "command": _command(name, count, options),
        "commit": current_commit(),
        "date": today(),
        "machine": describe_machine(),
        "budget": f"{(time.monotonic() - started) / 60:.1f} minutes",
    }
    result = Result(**own | measured)
    write_result(result, path)
    for table in tables(result):
        Console().print(table)
    sys.stdout.write(f"wrote {path}\n")
    return 0


def _measure(name: str, count: int, weights: str | None, options: dict) -> dict:
    """Question, seeds and rows of a measurement of one model."""
    if name == "patch_cost":
        sizes = [size for size in patch_cost.SIZES if size[1] <= options["largest"]]
        rows = patch_cost.measure(load("patchvsr", weights), sizes, count)
        return {"question": QUESTIONS[name], "seeds": {"video and noise": "0"}, "rows": rows}
    chosen_by = name == "detail_curve"  # it decides how models are trained: not on what they are judged by
    clips = detail_curve.clips(count) if chosen_by else real_clips(options.get("clips", [])) + world_clips(count)
    return {
        "question": QUESTIONS[name],
        "seeds": {
            "scenes": f"0 to {count - 1} of the {VALIDATION if chosen_by else SPLIT} split",
            "noise": f"from {options['seed']}" if "seed" in options else "none",
        },
        "rows": _rows(name, count, clips, weights, options),
    }


def _rows(name: str, count: int, clips: list[Clip], weights: str | None, options: dict) -> list[Row]:
    if name == "cascade":
        return cascade.measure(load("text_to_video", weights).to(device()), _enlargers(weights), count, options["seed"])
    if name == "samplers":
        stages = (load(stage, weights).to(device()) for stage in ("text_to_video", "unimmvsr"))
        return samplers.measure(*stages, count, options["seed"])
    model = load(options.get("model", MODELS.get(name, name)), weights).to(device())
    if name == "detail_curve":
        return detail_curve.measure(model, clips, options["steps"], options["seed"])
    if name == "autoencoder":
        has_other = (weights_folder(weights) / ADVERSARIAL).exists()
        others = {"adversarial decoder": load(ADVERSARIAL, weights).to(device())} if has_other else {}
        return autoencoder.measure(model, clips, others)
    if name in ENLARGERS:
        return super_resolution.measure(
            model, clips, options["steps"], options["consistency"], options["detail"], options["seed"]
        )
    if name == "patchvsr":
        base = load("super_resolution", weights).to(device())
        return patchwise.measure(model, base, clips, options["seed"])
    reader = load("attribute_reader", weights).to(device())
    if name in ("unimmvsr", "reference_guidance"):
        base = load("text_to_video", weights).to(device())
        room = references if name == "unimmvsr" else reference_guidance
        return room.measure(model, base, reader, count, options["seed"])
    assert name == "text_to_video", name
    return text_to_video.measure(model, reader, count, options["steps"], options["guidance"], options["seed"])


def _enlargers(weights: str | None) -> dict[str, SuperResolutionPipeline]:
    """Every system whose weights are there; of others there is a warning."""
    root = weights_folder(weights)
    there = {system: folder for system, folder in SYSTEMS.items() if (root / folder).is_dir()}
    for system in SYSTEMS.keys() - there:
        warnings.warn(f"weights={root / SYSTEMS[system]}: no such folder; {system} is left out", stacklevel=2)
    return {system: load(folder, weights).to(device()) for system, folder in there.items()}


def target(name: str, json: str | None) -> Path:
    """Where a result goes; ValueError if it cannot be written there."""
    if json is None:
        results_file(name).parent.mkdir(parents=True, exist_ok=True)
    return check_result_file(json or results_file(name))


def _command(name: str, count: int, options: dict) -> str:
    """The command line that measures the same again; of files it has only the names."""
    words = ["python -m cvsr evaluate", name, f"--count {count}"]
    for option, value in options.items():
        values = value if isinstance(value, list) else [value]
        if values and value is not None:
            words.append(" ".join([f"--{option}", *(Path(str(v)).name for v in values)]))
    return " ".join(words)
