"""Videos judged by every metric that fits them, whoever made them: results side by side on the same clips."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_tensor
from cvsr.data.world import render
from cvsr.measurements.clips import FRAMES, PIXELS, SPLIT, WORLD, eight_bit
from cvsr.measurements.evidence import Evidence, Measure
from cvsr.measurements.results import Row
from cvsr.measurements.super_resolution import SCALE, reduced
from cvsr.measurements.tally import Tally
from cvsr.measurements.video_metrics import METRICS
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline

QUESTION = "How close to the truth, how detailed, steady and natural are these videos?"
Known = dict[str, Any]  # fields of `Evidence`, all but the video


@dataclass(frozen=True)
class Clip:
    """What results are made of and judged by; `know` reads or makes it, the fields of `Evidence` but the video."""

    name: str
    group: str
    know: Callable[[], Known]


# makes or reads the result of a clip, by its name and by what is known of it: (1, 3, T, H, W) in [-1, 1]
Method = Callable[[str, Known], Tensor]


@torch.no_grad()
def measure(
    methods: Mapping[str, Method], clips: Sequence[Clip], measures: Mapping[str, Measure]
) -> tuple[list[Row], dict[str, str]]:
    """A row for every method and group of clips, and of each metric that was left out somewhere, where and why.

    Raises:
        ValueError: a result of another size or length than the truth.
    """
    tally, left_out = Tally(), defaultdict(dict)
    for clip in tqdm(clips, desc="evaluate", unit="clip", disable=len(clips) == 1):
        known = clip.know()
        for name, method in methods.items():
            evidence = Evidence(method(clip.name, known), **known)
            _check(evidence, f"{name}, {clip.name}" if clip.name else name)
            figures = {}
            for metric, compute in measures.items():
                if not (lack := METRICS[metric].lacks(evidence)):
                    figures[metric] = float(compute(evidence))
                    if not isfinite(figures[metric]):
                        lack = f"is {figures.pop(metric)} for {name} {clip.name}".rstrip()
                if lack:
                    left_out[metric][lack] = None
            tally.add(name, clip.group, figures)
    return tally.rows(), {metric: ", ".join(lacks) for metric, lacks in left_out.items()}


def world(count: int, frames: int = FRAMES, pixels: int = PIXELS) -> list[Clip]:
    """The first held-out scenes of the world: the truth, its caption, and the input reduced to a quarter."""

    def know(seed: int) -> Known:
        scene = sample_scene(seed, SPLIT)
        truth = to_tensor(render(scene, frames, pixels, pixels).frames)[None]
        return {"truth": truth, "small": reduced(truth), "prompt": scene.caption}

    return [Clip(f"scene {seed}", WORLD, lambda seed=seed: know(seed)) for seed in range(count)]


def bicubic(_: str, known: Known) -> Tensor:
    """The input enlarged to the truth's size, fourfold where there is none, in 8 bits: the method to beat."""
    return eight_bit(resize(known["small"], *_target(known)))


def enlarge_by(pipeline: SuperResolutionPipeline, seed: int = 0) -> Method:
    """A system as a method: the input enlarged under its prompt, with its references where the system reads any."""

    def enlarge(_: str, known: Known) -> Tensor:
        height, width = _target(known)
        shown = {}
        if isinstance(pipeline, UniMMVSRPipeline):
            videos = [known["reference_video"][0]] if known.get("reference_video") is not None else []
            shown["references"] = [*known.get("references", ()), *videos]
        result = pipeline(
            known["small"],
            **shown,
            prompt=known.get("prompt") or "",
            height=height,
            width=width,
            generator=torch.Generator().manual_seed(seed),
        )
        return eight_bit(result.frames)

    return enlarge


def _target(known: Known) -> tuple[int, int]:
    if known.get("truth") is not None:
        return tuple(known["truth"].shape[-2:])
    return tuple(SCALE * side for side in known["small"].shape[-2:])


def _check(evidence: Evidence, name: str) -> None:
    """Every other video has to be as long, the truth and the reference video as large, too."""
    frames, height, width = evidence.video.shape[2:]
    for option, other, sized in (
        ("against", evidence.truth, True),
        ("input", evidence.small, False),
        ("reference-video", evidence.reference_video, True),
    ):
        if other is None:
            continue
        theirs = tuple(other.shape[2:])
        if theirs[0] != frames or (sized and theirs[1:] != (height, width)):
            raise ValueError(
                f"{option}={theirs[0]} frames of {theirs[2]}x{theirs[1]}: {name} has {frames} of {width}x{height};"
                f" allowed {'the same' if sized else 'as many frames'}; try --frames, or resizing one of them"
            )
