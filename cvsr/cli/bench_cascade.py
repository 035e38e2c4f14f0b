"""The super-resolution stage of a cascade to 4K against one to 1080 lines: a benchmark."""

from functools import partial

import torch

from cvsr.evaluation.cost import least_seconds
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import Preset
from cvsr.systems.base import build_super_resolution

SIZES = {"3840×2160": (2160, 3840), "1920×1080": (1080, 1920)}
SCALE = 4
ROUNDS = 1  # of some minutes each


@torch.no_grad()
def seconds(preset: Preset) -> dict[str, float]:
    """Seconds to enlarge one frame to each size, tile by tile, with random weights."""
    pipeline = SuperResolutionPipeline(**vars(build_super_resolution(preset, ["a ball"])))
    pipeline.set_progress_bar_config(disable=True)
    calls = {}
    for name, (height, width) in SIZES.items():
        small = torch.rand(1, 3, 1, height // SCALE, width // SCALE) * 2 - 1
        calls[name] = partial(pipeline, small, scale=SCALE)
    return least_seconds(calls, ROUNDS)
