"""Frames through all stages of a cascade, scene by scene, each stage asking the one before for what it needs.

No stage waits for another to be done with a video: a chunk of the last one is made as soon as there is enough to make
it from, and in memory are some chunks, however long the video is.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cvsr.data.video import to_frames, to_tensor
from cvsr.models.autoencoder import decode_from_latents
from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.latent_super_resolution import LatentSuperResolutionPipeline
from cvsr.pipelines.ledger import Ledger
from cvsr.pipelines.stages import Size, Stage, sizes
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.tiling import TEMPORAL, up
from cvsr.systems.simplegvr import REDUCTION

PIECE = 8  # frames that are read at once


@dataclass(frozen=True)
class Leg:
    """A stage that is ready to run: its pipeline, what is asked of it, and the height and width that it begins from."""

    stage: Stage
    pipeline: SuperResolutionPipeline
    settings: Enlargement
    size: Size


def ready(
    stages: list[Stage],
    size: Size,
    load: Callable[[str], SuperResolutionPipeline],
    *,
    scale: float | None = None,
    prompt: str = "",
    seed: int = 0,
    own: dict[str, dict[str, Any]] | None = None,
) -> list[Leg]:
    """The stages with their pipelines and everything that is asked of them.

    Args:
        stages: one or more.
        size: height and width of the input.
        load: the pipeline of a system.
        scale: that all make together, see `cvsr.pipelines.stages.sizes`.
        prompt: what the video shows.
        seed: of the noise; every stage draws its own.
        own: further settings by system, such as the references of UniMMVSR.

    Raises:
        ValueError: stages that do not fit the video or each other.
    """
    pipelines = {system: load(system) for system in dict.fromkeys(stage.system for stage in stages)}
    legs, before = [], size
    for number, (stage, made) in enumerate(zip(stages, sizes(stages, size, scale), strict=True)):
        pipeline = pipelines[stage.system]
        patchwise = {"patch": stage.patch, "magnitude": stage.magnitude} if stage.system == "patchvsr" else {}
        settings = pipeline.asked(
            prompt=prompt,
            height=made[0],
            width=made[1],
            num_inference_steps=stage.steps,
            strength=stage.strength,
            detail=stage.detail,
            consistency=stage.consistency,
            colour_correction=stage.colour_correction,
            tiling=stage.tiling(pipeline.settings.tiling),
            generator=torch.Generator().manual_seed(_seed(seed, number)),
            **patchwise,
            **(own or {}).get(stage.system, {}),
        )
        pipeline.check(torch.empty(1, 3, 1, *before, device="meta"), settings)
        legs.append(Leg(stage, pipeline, settings, before))
        before = made
    return legs


def relay(pieces: Iterable[Tensor], legs: list[Leg], start: int = 0, ledger: Ledger | None = None) -> Iterator[Tensor]:
    """One scene through all legs.

    Args:
        pieces: (1, 3, T, H, W) in [-1, 1], of any lengths.
        legs: see `ready`.
        start: number of the scene's first frame in the video.
        ledger: keeps what every leg has finished.

    Yields:
        (1, 3, T, H', W') in [-1, 1]: together as many frames as went in.
    """
    ledger = ledger or Ledger()
    for number, leg in enumerate(legs):
        pieces = leg.pipeline.stream(pieces, leg.settings, start=start, ledger=ledger.within(f"stage{number}"))
    return iter(pieces)


def enlarge(
    frames: Iterable[np.ndarray], scenes: Iterable[range], legs: list[Leg], ledger: Ledger | None = None
) -> Iterator[np.ndarray]:
    """A whole video through all legs, no chunk of which is of two scenes.

    Args:
        frames: uint8 (H, W, 3), one after the other.
        scenes: the numbers of the frames of each scene, see `cvsr.data.footage.Footage`.
        legs: see `ready`.
        ledger: keeps what every leg has finished.

    Yields:
        uint8 (T, H', W', 3), some frames at a time: together as many as went in.
    """
    frames = iter(frames)
    for scene in scenes:
        for finished in relay(_pieces(itertools.islice(frames, len(scene))), legs, scene.start, ledger):
            yield to_frames(finished[0])


def relay_latents(
    latents: Tensor, num_frames: int, legs: list[Leg], ledger: Ledger | None = None
) -> tuple[Tensor, Iterator[Tensor]]:
    """A base model's video through all legs; the first takes the latents as they are, if it can.

    Args:
        latents: normalised, (1, c, t, h, w).
        num_frames: at most 4t - 3.
        legs: see `ready`.
        ledger: keeps what every leg has finished.

    Returns:
        The small video (1, 3, num_frames, H, W), and pieces of the large one as `relay` yields them.
    """
    ledger, first = ledger or Ledger(), legs[0]
    if takes_latents(first, num_frames):
        keep = ledger.in_order("latents")
        small, large = first.pipeline.from_base(latents, num_frames, first.settings, keep)
        return small, relay([large], legs[1:], ledger=ledger.within("after"))
    small = decode_from_latents(first.pipeline.autoencoder, latents)[:, :, :num_frames].clamp(-1, 1)
    return small, relay([small], legs, ledger=ledger)


def whole(leg: Leg, num_frames: int) -> Leg:
    """A leg that may take latents, so asked that all frames are one chunk, as these are handed on."""
    if not isinstance(leg.pipeline, LatentSuperResolutionPipeline):
        return leg
    tiling = leg.settings.tiling
    longer = replace(tiling, frames=max(tiling.frames, up(num_frames - 1, TEMPORAL) + 1))
    return replace(leg, settings=replace(leg.settings, tiling=longer))


def takes_latents(leg: Leg, num_frames: int) -> bool:
    """Whether a leg is made for a base model's latents, and for so much larger a result in one chunk."""
    if not isinstance(leg.pipeline, LatentSuperResolutionPipeline):
        return False
    larger = leg.settings.size(torch.empty(1, 3, 1, *leg.size, device="meta"))
    return larger == tuple(REDUCTION * side for side in leg.size) and num_frames <= leg.settings.tiling.frames


def _pieces(frames: Iterator[np.ndarray]) -> Iterator[Tensor]:
    while some := list(itertools.islice(frames, PIECE)):
        yield to_tensor(np.stack(some))[None]


def _seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence((seed, number)).generate_state(1, np.uint64)[0])
