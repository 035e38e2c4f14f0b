"""What drawing with a pipeline takes, learnt from a few small runs: bytes and operations, and how fast they go.

Networks differ, and so do machines; but what a chunk takes grows with what is in it:

    bytes      = u · P + v · N  +  a · p + b · n  +  c       of all of it (enlarged, noise, result), and of one tile
    operations = o · p + s · n  +  q · n + r · n²            of one tile: the codec, and the network in one step

with P, p frames times pixels, and N, n latent positions, of the whole canvas and of a tile.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.optimize import nnls
from tqdm import tqdm

from cvsr.evaluation.cost import Resources
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.ledger import make_anew
from cvsr.pipelines.patchvsr import PatchEnlargement, PatchVSRPipeline
from cvsr.pipelines.streaming import Cutter
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import SPATIAL, TEMPORAL, Tiling

PROBES = ((32, 1, 1, 1), (32, 5, 1, 1), (64, 5, 1, 1), (32, 1, 1, 2), (32, 5, 2, 2))  # pixels, frames, rows, columns
TIMED = (128, 5, 1, 1)  # large enough to be as fast as the real thing
CORRECTED = 256  # pixels a side of the frame that corrections are tried on


@dataclass(frozen=True)
class Rehearsal:
    """The numbers of a pipeline as it is asked to draw.

    Attributes:
        canvas: bytes by frame and pixel, and by latent position, of all that is drawn together.
        tile: the same of one tile, and bytes whatever its size.
        codec: operations by frame and pixel of a tile, and by latent position.
        network: operations of one step by latent position of a tile, and by its square.
        rate: operations a second.
        correcting: bytes and seconds by pixel of one frame.
    """

    canvas: tuple[float, float]
    tile: tuple[float, float, float]
    codec: tuple[float, float]
    network: tuple[float, float]
    rate: float
    correcting: tuple[float, float]

    def drawing_bytes(self, frames: int, canvas: int, tile: int) -> float:
        """At most while a chunk of `frames` is drawn, of so many pixels a frame, in tiles of so many."""
        whole, one = (np.array(_extent(frames, pixels)) for pixels in (canvas, tile))
        return float(whole @ self.canvas + one @ self.tile[:2] + self.tile[2])

    def drawing_seconds(self, frames: int, tile: int, steps: int) -> float:
        """Of one tile of so many pixels, codec and network, in so many steps."""
        codec = float(np.dot(_extent(frames, tile), self.codec)) / self.rate
        return codec + self.network_seconds(frames, tile, steps)

    def network_seconds(self, frames: int, patch: int, steps: int) -> float:
        """Of the network alone."""
        positions = _extent(frames, patch)[1]
        return steps * (positions * self.network[0] + positions**2 * self.network[1]) / self.rate


def rehearse(pipeline: SuperResolutionPipeline, settings: Enlargement) -> Rehearsal:
    """Draw some noise with a pipeline, as settings say but at sizes of its own, in a second or so."""
    peaks, codec, network, rows = [], [], [], []
    for pixels, frames, down, across in PROBES:
        draw = _small(pipeline, settings, pixels, frames, down, across)
        with Resources() as taken:
            calls = _Calls(pipeline.transformer, taken)
            draw()
            calls.unhook()
        peaks.append(taken.most)
        tiles = down * across
        rows.append((*_extent(frames, tiles * pixels**2), *_extent(frames, pixels**2), 1.0))
        codec.append((taken.operations - sum(calls.operations)) / tiles)
        network.append(float(np.mean(calls.operations)))
    fitted = _fit(rows, peaks)
    positions = np.array([row[3] for row in rows[1:3]])
    q, r = _fit(np.stack([positions, positions**2], axis=1), network[1:3])
    correcting = _correcting(settings, pipeline._execution_device)
    made = Rehearsal(
        tuple(map(float, fitted[:2])),
        tuple(map(float, fitted[2:])),
        tuple(map(float, _fit([row[2:4] for row in rows], codec))),
        (float(q), float(r)),
        1.0,
        correcting,
    )
    pixels, frames, *_ = TIMED
    return replace(made, rate=made.drawing_seconds(frames, pixels**2, 1) / _seconds(_small(pipeline, settings, *TIMED)))


def _small(
    pipeline: SuperResolutionPipeline, settings: Enlargement, pixels: int, frames: int, down: int, across: int
) -> Callable[[], object]:
    height, width = down * pixels, across * pixels
    tiling = Tiling(pixels, 0, max(frames, TEMPORAL + 1), 1)
    video = torch.zeros(1, 3, frames, height // 4, width // 4)
    asked = replace(
        settings,
        height=height,
        width=width,
        num_inference_steps=1,
        tiling=tiling,
        generator=torch.Generator().manual_seed(0),
        callback_on_step_end=None,
    )
    if isinstance(pipeline, PatchVSRPipeline) and isinstance(asked, PatchEnlargement):
        asked = replace(asked, patch=min(pixels, pipeline.patch_size(asked)))
        asked = replace(asked, memory=1.01 * pipeline.patch_gib(video, asked))  # one at a time
    chunk = Cutter([video]).cut(tiling)

    @torch.no_grad()
    def draw() -> object:
        return pipeline.drawing(video, asked, tqdm(disable=True))(chunk, tiling, make_anew)

    return draw


class _Calls:
    """The operations of each call of a network, while they are counted."""

    def __init__(self, network: torch.nn.Module, taken: Resources):
        self.taken, self.operations, self.began = taken, [], 0
        self.hooks = network.register_forward_pre_hook(self.begin), network.register_forward_hook(self.end)

    def begin(self, *_) -> None:
        self.began = self.taken.operations

    def end(self, *_) -> None:
        self.operations.append(self.taken.operations - self.began)

    def unhook(self) -> None:
        for hook in self.hooks:
            hook.remove()


def _correcting(settings: Enlargement, device: torch.device) -> tuple[float, float]:
    frame = torch.zeros(1, 3, 1, CORRECTED, CORRECTED, device=device)
    source = torch.zeros(1, 3, 1, CORRECTED // 4, CORRECTED // 4, device=device)

    @torch.no_grad()
    def correct() -> object:
        return settings.corrected(frame, source)

    with Resources() as taken:
        correct()
    return taken.most / CORRECTED**2, _seconds(correct) / CORRECTED**2


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _extent(frames: int, pixels: int) -> tuple[int, int]:
    """Frames times pixels, and latent positions."""
    groups = 1 + -(-(frames - 1) // TEMPORAL)
    return (1 + TEMPORAL * (groups - 1)) * pixels, groups * pixels // SPATIAL**2


def _fit(rows, values) -> np.ndarray:
    """Least squares with nothing below zero; columns scaled, for some are in millions."""
    rows = np.asarray(rows, float)
    scale = rows.max(axis=0)
    return nnls(rows / scale, np.asarray(values, float))[0] / scale
