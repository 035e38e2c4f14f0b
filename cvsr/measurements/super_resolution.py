"""What super-resolution restores of videos reduced to a quarter, beside bicubic enlargement."""

import itertools
import time
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.evaluation.metrics import warping_error
from cvsr.measurements.autoencoder import fidelity
from cvsr.measurements.clips import Clip, eight_bit
from cvsr.measurements.results import Row
from cvsr.measurements.tally import Tally
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.pipelines.super_resolution import SuperResolutionPipeline

QUESTION = "Enlarged x4, how close, how detailed and how steady are videos, beside bicubic enlargement?"
SCALE = 4


@torch.no_grad()
def measure(
    pipeline: SuperResolutionPipeline,
    clips: Sequence[Clip],
    steps: Sequence[int] | None = None,
    consistency: Sequence[int] | None = None,
    detail: Sequence[float] | None = None,
    seed: int = 0,
) -> list[Row]:
    """Fidelity, warping error and seconds of every method on the clips, reduced to a quarter in 8 bits.

    The methods: bicubic, the autoencoder's view of bicubic, and ours with every choice of steps, consistency and
    detail (the pipeline's own by default), each clip from the noise of the same seed. The truth has a row for its own
    warping error, since motion that optical flow cannot follow counts there, too.
    """
    own = pipeline.sampling
    choices = list(
        itertools.product(
            steps or [own.steps], consistency or [own.consistency], detail or [own.detail]
        )
    )
    tally = Tally()
    pipeline.set_progress_bar_config(disable=True)
    for clip in tqdm(clips, desc="super-resolution", unit="clip"):
        truth = clip.load()
        small = reduced(truth)
        tally.add("truth", clip.group, {"warping_error": float(warping_error(truth, truth))})
        for method, result, seconds in _enlargements(pipeline, small, choices, seed):
            video = eight_bit(result)
            figures = fidelity(video, truth) | {"warping_error": float(warping_error(video, truth))}
            tally.add(method, clip.group, figures | {"seconds": seconds})
    return tally.rows()


def _enlargements(
    pipeline: SuperResolutionPipeline,
    small: Tensor,
    choices: Sequence[tuple[int, int, float]],
    seed: int,
) -> Iterator[tuple[str, Tensor, float]]:
    """Method, video (1, 3, T, 4·H, 4·W) and the seconds it took."""
    yield from anchors(pipeline, small)
    for count, rounds, factor in choices:
        started = time.perf_counter()
        result = pipeline(
            small,
            scale=SCALE,
            num_inference_steps=count,
            consistency=rounds,
            detail=factor,
            generator=torch.Generator().manual_seed(seed),
        ).frames.cpu()
        yield ours(count, rounds, factor), result, time.perf_counter() - started


def reduced(video: Tensor) -> Tensor:
    """A quarter of the height and width of (B, 3, T, H, W), in 8 bits: what is to be enlarged."""
    return eight_bit(resize(video, *(max(1, side // SCALE) for side in video.shape[-2:])))


def anchors(pipeline: SuperResolutionPipeline, small: Tensor) -> Iterator[tuple[str, Tensor, float]]:
    """Bicubic enlargement and what the autoencoder makes of it: method, video (1, 3, T, 4·H, 4·W) and seconds."""
    started = time.perf_counter()
    bicubic = resize(small, *(side * SCALE for side in small.shape[-2:]))
    yield "bicubic", bicubic, time.perf_counter() - started
    started = time.perf_counter()
    latents = encode_to_latents(pipeline.autoencoder, bicubic.clamp(-1, 1).to(pipeline.device))
    decoded = decode_from_latents(pipeline.autoencoder, latents)
    yield "codec of bicubic", decoded, time.perf_counter() - started


def ours(steps: int, consistency: int, detail: float) -> str:
    """The name of a setting of ours in the table."""
    return f"ours, {steps} step{'s' * (steps > 1)}, consistency {consistency}, detail {detail:g}"
