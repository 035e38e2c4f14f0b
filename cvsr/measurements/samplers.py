"""How near samplers come to the end of the path that the network describes, by the number of network calls.

All start from the same noise. Where the path ends is told by a run of so many steps that twice as many change little.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.scenes import sample_scene
from cvsr.diffusion.pndm import FlowPNDMScheduler
from cvsr.diffusion.schedulers import Scheduler, euler_scheduler, unipc_scheduler
from cvsr.measurements.clips import SPLIT, eight_bit, middle
from cvsr.measurements.results import Row
from cvsr.measurements.super_resolution import SCALE
from cvsr.measurements.tally import Tally
from cvsr.pipelines.base import VideoPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline

QUESTION = "How many network calls does flow-PNDM save, at an equal distance from the end of the path?"
SAMPLERS: dict[str, Callable[[], Scheduler]] = {
    "Euler": euler_scheduler,
    "UniPC": unipc_scheduler,
    "flow-PNDM": FlowPNDMScheduler,
    "flow-PNDM, Runge-Kutta start": lambda: FlowPNDMScheduler(start="runge_kutta"),
}
CALLS = (4, 8, 16, 32)
END = 128  # calls of the run that tells where the path ends, by flow-PNDM
FRAMES, PIXELS, MIDDLE = 5, 64, 32  # of the small video, and the side of its middle, which is enlarged


@torch.no_grad()
def measure(
    base: TextToVideoPipeline,
    enlarger: UniMMVSRPipeline,
    count: int = 16,
    seed: int = 0,
    calls: tuple[int, ...] = CALLS,
    end: int = END,
) -> list[Row]:
    """Root mean square distance of latents from the path's end, over that of the end from 0, for either stage.

    Both are told the captions of the first `count` scenes of the test split; the enlarger is given the small videos of
    the base model, their middles. Neither is guided. Rows are called "SAMPLER, n calls".
    """
    tally = Tally()
    for each in (base, enlarger):
        each.set_progress_bar_config(disable=True)
    for number in tqdm(range(count), desc="samplers", unit="prompt"):
        caption = sample_scene(number, SPLIT).caption
        small = base(caption, PIXELS, PIXELS, FRAMES, generator=_noise(seed + number)).frames
        asked = {"prompt": caption, "guidance_scale": 1.0, "output_type": "latent"}
        stages = {
            "text to video": (base, asked | {"height": PIXELS, "width": PIXELS, "num_frames": FRAMES}),
            "super-resolution": (enlarger, asked | {"video": middle(eight_bit(small), MIDDLE), "scale": SCALE}),
        }
        for stage, (pipeline, arguments) in stages.items():
            for method, distance in _distances(pipeline, arguments, seed + number, calls, end).items():
                tally.add(method, stage, {"distance": distance})
    groups = list(stages)
    return sorted(tally.rows(), key=lambda row: groups.index(row.clips))


def _distances(
    pipeline: VideoPipeline, arguments: dict[str, Any], seed: int, calls: tuple[int, ...], end: int
) -> dict[str, float]:
    """Of every sampler after so many calls; the pipeline gets its own sampler back."""

    def run(sampler: Scheduler, steps: int) -> Tensor:
        pipeline.scheduler = sampler
        return pipeline(**arguments, num_inference_steps=steps, generator=_noise(seed)).frames

    own = pipeline.scheduler
    try:
        goal = run(FlowPNDMScheduler(), end)
        return {
            f"{name}, {steps} calls": _distance(run(sampler(), steps), goal)
            for name, sampler in SAMPLERS.items()
            for steps in calls
        }
    finally:
        pipeline.scheduler = own


def _distance(latents: Tensor, goal: Tensor) -> float:
    return float(((latents - goal).square().mean() / goal.square().mean()).sqrt())


def _noise(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
