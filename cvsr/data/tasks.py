"""Samples of the three tasks the systems are trained and judged on, made from the procedural world.

Legend: T frames, H rows, W columns, n objects or references. Videos are uint8 (T, H, W, 3).
"""

from dataclasses import dataclass, replace

import numpy as np

from cvsr.data.edits import MISTAKES, edit, mistake
from cvsr.data.photographs import render_pan, sample_pan
from cvsr.data.scenes import generator, pick, sample_scene
from cvsr.data.world import moments, placement, render, render_moment


@dataclass(frozen=True)
class TextToVideo:
    """A video and the caption that says what is in it."""

    video: np.ndarray
    caption: str


@dataclass(frozen=True)
class IdentityReferences:
    """A video, and a picture (H, H, 3) of each of its first objects alone, at a moment of its own.

    `mistaken` is the video with other colours or another print on every object: it stands for what a base model makes
    that has lost their identity, and `mistake`, one of `cvsr.data.edits.MISTAKES`, says how. `masks` (n, T, H, W) bool
    is where each referenced object is seen in both, `reference_masks` n times (H, H) bool where it is in its picture.
    `maps` (n, T, 3, 3) takes pixels (x, y, 1) of an object in a frame to those of its picture.
    """

    video: np.ndarray
    mistaken: np.ndarray
    mistake: str
    caption: str
    references: list[np.ndarray]
    reference_masks: list[np.ndarray]
    masks: np.ndarray
    maps: np.ndarray


@dataclass(frozen=True)
class Editing:
    """A source video, an instruction, and the video (of the given caption) that obeys it.

    `mask` (T, H, W) bool is where the edited object is seen in either of the two.
    """

    video: np.ndarray
    source: np.ndarray
    caption: str
    instruction: str
    mask: np.ndarray


Sample = TextToVideo | IdentityReferences | Editing


def text_to_video(
    seed: int,
    split: str = "train",
    frames: int = 17,
    height: int = 256,
    width: int = 256,
    photographs: float = 0.0,
) -> TextToVideo:
    """A scene and its caption, or, for the share `photographs` of the seeds, a pan over a photograph."""
    if not 0 <= photographs <= 1:
        raise ValueError(f"photographs={photographs}: must be a share from 0 to 1")
    if generator(seed, split, purpose=3).random() < photographs:
        pan = sample_pan(seed, split)
        return TextToVideo(render_pan(pan, frames, height, width), pan.caption)
    rendering = render(sample_scene(seed, split), frames, height, width)
    return TextToVideo(rendering.frames, rendering.caption)


def identity_references(
    seed: int,
    split: str = "train",
    frames: int = 17,
    height: int = 256,
    width: int = 256,
    max_references: int = 3,
    picture_size: int | None = None,
    mistaken: str | None = None,
) -> IdentityReferences:
    """A scene with pictures of its first `max_references` objects, the main one first.

    As in the paper each shows its object at a moment of the clip that is no frame of it (UniMMVSR appendix A.2); in
    another pose and light it is seen in `cvsr.data.world.render_identity`. The pictures' side is `picture_size`, that
    of the video's shorter one by default. `mistaken` is what was, one of `cvsr.data.edits.MISTAKES`, drawn by default.
    """
    if max_references < 1:
        raise ValueError(f"max_references={max_references}: must be at least 1")
    scene = sample_scene(seed, split)
    rendering = render(scene, frames, height, width)
    chosen = scene.objects[:max_references]
    side = min(height, width) if picture_size is None else picture_size
    rng = generator(seed, split, purpose=4)
    kind = mistaken or pick(generator(seed, split, purpose=8), MISTAKES)
    alone = [replace(scene, objects=(spec,)) for spec in chosen]
    times = [float(rng.random()) for _ in chosen]
    pictures = [render_moment(one, time, side) for one, time in zip(alone, times, strict=True)]
    maps = [
        placement(one, time, side, side)
        @ np.linalg.inv([placement(one, now, height, width) for now in moments(frames)])
        for one, time in zip(alone, times, strict=True)
    ]
    return IdentityReferences(
        rendering.frames,
        render(mistake(scene, kind, seed, split), frames, height, width).frames,
        kind,
        rendering.caption,
        [image for image, _ in pictures],
        [mask for _, mask in pictures],
        rendering.masks[: len(chosen)],
        np.array(maps),
    )


def editing(
    seed: int, split: str = "train", frames: int = 17, height: int = 256, width: int = 256
) -> Editing:
    """A scene and its edited twin."""
    scene = sample_scene(seed, split)
    change = edit(scene, seed)
    source, target = render(scene, frames, height, width), render(change.twin, frames, height, width)
    mask = np.zeros((frames, height, width), bool)
    for rendering, index in ((source, change.before), (target, change.after)):
        if index is not None:
            mask |= rendering.masks[index]
    return Editing(target.frames, source.frames, target.caption, change.instruction, mask)


TASKS = {"text_to_video": text_to_video, "identity_references": identity_references, "editing": editing}


def sample(
    task: str, seed: int, split: str = "train", frames: int = 17, height: int = 256, width: int = 256
) -> Sample:
    """The sample of one task by its name; the same arguments give the same bits."""
    if task not in TASKS:
        raise ValueError(f"task={task!r}: unknown task; allowed: {', '.join(TASKS)}")
    return TASKS[task](seed, split, frames, height, width)
