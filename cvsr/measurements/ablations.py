"""What the variants of a comparison reach on validation clips, with the spread over training seeds."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.measurements.autoencoder import fidelity
from cvsr.measurements.clips import VALIDATION, eight_bit, world_clips
from cvsr.measurements.results import Row
from cvsr.measurements.structural_errors import plant_errors, structure_kept, survival
from cvsr.measurements.super_resolution import SCALE
from cvsr.measurements.tally import Tally
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.training.ablations import Comparison, train

Figures = dict[str, float]  # means over the clips
PIXELS = 256  # of the scenes whose middles are the clips
CLEAN, PLANTED = "clean", "planted errors"  # kinds of input


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
        count: clips, all of one shape.
        weights: the folder of weights that holds the autoencoder; the repository's by default.
        device: that the models are measured on; training takes what there is.
    """
    clips = world_clips(count, comparison.frames, PIXELS, VALIDATION, comparison.crop)
    truth = torch.cat([clip.load() for clip in clips])  # (N, 3, T, H, W)
    small = {CLEAN: _eight_bits(resize(truth, *(side // SCALE for side in truth.shape[-2:])))}
    if comparison.planted_errors:
        small[PLANTED] = _eight_bits(plant_errors(small[CLEAN], seed=0))
    tally = Tally()
    for group, video in small.items():
        tally.add("bicubic", group, judge(resize(video, *truth.shape[-2:]), truth))
    for seed in comparison.seeds:  # seed by seed: what is there after half of the time can be compared
        figures: dict[tuple[str, str], dict[str, Figures]] = defaultdict(dict)
        for name in tqdm(comparison.variants, desc=f"{comparison.name}, seed {seed}", unit="run"):
            pipeline = train(comparison, name, seed, runs, weights).to(device)
            for steps in comparison.steps:
                results = enlarge(pipeline, small, comparison.variants[name].strength, steps)
                for group, reached in judge_all(results, small, truth).items():
                    figures[f"{steps} steps", group][name] = reached
                    tally.add(f"{name}, {steps} steps", group, reached)
        _add_differences(tally, figures, list(comparison.variants))
    return tally.rows()


def judge_all(results: dict[str, Tensor], small: dict[str, Tensor], truth: Tensor) -> dict[str, Figures]:
    """Mean figures by kind of input; how much of the input is kept, and how much of the errors in it.

    Args:
        results: by kind of input, (N, 3, T, H, W).
        small: the inputs.
        truth: what all of them were made of.
    """
    figures = {group: judge(video, truth) for group, video in results.items()}
    figures[CLEAN]["structure_kept"] = float(structure_kept(results[CLEAN], small[CLEAN]).mean())
    if PLANTED in results:
        left = survival(results[PLANTED], results[CLEAN], small[PLANTED], small[CLEAN])
        figures[PLANTED]["error_left"] = float(left.mean())
    return figures


def judge(video: Tensor, truth: Tensor) -> Figures:
    """Mean fidelity of videos (N, 3, T, H, W)."""
    pairs = zip(_eight_bits(video).split(1), truth.split(1), strict=True)
    each = [fidelity(clip, reference) for clip, reference in pairs]
    return {name: float(np.mean([figures[name] for figures in each])) for name in each[0]}


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
        group: pipeline(
            video,
            scale=SCALE,
            num_inference_steps=steps,
            strength=strength,
            detail=1.0,
            consistency=0,
            generator=torch.Generator().manual_seed(0),
        ).frames.cpu()
        for group, video in small.items()
    }


def _add_differences(
    tally: Tally, figures: dict[tuple[str, str], dict[str, Figures]], variants: list[str]
) -> None:
    """Of the variants to the first, in the runs of one seed."""
    first, *others = variants
    for (steps, group), reached in figures.items():
        for name in others:
            gained = {figure: value - reached[first][figure] for figure, value in reached[name].items()}
            tally.add(f"{name} minus {first}, {steps}", group, gained)


def _eight_bits(video: Tensor) -> Tensor:
    return torch.cat([eight_bit(clip) for clip in video.split(1)])
