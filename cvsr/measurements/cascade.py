"""What each second stage makes of the base model's own videos, which have no truth to be compared with."""

import time
from collections.abc import Mapping
from functools import cache

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_tensor
from cvsr.data.world import render
from cvsr.evaluation.metrics import high_frequency_ratio, warping_error
from cvsr.evaluation.naturalness import CleanPictures, fit_clean_pictures
from cvsr.measurements.clips import FRAMES, PIXELS, SPLIT, VALIDATION, world_clips
from cvsr.measurements.results import Row
from cvsr.measurements.tally import Tally
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.systems.simplegvr import REDUCTION

QUESTION = "How detailed, steady and natural are the base model's videos after each system's super-resolution?"
PROMPTS = "held-out prompts"
CLEAN = 32  # scenes of the validation split that the measure of naturalness is fitted on


@torch.no_grad()
def measure(
    base: TextToVideoPipeline,
    enlargers: Mapping[str, SuperResolutionPipeline],
    count: int = 32,
    seed: int = 0,
    pixels: int = PIXELS,
    frames: int = FRAMES,
) -> list[Row]:
    """Detail, warping error and NIQE of the base model's videos, enlarged by each system and bicubically.

    The prompts are the captions of the first `count` scenes of the test split. "detail" is the energy of fine detail
    over that of the scene rendered by the world, which shows the same things in another layout; the warping error is
    taken along the motion of the bicubic enlargement; "niqe" is fitted on clean scenes of the world. The rendered
    scenes themselves have a row.
    """
    tally, clean = Tally(), clean_pictures(pixels)
    for pipeline in (base, *enlargers.values()):
        pipeline.set_progress_bar_config(disable=True)
    for number in tqdm(range(count), desc="cascade", unit="prompt"):
        scene = sample_scene(number, SPLIT)
        rendered = to_tensor(render(scene, frames, pixels, pixels).frames)[None]
        small_side = pixels // REDUCTION
        generator = torch.Generator().manual_seed(seed + number)
        latents = base(
            scene.caption, small_side, small_side, frames, generator=generator, output_type="latent"
        ).frames
        bicubic = None
        for name, enlarger in enlargers.items():
            settings = Enlargement(scene.caption, generator=torch.Generator().manual_seed(seed + number))
            started = time.perf_counter()
            small, large = enlarger.from_base(latents, frames, settings)
            seconds = time.perf_counter() - started
            if bicubic is None:
                bicubic = resize(small, pixels, pixels).clamp(-1, 1).cpu()
                tally.add("bicubic", PROMPTS, figures(bicubic, rendered, bicubic, clean))
            tally.add(name, PROMPTS, figures(large.cpu(), rendered, bicubic, clean) | {"seconds": seconds})
        tally.add("rendered scenes", PROMPTS, figures(rendered, rendered, rendered, clean))
    return tally.rows()


@cache
def clean_pictures(pixels: int) -> CleanPictures:
    """What "niqe" is fitted on: stills of the validation split, pixels × pixels."""
    return fit_clean_pictures(clip.load() for clip in world_clips(CLEAN, 1, pixels, VALIDATION))


def figures(video: Tensor, rendered: Tensor, moving: Tensor, clean: CleanPictures) -> dict[str, float]:
    """Of a video (1, 3, T, H, W) that moves as `moving` does."""
    return {
        "detail": float(high_frequency_ratio(video, rendered)),
        "warping_error": float(warping_error(video, moving)),
        "niqe": float(clean.score(video)),
    }
