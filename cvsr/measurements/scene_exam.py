"""An exam of enlarging held-out scenes, in several kinds of inputs (`cvsr.measurements.inputs`)."""

import torch
from torch import Tensor

from cvsr.data.resize import resize
from cvsr.evaluation.metrics import flicker
from cvsr.measurements import cascade
from cvsr.measurements.autoencoder import fidelity
from cvsr.measurements.cascade import PROMPTS
from cvsr.measurements.clips import PIXELS, eight_bit
from cvsr.measurements.exam import Figures, Findings, in_steps, mean
from cvsr.measurements.inputs import CLEAN, PLANTED, make_inputs
from cvsr.measurements.structural_errors import structure_kept, survival
from cvsr.measurements.super_resolution import SCALE
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.training.ablations import Comparison


class SceneExam:
    """Figures of `judge_all` for every number of steps and kind of input that a comparison asks for.

    Args:
        comparison: which kinds, and the clips' size.
        count: scenes.
        weights: the folder that holds the base model, where an input needs it; the repository's by default.
        device: of that model.

    Raises:
        ValueError: as for `make_inputs`.
    """

    def __init__(
        self,
        comparison: Comparison,
        count: int,
        weights: str | None = None,
        device: torch.device | str = "cpu",
    ):
        self.steps = comparison.steps
        self.small, self.truth = make_inputs(comparison, count, weights, device)

    def bicubic(self) -> dict[str, Figures]:
        """What plain enlargement reaches, by kind of input."""
        enlarged = {kind: resize(video, *self.truth.shape[-2:]) for kind, video in self.small.items()}
        return judge_all(enlarged, self.small, self.truth)

    def take(self, pipeline: SuperResolutionPipeline, strength: float) -> Findings:
        """What a model reaches, by number of steps and kind of input."""
        found = {}
        for steps in self.steps:
            results = enlarge(pipeline, self.small, strength, steps)
            for kind, figures in judge_all(results, self.small, self.truth).items():
                found[in_steps(steps), kind] = figures
        return found


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
    return mean([fidelity(*pair) | {"flicker": float(flicker(*pair))} for pair in pairs])


def judge_generated(video: Tensor, small: Tensor, scenes: Tensor) -> Figures:
    """Means of what can be said without a truth (`cvsr.measurements.cascade.figures`) of videos (N, 3, T, H, W).

    Args:
        video: made of the base model's videos.
        small: these, (N, 3, T, H / 4, W / 4).
        scenes: of the same captions, (N, 3, T, H, W).
    """
    moving = resize(small, *video.shape[-2:]).clamp(-1, 1)
    clips = zip(*(each.split(1) for each in (eight_bit(video), scenes, moving)), strict=True)
    return mean([cascade.figures(*clip, cascade.clean_pictures(PIXELS)) for clip in clips])


def enlarge(
    pipeline: SuperResolutionPipeline, small: dict[str, Tensor], strength: float, steps: int, **settings
) -> dict[str, Tensor]:
    """Every kind of input enlarged from the same noise, as the model predicts it: nothing is corrected after it.

    Args:
        pipeline: of super-resolution.
        small: by kind of input, (N, 3, T, H, W).
        strength: of the noise on the input's latents, in [0, 1].
        steps: of sampling.
        settings: others that the pipeline can be asked for.
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
            **settings,
        ).frames.cpu()
        for kind, video in small.items()
    }
