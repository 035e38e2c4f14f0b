"""What the variants of a comparison reach on validation clips, with the spread over training seeds."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.evaluation.metrics import flicker
from cvsr.measurements import cascade
from cvsr.measurements.autoencoder import fidelity
from cvsr.measurements.cascade import PROMPTS
from cvsr.measurements.clips import PIXELS, eight_bit
from cvsr.measurements.inputs import CLEAN, PLANTED, make_inputs
from cvsr.measurements.results import Row
from cvsr.measurements.structural_errors import structure_kept, survival
from cvsr.measurements.super_resolution import SCALE
from cvsr.measurements.tally import Tally
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.training.ablations import Comparison, train

Figures = dict[str, float]  # means over the clips


def measure(
    comparison: Comparison,
    runs: str | Path,
    count: int = 32,
    weights: str | None = None,
    device: torch.device | str = "cpu",
) -> list[Row]:
    """Train what is not trained yet, then a row for every variant, number of steps and kind of input.

    The intervals are over training seeds. Rows "a minus b" hold the differences between runs of one seed, which had
    the same batches and noise: their intervals are narrower, and say whether a variant is better than the first.

    Args:
        comparison: what is compared.
        runs: folder of the runs, finished ones included.
        count: scenes that the inputs are made of.
        weights: the folder that holds the autoencoder and the base model; the repository's by default.
        device: that the models are measured on; training takes what there is.
    """
    small, truth = make_inputs(comparison, count, weights, device)
    bicubic = {kind: resize(video, *truth.shape[-2:]) for kind, video in small.items()}
    tally = Tally()
    for kind, reached in judge_all(bicubic, small, truth).items():
        tally.add("bicubic", kind, reached)
    for seed in comparison.seeds:  # seed by seed: what is there after half of the time can be compared
        figures: dict[tuple[str, str], dict[str, Figures]] = defaultdict(dict)
        for name in tqdm(comparison.variants, desc=f"{comparison.name}, seed {seed}", unit="run"):
            pipeline = train(comparison, name, seed, runs, weights).to(device)
            for steps in comparison.steps:
                results = enlarge(pipeline, small, comparison.variants[name].strength, steps)
                for kind, reached in judge_all(results, small, truth).items():
                    figures[f"{steps} steps", kind][name] = reached
                    tally.add(f"{name}, {steps} steps", kind, reached)
        _add_differences(tally, figures, list(comparison.variants))
    return tally.rows()


def judge_all(results: dict[str, Tensor], small: dict[str, Tensor], truth: Tensor) -> dict[str, Figures]:
    """Mean figures by kind of input; how much of the input is kept, and how much of the errors in it.

    Args:
        results: by kind of input, (N, 3, T, H, W).
        small: the inputs.
        truth: what all of them were made of, or show.
    """
    figures = {
        kind: judge_generated(video, small[kind], truth) if kind == PROMPTS else judge(video, truth)
        for kind, video in results.items()
    }
    if CLEAN in results:
        figures[CLEAN]["structure_kept"] = float(structure_kept(results[CLEAN], small[CLEAN]).mean())
    if PLANTED in results:
        left = survival(results[PLANTED], results[CLEAN], small[PLANTED], small[CLEAN])
        figures[PLANTED]["error_left"] = float(left.mean())
    return figures


def judge(video: Tensor, truth: Tensor) -> Figures:
    """Mean fidelity of videos (N, 3, T, H, W), and how much their frames change that should not."""
    pairs = zip(eight_bit(video).split(1), truth.split(1), strict=True)
    return _mean([fidelity(*pair) | {"flicker": float(flicker(*pair))} for pair in pairs])


def judge_generated(video: Tensor, small: Tensor, scenes: Tensor) -> Figures:
    """Means of what can be said without a truth (`cvsr.measurements.cascade.figures`) of videos (N, 3, T, H, W).

    Args:
        video: made of the base model's videos.
        small: these, (N, 3, T, H / 4, W / 4).
        scenes: of the same captions, (N, 3, T, H, W).
    """
    moving = resize(small, *video.shape[-2:]).clamp(-1, 1)
    clips = zip(*(each.split(1) for each in (eight_bit(video), scenes, moving)), strict=True)
    return _mean([cascade.figures(*clip, cascade.clean_pictures(PIXELS)) for clip in clips])


def enlarge(
    pipeline: SuperResolutionPipeline, small: dict[str, Tensor], strength: float, steps: int
) -> dict[str, Tensor]:
    """Every kind of input enlarged from the same noise, as the model predicts it: nothing is corrected after it.

    Args:
        pipeline: of super-resolution.
        small: by kind of input, (N, 3, T, H, W).
        strength: of the noise on the input's latents, in [0, 1].
        steps: of sampling.
    """
    pipeline.set_progress_bar_config(disable=True)
    return {
        kind: pipeline(
            video,
            scale=SCALE,
            num_inference_steps=steps,
            strength=strength,
            detail=1.0,
            consistency=0,
            generator=torch.Generator().manual_seed(0),
        ).frames.cpu()
        for kind, video in small.items()
    }


def _add_differences(
    tally: Tally, figures: dict[tuple[str, str], dict[str, Figures]], variants: list[str]
) -> None:
    """Of the variants to the first, in the runs of one seed."""
    first, *others = variants
    for (steps, kind), reached in figures.items():
        for name in others:
            gained = {figure: value - reached[first][figure] for figure, value in reached[name].items()}
            tally.add(f"{name} minus {first}, {steps}", kind, gained)


def _mean(each: list[Figures]) -> Figures:
    return {name: float(np.mean([figures[name] for figures in each])) for name in each[0]}
