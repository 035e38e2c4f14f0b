"""Held-out clips with references, right ones and others: the pictures are made as those of training are."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cvsr.data.reference_augmentation import MOST_SHIFT
from cvsr.data.references import OVERSIZE, cut_out
from cvsr.data.scenes import ObjectSpec, sample_scene
from cvsr.data.tasks import IdentityReferences, editing, identity_references
from cvsr.data.video import to_tensor
from cvsr.data.world import render_identity
from cvsr.measurements.clips import SPLIT
from cvsr.measurements.likeness import SIDE, Subject
from cvsr.pipelines.tiling import SPATIAL

NONE = "no references"
DRAWN = OVERSIZE * SIDE  # pixels of a picture before its object is cut out
LATE = 2 * MOST_SHIFT  # frames: twice as many as in training, what users show was never seen with the clip


@dataclass(frozen=True)
class ReferenceClip:
    """A clip that can be told in words, and in words and references.

    Attributes:
        truth: (1, 3, T, H, W) in [-1, 1].
        source: what its input is made of, likewise: the truth, or, beside ID images, the same with other colours or
            prints on all objects, which stands for a base model that lost their identity.
        caption: what it shows.
        mask: bool (1, T, H, W), where the objects that references show are seen, or what was edited.
        shown: what a model may be shown, by name; the first is nothing.
        subjects: the objects, of clips whose references are ID images.
        mistake: what was lost of them, one of `cvsr.data.edits.MISTAKES`.
    """

    truth: Tensor
    source: Tensor
    caption: str
    mask: Tensor
    shown: dict[str, list[Tensor]]
    subjects: tuple[Subject, ...] = ()
    mistake: str | None = None


def identity_clip(
    seed: int, frames: int, pixels: int, split: str = SPLIT, mistaken: str | None = None
) -> ReferenceClip:
    """A scene with an ID image of each of its first objects, with those of the next scene, one too many, one too few.

    "Cross-pair" ones (UniMMVSR section 3.4) show the right objects in another pose and light, on another ground. One of
    these is the one too many: training shows no more than one picture of an object. `mistaken`: what of the objects,
    drawn by default.
    """
    drawn = identity_references(seed, split, frames, pixels, pixels, picture_size=DRAWN, mistaken=mistaken)
    subjects = _subjects(drawn)
    right = [_to_reference(subject.picture) for subject in subjects]
    others = _subjects(identity_references(seed + 1, split, 1, pixels, pixels, picture_size=DRAWN))
    specs = sample_scene(seed, split).objects[: len(subjects)]
    crossed = [_to_reference(_seen_elsewhere(spec, 4 * seed + index)) for index, spec in enumerate(specs)]
    shown = {
        NONE: [],
        "right references": right,
        "cross-pair references": crossed,
        "wrong references": [_to_reference(subject.picture) for subject in others],
        "one reference more": [*right, crossed[0]],
    }
    if len(right) > 1:
        shown["one reference fewer"] = right[:-1]
    mask = torch.from_numpy(drawn.masks.any(0))[None]
    truth, source = (to_tensor(video)[None] for video in (drawn.video, drawn.mistaken))
    return ReferenceClip(truth, source, drawn.caption, mask, shown, subjects, drawn.mistake)


def editing_clip(seed: int, frames: int, pixels: int, split: str = SPLIT) -> ReferenceClip:
    """An edited scene, with the video that it was before as its reference, in time with it or late."""
    drawn = editing(seed, split, frames, pixels, pixels)
    source = to_tensor(drawn.source)  # (3, T, H, W)
    late = source[:, (torch.arange(frames) + LATE).clamp(max=frames - 1)]
    shown = {NONE: [], "reference video": [source], "late reference video": [late]}
    mask = torch.from_numpy(drawn.mask)[None]
    truth = to_tensor(drawn.video)[None]
    return ReferenceClip(truth, truth, drawn.caption, mask, shown)


CLIPS = {"identity": identity_clip, "editing": editing_clip}  # by task


def close_up(
    clip: ReferenceClip, small: Tensor, side: int, frames: int | None = None
) -> tuple[ReferenceClip, Tensor]:
    """The side × side pixels around a clip's main object or what was edited, and the same part of its input.

    Args:
        clip: of H × W pixels; videos to refer to are cut alike.
        small: (1, 3, T, H / n, W / n), the input.
        side: in pixels, a multiple of 8.
        frames: the first so many; all by default.
    """
    mask = clip.subjects[0].seen if clip.subjects else clip.mask[0].numpy()
    seen = [np.flatnonzero(mask[:frames].any(axis=axes)) for axes in ((0, 2), (0, 1))]  # rows, columns
    middles = [(int(at[0]) + int(at[-1]) + 1) // 2 if len(at) else 0 for at in seen]
    starts = [
        max(0, min(at - side // 2, most - side)) // SPATIAL * SPATIAL
        for at, most in zip(middles, clip.mask.shape[-2:], strict=True)
    ]
    part = (slice(frames), *(slice(start, start + side) for start in starts))
    shown = {
        name: [each[:, *part] if each.ndim == 4 else each for each in references]
        for name, references in clip.shown.items()
    }
    subjects = tuple(replace(each, seen=each.seen[part]) for each in clip.subjects)
    cut = {name: getattr(clip, name)[:, :, *part] for name in ("truth", "source")}
    cut["mask"] = clip.mask[:, *part]
    reduction = clip.truth.shape[-1] // small.shape[-1]
    of_small = (slice(frames), *(slice(start // reduction, (start + side) // reduction) for start in starts))
    return replace(clip, shown=shown, subjects=subjects, **cut), small[:, :, *of_small]


def _subjects(drawn: IdentityReferences) -> tuple[Subject, ...]:
    pictures = zip(drawn.references, drawn.reference_masks, strict=True)
    cuts = [cut_out(picture, mask, SIDE) for picture, mask in pictures]
    return tuple(Subject(seen, *cut) for seen, cut in zip(drawn.masks, cuts, strict=True))


def _seen_elsewhere(spec: ObjectSpec, seed: int) -> np.ndarray:
    """An object in another pose, light and place, uint8 (SIDE, SIDE, 3)."""
    return cut_out(*render_identity(spec, seed, 2 * SIDE), SIDE)[0]


def _to_reference(picture: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) to (3, H, W) in [-1, 1]."""
    return to_tensor(picture[None])[:, 0]
