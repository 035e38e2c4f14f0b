"""Ablations: one training several times over, at an equal budget, with one thing changed.

A comparison is a YAML file in cvsr/training/comparisons. It names a recipe and the variants, each a few settings
laid over it, so that one room serves samplers, noise ranges, degradations and attention alike:

    question: Which times …?
    recipe: ablation.yaml                  # in cvsr/training/recipes
    variants:
      uniform: {settings: {model: {init_args: {timesteps: {class_path: …Uniform}}}}}

Runs of one seed share their first weights, their batches and the noise; only what is compared differs. Every run is
a folder with its whole recipe, which `python -m cvsr fit --config` trains again, and its weights. Finished runs are
kept, and one that was interrupted goes on from its last checkpoint, to the same weights. Where a variant is the
recipe as it is, all comparisons of that recipe share its runs.
"""

import itertools
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from cvsr.pipelines.store import load
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.training.ablation_budget import TRIAL, StepSeconds, planned_steps, with_steps
from cvsr.training.cli import main as fit
from cvsr.training.cli import train_recipe
from cvsr.training.paper_trends import Published, read_published
from cvsr.weights import read_card, weights_folder

COMPARISONS = Path(__file__).parent / "comparisons"
RECIPES = Path(__file__).parent / "recipes"
MODEL = "model"  # folder of a run's weights
CHECKPOINTS, EVERY = "checkpoints", 50  # of a run that is not finished, every so many steps
FIRST_RUN = "FIRST_RUN"
EXPORT = "cvsr.training.export.Export"

Settings = dict[str, Any]  # nested, as in a recipe


@dataclass(frozen=True)
class Variant:
    """One side of a comparison: what it changes in the training, and the strength it is measured with, in [0, 1].

    Settings may name the folder of the first variant's run of the same seed, finished by then, as `FIRST_RUN`.
    """

    settings: Settings = field(default_factory=dict)
    strength: float = 0.0


@dataclass(frozen=True)
class Comparison:
    """What is compared, and by which clips.

    Attributes:
        name: of the file and of the result.
        question: what the result answers.
        variants: by name; the first is what the others are held to.
        recipe: a file of cvsr/training/recipes that ships nothing and keeps no checkpoints.
        settings: laid over the recipe in all variants.
        start: shipped weights that every run starts from; from scratch without.
        seeds: a run of every variant for each.
        steps: of sampling, one number or several.
        exam: what it is measured by, see `cvsr.measurements.ablations.EXAMS`.
        inputs: the kinds of input there, see `cvsr.measurements.inputs` and `cvsr.measurements.references`.
        frames, crop: of the clips it is measured on, in frames and pixels.
        published: what the paper says of it.
        training_steps: of each run; as the recipe has it by default.

    Raises:
        ValueError: fewer than two variants, or a strength outside [0, 1].
    """

    name: str
    question: str
    variants: dict[str, Variant]
    recipe: str = "ablation.yaml"
    settings: Settings = field(default_factory=dict)
    start: str | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    steps: tuple[int, ...] = (4,)
    exam: str = "scenes"
    inputs: tuple[str, ...] = ("clean",)
    frames: int = 5
    crop: int = 64
    published: Published | None = None
    training_steps: int | None = None

    def __post_init__(self):
        if len(self.variants) < 2:
            raise ValueError(
                f"variants={list(self.variants)}: nothing to compare; allowed two or more; try another"
            )
        for name, variant in self.variants.items():
            if not 0 <= variant.strength <= 1:
                raise ValueError(f"{name}.strength={variant.strength}: allowed 0 to 1; try strength=0.45")


def read_comparison(path: str | Path) -> Comparison:
    """A comparison from its file; ValueError if that is missing or says something else."""
    path = Path(path)
    try:
        contents = yaml.safe_load(path.read_text())
        variants = {name: Variant(**variant) for name, variant in contents.pop("variants").items()}
        lists = {name: tuple(value) for name, value in contents.items() if isinstance(value, list)}
        lists["published"] = read_published(contents.get("published"), list(variants))
        return Comparison(path.stem, variants=variants, **contents | lists)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        known = ", ".join(file.stem for file in sorted(COMPARISONS.glob("*.yaml")))
        raise ValueError(
            f"comparison={path}: no comparison ({' '.join(str(error).split())}); allowed a file like those of"
            f" {known}; try one of them"
        ) from error


def lay_over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Settings:
    """Nested settings with some changed; another `class_path` brings its own `init_args` along."""
    if "class_path" in changes and changes["class_path"] != base.get("class_path"):
        return dict(changes)
    merged = dict(base)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(base.get(name), Mapping)
        merged[name] = lay_over(base[name], value) if both else value
    return merged


def train(
    comparison: Comparison, variant: str, seed: int, runs: str | Path, weights: str | None = None
) -> SuperResolutionPipeline:
    """The trained model of one run, from its folder (`run_folder`) if it is finished.

    Raises:
        ValueError: the folder holds a run of other settings.
    """
    folder = run_folder(comparison, variant, seed, runs)
    recipe = folder / "recipe.yaml"
    text = yaml.safe_dump(settings_of_run(comparison, variant, seed, folder, weights), sort_keys=False)
    if recipe.exists() and recipe.read_text() != text:
        raise ValueError(
            f"runs={folder}: holds a run of other settings; allowed the same; try another folder"
        )
    if not (folder / MODEL).exists():
        folder.mkdir(parents=True, exist_ok=True)
        recipe.write_text(text)
        codec = folder / "autoencoder"  # where a pipeline's card says that it lies
        codec.unlink(missing_ok=True)
        codec.symlink_to((weights_folder(weights) / "autoencoder").resolve())
        fit(["--config", str(recipe), *_resumable(folder / CHECKPOINTS)])
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    return load(MODEL, folder)


