"""Multi-patch joint modulation against one pass over the patches that do not overlap: a benchmark."""

from functools import partial

import torch

from cvsr.diffusion.joint_modulation import cover
from cvsr.evaluation.cost import least_seconds
from cvsr.pipelines.patchvsr import PatchEnlargement, PatchVSRPipeline
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL
from cvsr.presets import Preset
from cvsr.systems.patchvsr import build_patchvsr

SEGMENTS = 3  # patches a side of the frame, those that do not overlap
FRAMES = 5
TEXT_TOKENS = 16


@torch.no_grad()
def joinings(preset: Preset, rounds: int) -> tuple[float, dict[str, str]]:
    """Time of one joint prediction over that of the segments alone, in units of how much more the patches show.

    Both ask the network for as many patches at once as the usual budget of memory allows. Returns that and everything
    in words, a pass of the network over the whole frame included, which does not grow as its pixels do.
    """
    pipeline = PatchVSRPipeline(**vars(build_patchvsr(preset, ["a ball"])))
    size = preset.patchvsr.sample_size
    side, channels = SEGMENTS * size, preset.autoencoder.latent_channels
    frames = 1 + FRAMES // TEMPORAL
    inputs = {
        "x": torch.randn(1, 2 * channels, frames, side, side),
        "t": torch.tensor([0.5]),
        "text": torch.randn(1, TEXT_TOKENS, preset.text.width),
        "mask": torch.ones(1, TEXT_TOKENS, dtype=torch.bool),
        "noise_level": torch.tensor([0.2]),
        "scale": torch.tensor([1.0]),
        "whole": torch.randn(1, channels, frames, size, size),
    }
    video = torch.empty(1, 3, FRAMES, side * SPATIAL, side * SPATIAL, device="meta")
    at_once = pipeline.patches_at_once(video, PatchEnlargement(scale=1))
    patches = {joining: cover(side, side, size, joining) for joining in ("joint", "stitched")}
    patches["whole"] = cover(side, side, side)
    calls = {
        name: partial(pipeline.predict, **inputs, patches=each, at_once=at_once) for name, each in patches.items()
    }
    seconds = least_seconds(calls, rounds)
    time, area = seconds["joint"] / seconds["stitched"], len(patches["joint"]) / len(patches["stitched"])
    sides = {
        f"joint, {len(patches['joint'])} patches": f"{1e3 * seconds['joint']:.0f} ms",
        f"one pass over {len(patches['stitched'])} segments": f"{1e3 * seconds['stitched']:.0f} ms",
        "the frame as one patch": f"{1e3 * seconds['whole']:.0f} ms",
        "patches at once": f"{at_once}",
        "joint ÷ one pass": f"{time:.2f}",
        "area of the patches ÷ the frame's": f"{area:.2f}",
    }
    return time / area, sides
