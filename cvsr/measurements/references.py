"""What references add: the same clips enlarged from the same noise with none, the right and the wrong ones.

Beside ID images, inputs are made of a clip whose objects all have other colours or other prints: the world's stand-in
for a base model that reads references and mistakes them. Inputs are of two kinds. "redrawn": that clip is reduced to a
quarter, then the base model draws it again from its caption (SDEdit): the layout stays, and the identity goes, which a
reference still has (UniMMVSR section 3.3). "reduced": no more than reduced.
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.data.resize import resize
from cvsr.data.video import to_frames, to_tensor
from cvsr.evaluation.masked import COARSE, masked_psnr, texture_correlation
from cvsr.measurements.clips import FRAMES, PIXELS, eight_bit
from cvsr.measurements.likeness import Likeness
from cvsr.measurements.reference_clips import CLIPS, NONE, ReferenceClip
from cvsr.measurements.results import Row
from cvsr.measurements.super_resolution import SCALE, reduced
from cvsr.measurements.tally import Tally
from cvsr.models.attribute_reader import AttributeReader
from cvsr.models.autoencoder import decode_from_latents, encode_to_latents
from cvsr.pipelines.redrawing import Redrawing
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline

QUESTION = "UniMMVSR: how much closer to the truth do references bring their objects, or all but an edit?"
INPUTS = ("redrawn", "reduced")
HELD = "held to the input"  # as the pipeline does unless it is told otherwise
ALSO_HELD = (NONE, "right references", "wrong references", "reference video")
COLOURED = f"{NONE}, true colours"  # what ID images can add by nothing but colours
ALPHA = 0.35  # share of noise from which clips are drawn again: the middle of what the model is trained on


class Question(NamedTuple):
    """A clip to be enlarged: its input (1, 3, T, H, W), what its objects are compared by, the seed of the noise."""

    clip: ReferenceClip
    small: Tensor
    likeness: Likeness
    seed: int


@torch.no_grad()
def measure(
    pipeline: UniMMVSRPipeline,
    base: TextToVideoPipeline,
    reader: AttributeReader,
    count: int = 32,
    seed: int = 0,
    frames: int = FRAMES,
    pixels: int = PIXELS,
    **settings,
) -> list[Row]:
    """Figures of each choice of references, and by how much they change what is made without any, paired by clip.

    The figures are those of `judge`. Scene n of the test split is clip n of both tasks, its wrong references are
    those of scene n + 1, and `seed` + n is the seed of its noise. Beside them are bicubic enlargement, what the
    autoencoder keeps of the truth, the truth, what is made without references and given the true mean colour of each
    object, and some of all this held to the input (`HELD`): to all of it without references, and with them where they
    change little. Clips are left out in which nothing of what references show or of the edit is seen, or nothing
    else. Clips with ID images count twice: with all others, and with those of which the same was mistaken.

    Args:
        pipeline: the model to be measured.
        base: draws the inputs again.
        reader: recognises objects.
        count: scenes.
        seed: of the noise.
        frames: of a clip.
        pixels: height and width of the enlarged clips.
        settings: of a `ReferenceEnlargement`, other than the pipeline's own.
    """
    tally = Tally()
    for each in (pipeline, base):
        each.set_progress_bar_config(disable=True)
    for number in tqdm(range(count), desc="references", unit="scene"):
        for task, make in CLIPS.items():
            clip = make(number, frames, pixels)
            if not clip.mask.any() or clip.mask.all():
                continue
            likeness = Likeness(reader, clip.truth, clip.subjects)
            for kind, small in inputs_of(clip, base, seed + number).items():
                question = Question(clip, small, likeness, seed + number)
                found = {name: judge(video, clip, likeness) for name, video in _videos(pipeline, question, settings)}
                groups = groups_of(task, kind, clip)
                for name, figures in (found | _differences(found, clip)).items():
                    for group in groups:
                        tally.add(name, group, figures)
    groups = dict.fromkeys(group for _, group in tally.figures)  # not every scene has a reference to spare
    in_order = sorted(groups, key=lambda group: group.count(","))  # parts of groups come last
    return sorted(tally.rows(), key=lambda row: in_order.index(row.clips))


def groups_of(task: str, kind: str, clip: ReferenceClip) -> list[str]:
    """The clips that one counts with: all of its task and kind of input, and those of which the same was mistaken."""
    groups = [f"{task}, {kind}"]
    if clip.mistake is not None:
        groups.append(f"{task}, {kind}, {clip.mistake} mistaken")
    return groups


def judge(video: Tensor, clip: ReferenceClip, likeness: Likeness) -> dict[str, float]:
    """PSNR inside and outside of a mask, correlation of textures inside, fine and coarse, and likeness of the objects.

    Figures that are infinite are left out: the truth's own PSNR.
    """
    video = eight_bit(video)
    figures = {
        "psnr_inside": float(masked_psnr(video, clip.truth, clip.mask)),
        "psnr_outside": float(masked_psnr(video, clip.truth, ~clip.mask)),
        "texture_correlation": float(texture_correlation(video, clip.truth, clip.mask)),
        "coarse_texture_correlation": float(texture_correlation(video, clip.truth, clip.mask, COARSE)),
    } | likeness.figures(video)
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def inputs_of(clip: ReferenceClip, base: TextToVideoPipeline, seed: int) -> dict[str, Tensor]:
    """A clip's source a quarter as large, (1, 3, T, H, W) in 8 bits, for each of `INPUTS`."""
    small = reduced(clip.source)
    redrawn = Redrawing(base, clip.caption)(to_frames(small[0]), ALPHA, seed)
    return dict(zip(INPUTS, (to_tensor(redrawn)[None], small), strict=True))


