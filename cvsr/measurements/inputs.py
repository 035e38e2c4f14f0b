"""Kinds of inputs that the models of a comparison are measured on, all of the same held-out scenes.

    clean               the scenes, reduced to a quarter
    planted errors      the same with errors in them (`cvsr.measurements.structural_errors`)
    held-out prompts    what the base model makes of the scenes' captions
    flow_based, …       the scenes after a degradation, by the name of its file in cvsr/data/degradations

The scene is the truth of all of them but the base model's own videos, which show the same things in another layout.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cvsr.data.degradations import pipeline as pipelines
from cvsr.data.degradations.pipeline import Pipeline, degrade, read_pipeline
from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_tensor
from cvsr.data.world import render
from cvsr.measurements.cascade import PROMPTS
from cvsr.measurements.clips import PIXELS, VALIDATION, eight_bit, middle
from cvsr.measurements.structural_errors import plant_errors
from cvsr.measurements.super_resolution import SCALE, reduced
from cvsr.pipelines.redrawing import Redrawing
from cvsr.pipelines.store import load
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.training.ablations import Comparison

CLEAN, PLANTED = "clean", "planted errors"
DEGRADATIONS = Path(pipelines.__file__).parent
SIDE = PIXELS // SCALE  # of a small scene, whole

Frames = np.ndarray  # uint8 (T, H, W, 3)


def make_inputs(
    comparison: Comparison, count: int, weights: str | None = None, device: torch.device | str = "cpu"
) -> tuple[dict[str, Tensor], Tensor]:
    """Small videos (N, 3, T, crop / 4, crop / 4) of every kind in 8 bits, and the truth (N, 3, T, crop, crop).

    Args:
        comparison: which kinds it asks for, and the size.
        count: N, the first scenes of the validation split. They are degraded whole, and their middles taken.
        weights: the folder that holds the base model, where it is needed; the repository's by default.
        device: of the base model.

    Raises:
        ValueError: a kind that is unknown, or planted errors without clean inputs.
    """
    _check(comparison.inputs)
    scenes = [sample_scene(seed, VALIDATION) for seed in range(count)]
    captions = [scene.caption for scene in scenes]
    videos = [render(scene, comparison.frames, PIXELS, PIXELS).frames for scene in scenes]
    truth = middle(torch.stack([to_tensor(video) for video in videos]), comparison.crop)
    clean = reduced(truth)
    made = {CLEAN: clean, PLANTED: eight_bit(plant_errors(clean, seed=0))}
    if others := [kind for kind in comparison.inputs if kind not in made]:
        base = load("text_to_video", weights).to(device)
        base.set_progress_bar_config(disable=True)
        for kind in others:
            if kind == PROMPTS:
                small = _generated(base, captions, comparison.frames)
            else:
                small = _degraded(read_pipeline(DEGRADATIONS / f"{kind}.yaml"), videos, captions, base)
            made[kind] = middle(small, comparison.crop // SCALE)
    return {kind: made[kind] for kind in comparison.inputs}, truth


def known_kinds() -> list[str]:
    """All that a comparison can ask for."""
    return [CLEAN, PLANTED, PROMPTS, *(file.stem for file in sorted(DEGRADATIONS.glob("*.yaml")))]


def _check(kinds: Sequence[str]) -> None:
    if unknown := [kind for kind in kinds if kind not in known_kinds()]:
        raise ValueError(f"inputs={list(kinds)}: {unknown} unknown; allowed {known_kinds()}; try [{CLEAN}]")
    if PLANTED in kinds and CLEAN not in kinds:
        raise ValueError(
            f"inputs={list(kinds)}: {PLANTED} are told by what becomes of {CLEAN} inputs; allowed both; try both"
        )


def _generated(base: TextToVideoPipeline, captions: Sequence[str], frames: int) -> Tensor:
    """The base model's videos of the captions, (N, 3, T, SIDE, SIDE)."""
    generators = [torch.Generator().manual_seed(number) for number in range(len(captions))]
    return eight_bit(base(captions, SIDE, SIDE, frames, generator=generators).frames)


def _degraded(
    degradations: Pipeline, videos: Sequence[Frames], captions: Sequence[str], base: TextToVideoPipeline
) -> Tensor:
    """Whole scenes degraded, each by draws of its own: (N, 3, T, SIDE, SIDE)."""
    results = []
    for number, (video, caption) in enumerate(zip(videos, captions, strict=True)):
        drawn = degradations.sample(np.random.default_rng(number), video.shape[1:3])
        results.append(to_tensor(degrade(drawn, video, Redrawing(base, caption))))
    return eight_bit(resize(torch.stack(results), SIDE, SIDE))