def _resumable(folder: Path) -> list[str]:
    """Arguments by which a run goes on from what is in the folder of checkpoints; its recipe does without them."""
    saved = {"dirpath": str(folder)}
    callbacks = {
        "ModelCheckpoint": saved | {"filename": "{step}", "save_last": True, "every_n_train_steps": EVERY},
        "OnExceptionCheckpoint": saved | {"filename": "last-interrupted"},
    }
    added = [{"class_path": f"pytorch_lightning.callbacks.{name}", "init_args": own} for name, own in callbacks.items()]
    return [
        "--ckpt_path=last",
        "--trainer.enable_checkpointing=true",
        '--trainer.plugins=[{"class_path": "cvsr.training.checkpoints.AtomicCheckpointIO"}]',
        *(f"--trainer.callbacks+={json.dumps(each)}" for each in added),
    ]


def within_budget(
    comparison: Comparison, minutes: float, runs: str | Path, weights: str | None = None
) -> Comparison:
    """The comparison with as many steps a run as all of them together train in so many minutes, here.

    Raises:
        ValueError: too few minutes to compare anything.
    """
    file = Path(runs) / comparison.name / f"budget-{minutes:g}-minutes.yaml"
    steps = planned_steps(minutes, len(comparison.seeds), file, lambda: _try_out(comparison, file.parent, weights))
    return replace(comparison, training_steps=steps)


def _try_out(comparison: Comparison, folder: Path, weights: str | None) -> dict[str, float]:
    """Seconds of a step by variant; one that needs the first run is taken to be as fast as the first."""
    seconds, short = {}, replace(comparison, training_steps=TRIAL)
    for variant in comparison.variants:
        if FIRST_RUN in str(comparison.variants[variant].settings):
            seconds[variant] = next(iter(seconds.values()))
            continue
        recipe, timer = settings_of_run(short, variant, comparison.seeds[0], folder / "trial", weights), StepSeconds()
        callbacks = recipe["trainer"]["callbacks"]
        recipe["trainer"]["callbacks"] = [each for each in callbacks if each["class_path"] != EXPORT]
        train_recipe(recipe, folder / "trial" / "recipe.yaml", [timer])
        seconds[variant] = timer.median()
    shutil.rmtree(folder / "trial", ignore_errors=True)
    return seconds


def run_folder(comparison: Comparison, variant: str, seed: int, runs: str | Path) -> Path:
    """Where a run keeps its recipe and its weights."""
    length = f"-{comparison.training_steps}-steps" if comparison.training_steps else ""
    if _is_plain(comparison, variant):
        return Path(runs) / f"{Path(comparison.recipe).stem}{length}" / f"as-it-is-{seed}"
    return Path(runs) / f"{comparison.name}{length}" / f"{variant.replace(' ', '-')}-{seed}"


def _is_plain(comparison: Comparison, variant: str) -> bool:
    """Whether a variant is trained by the comparison's recipe as it is."""
    return not (comparison.settings or comparison.start or comparison.variants[variant].settings)


def minutes(comparison: Comparison, runs: str | Path) -> float:
    """How long all runs of a comparison have trained, once they are finished."""
    every = itertools.product(comparison.variants, comparison.seeds)
    return sum(read_card(run_folder(comparison, *run, runs) / MODEL).minutes for run in every)


def settings_of_run(
    comparison: Comparison, variant: str, seed: int, folder: Path, weights: str | None = None
) -> Settings:
    """The whole recipe of one run; ValueError if it would ship weights over others."""
    recipe = yaml.safe_load((RECIPES / comparison.recipe).read_text())
    first = run_folder(comparison, next(iter(comparison.variants)), seed, folder.parent.parent)
    own = yaml.safe_load(yaml.safe_dump(comparison.variants[variant].settings).replace(FIRST_RUN, str(first)))
    for changes in (comparison.settings, own):
        recipe = lay_over(recipe, changes)
    if comparison.training_steps:
        recipe = with_steps(recipe, comparison.training_steps)
    callbacks = list(recipe["trainer"]["callbacks"])
    if any(callback["class_path"] == EXPORT for callback in callbacks):
        raise ValueError(
            f"recipe={comparison.recipe}: would ship what it trains; allowed a recipe without Export;"
            " try ablation.yaml, or callbacks of your own in the settings"
        )
    run = {
        "seed_everything": seed,
        "model": {"init_args": {"seed": seed, "weights": weights}},
        "data": {"init_args": {"seed": seed, "weights": weights}},
        "trainer": {"default_root_dir": str(folder), "callbacks": callbacks},
    }
    if comparison.start:
        start = {"name": comparison.start, "folder": weights}
        callbacks.append({"class_path": "cvsr.training.warm_start.WarmStart", "init_args": start})
    export = {"name": MODEL, "recipe": str(folder / "recipe.yaml"), "folder": str(folder)}
    changed = f"comparison {comparison.name}, variant {variant}"
    export["data"] = comparison.recipe if _is_plain(comparison, variant) else changed
    callbacks.append({"class_path": EXPORT, "init_args": export})
    return lay_over(recipe, run)