def enlarged(pipeline: UniMMVSRPipeline, question: Question, name: str, **settings) -> Tensor:
    """A question's clip (1, 3, T, n·H, n·W), made with the references of one name; settings as of the pipeline.

    None is held to its input unless asked for: only what references change shall differ from what is made without.
    """
    clip, small, _, seed = question
    told = {"prompt": clip.caption, "scale": SCALE, "consistency": 0}
    told["generator"] = torch.Generator().manual_seed(seed)
    return pipeline(small, clip.shown[name], **told | settings).frames


def in_true_colours(video: Tensor, clip: ReferenceClip) -> Tensor:
    """The video (1, 3, T, H, W) with the truth's mean colour on each object that references show, in values of [-1, 1].

    Shapes and prints stay as they are: what a perfect reader of colours, and of nothing else, would make of it.
    """
    video = video.cpu().clone()
    for subject in clip.subjects:
        seen = torch.from_numpy(subject.seen)
        if seen.any():
            missing = (clip.truth[0][:, seen] - video[0][:, seen]).mean(1, keepdim=True)
            video[0][:, seen] += missing
    return video.clamp(-1, 1)


def less(figures: dict[str, float], without: dict[str, float]) -> dict[str, float]:
    """By how much figures differ from those without references."""
    return {figure: value - without[figure] for figure, value in figures.items()}


def _videos(
    pipeline: UniMMVSRPipeline, question: Question, settings: dict[str, Any]
) -> Iterator[tuple[str, Tensor]]:
    """What is measured of an input, by name, (1, 3, T, H, W) each."""
    clip, small, _, _ = question
    yield "truth", clip.truth
    latents = encode_to_latents(pipeline.autoencoder, clip.truth.to(pipeline.device))
    yield "codec of the truth", decode_from_latents(pipeline.autoencoder, latents)
    yield "bicubic", resize(small, *clip.truth.shape[-2:])
    for name, references in clip.shown.items():
        video = enlarged(pipeline, question, name, **settings)
        yield name, video
        if name in ALSO_HELD:
            asked = pipeline.asked(references=references, **settings | {"detail": 1.0})
            yield f"{name}, {HELD}", asked.corrected(video.cpu(), small)
        if name == NONE and clip.subjects:
            yield COLOURED, in_true_colours(video, clip)


def _differences(found: dict[str, dict[str, float]], clip: ReferenceClip) -> dict[str, dict[str, float]]:
    """Every choice of references less none, held or not, and true colours less none."""
    told = {}
    if COLOURED in found:
        told["true colours less none"] = less(found[COLOURED], found[NONE])
    for name in clip.shown:
        if name != NONE:
            told[f"{name} less none"] = less(found[name], found[NONE])
            if name in ALSO_HELD:
                told[f"{name} less none, {HELD}"] = less(found[f"{name}, {HELD}"], found[f"{NONE}, {HELD}"])
    return told
