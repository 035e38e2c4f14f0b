"""What a cascade will take, before it runs: chunks, tiles, memory and time; and chunks and tiles that fit a memory.

The process holds its libraries and weights, what is kept between chunks of all legs, and what the leg at work takes:
the larger of drawing a chunk (`cvsr.pipelines.rehearsal`) and finishing its frames. Beside them stands the encoder of
the output.
"""

import math
import resource
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from cvsr.pipelines.patchvsr import USUAL, PatchEnlargement, PatchVSRPipeline
from cvsr.pipelines.rehearsal import Rehearsal
from cvsr.pipelines.relay import Leg
from cvsr.pipelines.tiling import TEMPORAL, up

GIB = 2**30
FLOAT = 12  # bytes of a pixel: three float32
LEVEL = 3  # in 8 bits
# Measured on two cores with glibc, on videos of 0.1 to 2 megapixels; the tests compare predictions with real runs.
FRAGMENTS = 1.1  # a heap of large blocks of many sizes has gaps
ENCODER = (25, 9, 95)  # bytes a pixel that x264 takes at first, for every frame more that it looks at, and at most
ENCODER_SECONDS = 5e-8  # a pixel


@dataclass(frozen=True)
class LegPlan:
    """What one leg takes.

    Attributes:
        leg: with the tiling that it is going to use.
        chunks, tiles: of the video, and of a chunk; patches for a system that goes patch by patch.
        held: bytes from chunk to chunk.
        working: bytes at most while it makes a chunk.
        seconds: of everything.
    """

    leg: Leg
    chunks: int
    tiles: int
    held: float
    working: float
    seconds: float

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width that tiles cover."""
        return self.leg.settings.canvas(_like(self.leg))

    def __str__(self) -> str:
        (height, width), tiling = self.leg.size, self.leg.settings.tiling
        larger = self.leg.settings.size(_like(self.leg))
        pieces = "patches" if isinstance(self.leg.settings, PatchEnlargement) else f"tiles of {tiling.pixels}"
        return (
            f"{self.leg.stage.system}: {width}x{height} to {larger[1]}x{larger[0]}, chunks: {self.chunks} of up to"
            f" {tiling.frames} frames, {pieces}: {self.tiles}; {_duration(self.seconds)}"
        )


@dataclass(frozen=True)
class Plan:
    """What all legs take together.

    Attributes:
        legs: one each.
        base: bytes of the process before it begins.
        encoder: bytes, and seconds, of writing the output.
        disk: bytes kept on disk until the run is done.
    """

    legs: list[LegPlan]
    base: float
    encoder: tuple[float, float]
    disk: float

    @property
    def peak(self) -> float:
        """Bytes at most, of the whole process."""
        held, working = sum(leg.held for leg in self.legs), max(leg.working for leg in self.legs)
        return self.base + FRAGMENTS * (held + working) + self.encoder[0]

    @property
    def seconds(self) -> float:
        """Of everything."""
        return sum(leg.seconds for leg in self.legs) + self.encoder[1]

    def __str__(self) -> str:
        total = (
            f"in all {_duration(self.seconds)}, {self.peak / GIB:.1f} GiB of memory,"
            f" {self.disk / GIB:.1f} GiB of disk while it runs"
        )
        return "\n".join([*map(str, self.legs), total])


def plan(
    legs: Sequence[Leg],
    scenes: Sequence[range],
    rehearsals: Sequence[Rehearsal],
    budget: float | None = None,
    panels: int = 1,
) -> Plan:
    """What legs are going to take for the scenes of a video; chunks and tiles shrink until they fit.

    Args:
        legs: as they are asked for; their tilings are the most that is taken.
        scenes: numbers of the frames of each.
        rehearsals: one a leg.
        budget: bytes that the process may take; None: as many as it needs.
        panels: how many pictures of the result's size are written: 4 with a comparison beside it.

    Raises:
        ValueError: not even the smallest pieces fit the budget.
    """
    base, legs = resident_bytes(_device(legs)), list(legs)
    while True:
        made = _foresee(legs, scenes, rehearsals, base, panels)
        if budget is None or made.peak <= budget:
            return _with_patches(made, budget)
        order = sorted(range(len(legs)), key=lambda index: -made.legs[index].working)
        smaller = ((index, legs[index].settings.tiling.smaller()) for index in order)
        index, tiling = next(((index, tiling) for index, tiling in smaller if tiling is not None), (0, None))
        if tiling is None:
            least = legs[order[0]].settings.tiling
            enough = math.ceil(10 * made.peak / GIB) / 10
            raise ValueError(
                f"memory={budget / GIB:g}: too little for {least.frames} frames in tiles of {least.pixels} pixels, the"
                f" least, which need {made.peak / GIB:.2g} GiB; allowed from {enough:g}; try --memory"
                f" {enough:g}, or a smaller result"
            )
        legs[index] = replace(legs[index], settings=replace(legs[index].settings, tiling=tiling))


def _foresee(
    legs: Sequence[Leg], scenes: Sequence[range], rehearsals: Sequence[Rehearsal], base: float, panels: int
) -> Plan:
    made = [_leg(leg, scenes, rehearsal) for leg, rehearsal in zip(legs, rehearsals, strict=True)]
    frames = sum(map(len, scenes))
    pixels = [math.prod(leg.settings.size(_like(leg))) for leg in legs]
    first, more, most = ENCODER if _device(legs).type == "cpu" else (0, 0, 0)  # which encodes, in its own memory
    encoder = pixels[-1] * min(first + more * frames, most) * panels
    shared = FLOAT * max(leg.settings.tiling.frame_overlap for leg in legs) * pixels[-1]
    disk = LEVEL * frames * sum(pixels) + shared
    return Plan(made, base, (encoder, ENCODER_SECONDS * pixels[-1] * frames * panels), disk)


def _leg(leg: Leg, scenes: Sequence[range], rehearsal: Rehearsal) -> LegPlan:
    asked, tiling, canvas = leg.settings, leg.settings.tiling, leg.settings.canvas(_like(leg))
    longest = max(map(len, scenes))
    frames = min(tiling.frames, up(longest - 1, TEMPORAL) + 1)
    chunks, cover = sum(tiling.chunks(len(scene)) for scene in scenes), tiling.cover(*canvas)
    tile = math.prod(min(tiling.pixels, side) for side in canvas)
    pixels, steps = math.prod(canvas), asked.num_inference_steps
    shared = tiling.frame_overlap if longest > tiling.frames else 0
    tail = FLOAT * shared * pixels
    drawing = rehearsal.drawing_bytes(frames, pixels, tile)
    done = min(frames, tiling.stride)
    finishing = (FLOAT * frames + LEVEL * done) * pixels + max(tail, rehearsal.correcting[0] * pixels)
    waiting = FLOAT * math.prod(leg.size) * min(longest, tiling.frames + tiling.stride)  # what comes next
    pieces, seconds = len(cover), len(cover) * rehearsal.drawing_seconds(frames, tile, steps)
    if isinstance(leg.pipeline, PatchVSRPipeline):  # tiles are the codec's, patches the network's
        pieces, patch = len(leg.pipeline.patches(_like(leg), asked)), leg.pipeline.patch_size(asked)
        seconds = len(cover) * rehearsal.drawing_seconds(frames, tile, 0)
        seconds += pieces * rehearsal.network_seconds(frames, patch**2, steps)
    correcting = rehearsal.correcting[1] * pixels * sum(map(len, scenes))
    return LegPlan(leg, chunks, pieces, tail + 2 * waiting, max(drawing, finishing), chunks * seconds + correcting)


def _with_patches(made: Plan, budget: float | None) -> Plan:
    """As many patches at once as the budget leaves room for, and no more than is usual."""
    left = math.inf if budget is None else (budget - made.peak) / GIB
    legs = []
    for each in made.legs:
        asked = each.leg.settings
        if isinstance(each.leg.pipeline, PatchVSRPipeline) and isinstance(asked, PatchEnlargement):
            one = 1.001 * each.leg.pipeline.patch_gib(_like(each.leg), asked)
            memory = max(one, min(USUAL, one + left))
            settings = replace(asked, memory=memory)
            each = replace(each, leg=replace(each.leg, settings=settings), working=each.working + (memory - one) * GIB)
        legs.append(each)
    return replace(made, legs=legs)


def _like(leg: Leg) -> torch.Tensor:
    """A chunk of its input, without contents."""
    return torch.empty(1, 3, leg.settings.tiling.frames, *leg.size, device="meta")


def resident_bytes(device: torch.device | str = "cpu") -> int:
    """What the process has in memory now, or its tensors in that of a GPU."""
    if torch.device(device).type == "cuda":
        return torch.cuda.memory_allocated(device)
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(statm.read_text().split()[1]) * resource.getpagesize()


def _device(legs: Sequence[Leg]) -> torch.device:
    return legs[0].pipeline._execution_device


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min" if seconds < 3600 else f"about {seconds / 3600:.1f} h"
