"""Patches joined in three ways: how visible the seams are, and what is restored, beside bicubic enlargement."""

import time
from collections.abc import Sequence
from dataclasses import fields

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.diffusion.joint_modulation import JOININGS
from cvsr.evaluation.metrics import warping_error
from cvsr.evaluation.seams import seam_ratio
from cvsr.measurements.autoencoder import fidelity
from cvsr.measurements.clips import Clip, eight_bit
from cvsr.measurements.results import Row
from cvsr.measurements.super_resolution import SCALE, anchors, reduced
from cvsr.measurements.tally import Tally
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.patchvsr import PatchEnlargement, PatchVSRPipeline
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import SPATIAL, Tiling
from cvsr.systems.patchvsr import SCALES

QUESTION = "Enlarged x4 patch by patch, how visible are the seams, and how close and detailed are videos?"
BASE = "base, in one piece"
LEAST_TOLD = f"joint, magnitude {SCALES[0]:g}"


@torch.no_grad()
def measure(
    pipeline: PatchVSRPipeline, base: SuperResolutionPipeline, clips: Sequence[Clip], seed: int = 0, **settings
) -> list[Row]:
    """Figures of every joining on the clips, reduced to a quarter in 8 bits, each clip from the noise of the same seed.

    "seam_ratio" is the gradient across the borders of patches over that across other borders of latents, in units of
    what the base makes of the frame in one piece. (In units of the truth it spreads by a sixth from clip to clip:
    edges that lie along a border by chance are blurred by any model.) Beside the joinings there are bicubic
    enlargement, what the autoencoder makes of it, the base, and PatchVSR told to draw as little detail as for no
    enlargement (figure 6).

    Args:
        pipeline: the model to be measured.
        base: the model for whole frames that it was made from.
        clips: those of one patch have no seams, and no figure of them.
        seed: of the noise.
        settings: of a `PatchEnlargement`, other than the pipeline's own.
    """
    tally = Tally()
    for each in (pipeline, base):
        each.set_progress_bar_config(disable=True)
    ways = {BASE: {}} | {name: {"joining": name} for name in JOININGS} | {LEAST_TOLD: {"magnitude": SCALES[0]}}
    for clip in tqdm(clips, desc="patches", unit="clip"):
        truth = clip.load()
        small = reduced(truth)
        for method, result, seconds in anchors(pipeline, small):
            tally.add(method, clip.group, judge(result, truth) | {"seconds": seconds})
        for method, own in ways.items():
            noise = torch.Generator().manual_seed(seed)
            asked = pipeline.asked(scale=SCALE, generator=noise, **settings | own)
            started = time.perf_counter()
            if method == BASE:
                result = whole = in_one_piece(base, small, asked).cpu()
            else:
                result = pipeline.run(small, asked, "pt", return_dict=True).frames.cpu()
            seconds = time.perf_counter() - started
            figures = judge(result, truth) | {"seconds": seconds}
            lines = pipeline.borders(small, asked)
            if any(lines):
                figures["seam_ratio"] = float(seam_ratio(result, *lines, SPATIAL, whole))
            tally.add(method, clip.group, figures)
    return tally.rows()


def in_one_piece(base: SuperResolutionPipeline, small: Tensor, asked: PatchEnlargement) -> Tensor:
    """The video that a model for whole frames makes, (B, 3, T, H, W), by the settings that it shares with PatchVSR."""
    tiling = Tiling(pixels=max(asked.canvas(small)), overlap=0)
    shared = {each.name: getattr(asked, each.name) for each in fields(Enlargement)}
    return base.run(small, Enlargement(**shared | {"tiling": tiling}), "pt", return_dict=True).frames


def judge(result: Tensor, truth: Tensor) -> dict[str, float]:
    """Fidelity and warping error of a video (1, 3, T, H, W)."""
    video = eight_bit(result)
    return fidelity(video, truth) | {"warping_error": float(warping_error(video, truth))}
