"""What it costs to enlarge patch by patch, as frames become larger: seconds and memory, and how both grow."""

import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm

from cvsr.evaluation.cost import peak_bytes
from cvsr.measurements.results import Estimate, Row
from cvsr.measurements.super_resolution import SCALE
from cvsr.pipelines.patchvsr import PatchVSRPipeline

QUESTION = "Enlarged patch by patch, how do time and memory grow with the pixels of a frame?"
SIZES = ((256, 256), (512, 512), (1024, 1024), (1440, 2560), (2160, 3840))  # height and width of the result
FRAMES = 1
FIT = "exponent"
GROUP = f"{FRAMES} frame"


@torch.no_grad()
def measure(
    pipeline: PatchVSRPipeline, sizes: Sequence[tuple[int, int]] = SIZES, rounds: int = 1, **settings
) -> list[Row]:
    """Rows of "seconds", "peak_mib", "network_mib" and "patches" by size, and the exponents b of a fit a · pixels^b.

    "peak_mib" is the most memory that tensors made on the way hold at a time, "network_mib" the same of one call of
    the network, which `memory` limits: on the CPU, as `peak_bytes` counts them. Of several rounds the least counts.

    Args:
        pipeline: the model to be measured; what it has learnt does not matter.
        sizes: height and width of the results, two or more, multiples of 4.
        rounds: how often each is made.
        settings: of a `PatchEnlargement`, other than the pipeline's own.
    """
    pipeline.set_progress_bar_config(disable=True)
    figures: dict[str, list[float]] = defaultdict(list)
    rows = []
    for height, width in tqdm(sizes, desc="sizes", unit="size"):
        runs = [_run(pipeline, height, width, settings) for _ in range(rounds)]
        least = {name: min(run[name] for run in runs) for name in runs[0]}
        for name, figure in least.items():
            figures[name].append(figure)
        rows.append(Row(f"{width}×{height}", GROUP, rounds, _estimates(least | {"megapixels": height * width / 1e6})))
    pixels = np.log([height * width for height, width in sizes])
    fitted = {name: float(np.polyfit(pixels, np.log(each), 1)[0]) for name, each in figures.items()}
    return [*rows, Row(FIT, GROUP, len(sizes), _estimates(fitted))]


def _run(pipeline: PatchVSRPipeline, height: int, width: int, settings: dict) -> dict[str, float]:
    """Figures of one enlargement of noise, and of a call of the network as large as the first of it."""
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(1, 3, FRAMES, height // SCALE, width // SCALE, generator=generator) * 2 - 1
    asked = pipeline.asked(height=height, width=width, generator=generator, **settings)
    counts, first = [], []
    seconds = 0.0

    def note(_, given: tuple) -> None:
        counts.append(len(given[0]))
        first[:] = first or [given]

    def enlarge() -> None:
        nonlocal seconds
        started = time.perf_counter()
        pipeline.run(small, asked, "pt", return_dict=True)
        seconds = time.perf_counter() - started

    watch = pipeline.transformer.register_forward_pre_hook(note)
    peak = peak_bytes(enlarge)
    watch.remove()
    network = peak_bytes(lambda: pipeline.transformer(*first[0]))
    return {"seconds": seconds, "peak_mib": peak / 2**20, "network_mib": network / 2**20, "patches": sum(counts)}


def _estimates(figures: dict[str, float]) -> dict[str, Estimate]:
    return {name: Estimate(figure) for name, figure in figures.items()}
