"""The detail curve of a super-resolution model, and the timestep sampler that follows it (SimpleGVR section 4.3).

The paper runs its model, trained with the uniform sampler, in 50 steps on 200 small videos. Here clips are crops
of the world's validation scenes, reduced to a quarter; the curve is the mean over clips of each step's change
(`cvsr.diffusion.detail_curve`), in the model's own normalised latents. It is the curve of one model: where that was
hardly trained, its predictions jump, and a jump counts like detail.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import ModelMixin
from torch import Tensor
from tqdm import tqdm

from cvsr.diffusion.detail_curve import detail_curve
from cvsr.diffusion.timesteps import Tabulated
from cvsr.measurements.clips import VALIDATION, Clip, world_clips
from cvsr.measurements.results import Estimate, Row, read_result, results_file
from cvsr.measurements.super_resolution import SCALE, reduced
from cvsr.measurements.tally import estimate
from cvsr.pipelines.base import VideoPipeline
from cvsr.pipelines.store import load
from cvsr.pipelines.super_resolution import SuperResolutionPipeline

QUESTION = "At which times of sampling does super-resolution bring its detail?"
NAME = "detail_curve"
FRAMES, PIXELS, CROP = 9, 256, 128  # crops as large as the teaching model was trained on


def clips(count: int, frames: int | None = None, crop: int | None = None) -> list[Clip]:
    """The middles of the first scenes that no model is trained on and none is judged by."""
    return world_clips(count, frames or FRAMES, PIXELS, VALIDATION, crop or CROP)


def measure(
    model: SuperResolutionPipeline | ModelMixin, clips: Sequence[Clip], steps: int = 50, seed: int = 0
) -> list[Row]:
    """A row for each pair of neighbouring steps: the time t between them, change and gain with intervals over clips.

    Clip number i starts from the noise of `seed` + i.

    Raises:
        ValueError: the model is none of super-resolution, or fewer than two steps.
    """
    if not isinstance(model, SuperResolutionPipeline):
        raise ValueError(
            f"model={type(model).__name__}: no super-resolution; allowed the weights of one; try super_resolution"
        )
    model.set_progress_bar_config(disable=True)
    curves = []
    for number, clip in enumerate(tqdm(clips, desc="detail curve", unit="clip")):
        truth = clip.load()
        small = reduced(truth)
        curves.append(
            detail_curve(*predictions(model, small, steps, torch.Generator().manual_seed(seed + number)))
        )
    change, gain = (torch.cat([getattr(curve, name) for curve in curves]) for name in ("change", "gain"))
    figures = [
        {
            "t": Estimate(float(t)),
            "change": estimate(change[:, i].tolist()),
            "gain": estimate(gain[:, i].tolist()),
        }
        for i, t in enumerate(curves[0].knots)
    ]
    return [Row(f"t = {row['t'].mean:.4g}", clips[0].group, len(clips), row) for row in figures]


def predictions(
    pipeline: SuperResolutionPipeline, small: Tensor, steps: int, generator: torch.Generator
) -> tuple[list[float], list[Tensor]]:
    """The times of a run's steps, falling, and the clean latents (B, c, t, h, w) predicted at each.

    Strength is the system's own (`SuperResolutionPipeline.sampling`).

    Args:
        pipeline: of super-resolution.
        small: videos (B, 3, T, H, W) that are enlarged in a single tile.
        steps: of sampling.
        generator: of the noise.
    """
    times: list[float] = []
    clean: list[Tensor] = []

    def note(_pipeline: VideoPipeline, _step: int, timestep: Tensor, tensors: dict[str, Tensor]) -> dict:
        times.append(float(timestep) / pipeline.scheduler.config.num_train_timesteps)
        clean.append(tensors["clean"].cpu())
        return {}

    pipeline(
        small,
        scale=SCALE,
        num_inference_steps=steps,
        generator=generator,
        output_type="latent",
        callback_on_step_end=note,
    )
    return times, clean


def detail_aware(result: str | Path | None = None) -> Tabulated:
    """The detail-aware sampler: the measured change as the density of training times.

    In a recipe: `timesteps: {class_path: cvsr.measurements.detail_curve.detail_aware}`.

    Args:
        result: a file of `python -m cvsr evaluate detail_curve`; the repository's by default.

    Raises:
        ValueError: the file is missing or holds another result.
    """
    path = Path(result or results_file(NAME))
    measured = read_result(path)
    if measured.name != NAME:
        raise ValueError(
            f"result={path}: holds {measured.name!r}; allowed a file of `python -m cvsr evaluate {NAME}`;"
            f" try {results_file(NAME)}"
        )
    return _density(measured.rows)


def detail_aware_of(
    weights: str, model: str, count: int = 16, steps: int = 25, frames: int = 5, crop: int = 64
) -> Tabulated:
    """The detail-aware sampler of a model that has just been trained, measured here and now.

    So the paper makes its sampler: a model trained with the uniform one shows where detail appears, and the next
    training follows it.

    Args:
        weights: folder of weights, such as a run's.
        model: name of a super-resolution model in it.
        count: clips.
        steps: of each run.
        frames: of each clip.
        crop: height and width of each clip in pixels.
    """
    return _density(measure(load(model, weights), clips(count, frames, crop), steps))


def _density(rows: Sequence[Row]) -> Tabulated:
    return Tabulated([row.figures["t"].mean for row in rows], [row.figures["change"].mean for row in rows])
