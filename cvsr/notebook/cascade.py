"""Pictures of a cascade's run: what its plan foresees, and how chunks lie over the scenes of a video."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from cvsr.notebook.figures import PALETTE
from cvsr.pipelines.plan import FRAGMENTS, GIB, Plan
from cvsr.pipelines.streaming import Chunk, Cutter
from cvsr.pipelines.tiling import Tiling

COLOURS = [PALETTE[name] for name in ("blue", "orange", "green", "purple", "sky")]


def draw_plan(plan: Plan, budget: float | None = None) -> Figure:
    """Memory by what holds it, and time by stage; `budget` is in GiB."""
    figure = Figure(figsize=(9, 2.4))
    memory, time = figure.subplots(1, 2, width_ratios=(3, 2))
    held = sum(leg.held for leg in plan.legs)
    working = max(leg.working for leg in plan.legs)
    parts = {
        "libraries and weights": plan.base,
        "from chunk to chunk": FRAGMENTS * held,
        "a chunk at work": FRAGMENTS * working,
        "the encoder": plan.encoder[0],
    }
    left = 0.0
    for (name, size), colour in zip(parts.items(), COLOURS, strict=False):
        memory.barh(0, size / GIB, left=left, color=colour, label=name)
        left += size / GIB
    if budget is not None:
        memory.axvline(budget, color=PALETTE["vermilion"], linestyle="--", label=f"allowed: {budget:g} GiB")
    memory.set(xlabel="GiB of memory at most", yticks=[], ylim=(-0.6, 2.2))
    memory.legend(frameon=False, fontsize=8, ncols=2, loc="upper left")
    names = [f"stage {number}, {leg.leg.stage.system}" for number, leg in enumerate(plan.legs, 1)] + ["writing"]
    seconds = [*(leg.seconds for leg in plan.legs), plan.encoder[1]]
    bars = time.barh(names, seconds, color=COLOURS[: len(names)])
    time.bar_label(bars, [duration(each) for each in seconds], padding=3, fontsize=8)
    time.invert_yaxis()
    time.set(xlabel="seconds", xlim=(0, 1.35 * max(seconds)))
    for axes in (memory, time):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


def duration(seconds: float) -> str:
    """In seconds, minutes or hours."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def chunks_of(scenes: Sequence[range], tiling: Tiling) -> list[Chunk]:
    """The chunks into which a video is cut, none of them of two scenes; frames of a pixel stand for it."""
    chunks = []
    for scene in scenes:
        cutter = Cutter([torch.zeros(1, 3, len(scene), 1, 1)], scene.start)
        while not cutter.finished:
            chunks.append(cutter.cut(tiling))
            cutter.advance(chunks[-1])
    return chunks


def draw_chunks(scenes: Sequence[range], tiling: Tiling) -> Figure:
    """Chunks along the frames of a video, each darker where it counts more in the blend; lines are cuts."""
    chunks, frames = chunks_of(scenes, tiling), scenes[-1].stop
    figure = Figure(figsize=(9, 0.9 + 0.22 * len(chunks)))
    axes = figure.subplots()
    for row, chunk in enumerate(chunks):
        scene = next(scene for scene in scenes if chunk.start in scene)
        length = min(len(chunk.weights), scene.stop - chunk.start)  # what is repeated at the end is not shown
        colour = COLOURS[scenes.index(scene) % len(COLOURS)]
        for offset, weight in enumerate(chunk.weights[:length].tolist()):
            axes.barh(row, 1, left=chunk.start + offset, height=0.8, color=colour, alpha=0.15 + 0.85 * weight)
    for scene in scenes[1:]:
        axes.axvline(scene.start, color=PALETTE["vermilion"], linewidth=1.5)
    axes.set(xlabel="frame", ylabel="chunk", xlim=(0, frames), yticks=range(len(chunks)))
    axes.set_yticklabels([str(number) for number in range(1, len(chunks) + 1)], fontsize=8)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return figure


def scenes_of(frames: int, cuts: Sequence[int]) -> list[range]:
    """Scenes of a video of so many frames that are divided by cuts; a cut outside of it is none."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < frames}), frames]
    return [range(start, stop) for start, stop in itertools.pairwise(edges)]


def ghosting(video: np.ndarray, scenes: Sequence[range], count: int) -> float:
    """How far the last `count` frames before each cut differ from their scene's frame before them, in levels.

    Takes uint8 (T, H, W, 3). Where a chunk spans the cut, what comes shines through in what goes.
    """
    differences = []
    for scene in scenes[:-1]:
        last = video[max(scene.start + 1, scene.stop - count) : scene.stop].astype(np.float32)
        still = video[max(scene.start, scene.stop - count - 1)].astype(np.float32)
        differences.append(np.abs(last - still).mean())
    return float(np.mean(differences))
