"""Held-out clips with references, right ones and others: the pictures are made as those of training are."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cvsr.data.references import cut_out
from cvsr.data.scenes import sample_scene
from cvsr.data.tasks import IdentityReferences, editing, identity_references
from cvsr.data.video import to_tensor
from cvsr.data.world import render_identity
from cvsr.measurements.clips import SPLIT
from cvsr.measurements.likeness import SIDE, Subject

NONE = "no references"
DRAWN = 2 * SIDE  # pixels of a picture before its object is cut out


@dataclass(frozen=True)
class ReferenceClip:
    """A clip that can be told in words, and in words and references.

    Attributes:
        truth: (1, 3, T, H, W) in [-1, 1].
        caption: what it shows.
        mask: bool (1, T, H, W), where the objects that references show are seen, or what was edited.
        shown: what a model may be shown, by name; the first is nothing.
        subjects: the objects, of clips whose references are ID images.
    """

    truth: Tensor
    caption: str
    mask: Tensor
    shown: dict[str, list[Tensor]]
    subjects: tuple[Subject, ...] = ()


def identity_clip(seed: int, frames: int, pixels: int) -> ReferenceClip:
    """A scene with an ID image of each of its first objects, with those of the next scene, one too many, one too few.

    The one too many is a second picture of the main object: training shows no more than one of each.
    """
    drawn = identity_references(seed, SPLIT, frames, pixels, pixels, picture_size=DRAWN)
    subjects = _subjects(drawn)
    right = [_to_reference(subject.picture) for subject in subjects]
    others = _subjects(identity_references(seed + 1, SPLIT, 1, pixels, pixels, picture_size=DRAWN))
    second, where = render_identity(sample_scene(seed, SPLIT).objects[0], 4 * seed + len(subjects), DRAWN)
    shown = {
        NONE: [],
        "right references": right,
        "wrong references": [_to_reference(subject.picture) for subject in others],
        "one reference more": [*right, _to_reference(cut_out(second, where, SIDE)[0])],
    }
    if len(right) > 1:
        shown["one reference fewer"] = right[:-1]
    mask = torch.from_numpy(drawn.masks.any(0))[None]
    return ReferenceClip(to_tensor(drawn.video)[None], drawn.caption, mask, shown, subjects)


def editing_clip(seed: int, frames: int, pixels: int) -> ReferenceClip:
    """An edited scene, with the video that it was before as its reference."""
    drawn = editing(seed, SPLIT, frames, pixels, pixels)
    shown = {NONE: [], "reference video": [to_tensor(drawn.source)]}
    mask = torch.from_numpy(drawn.mask)[None]
    return ReferenceClip(to_tensor(drawn.video)[None], drawn.caption, mask, shown)


CLIPS = {"identity": identity_clip, "editing": editing_clip}  # by task


def _subjects(drawn: IdentityReferences) -> tuple[Subject, ...]:
    pictures = zip(drawn.references, drawn.reference_masks, strict=True)
    cuts = [cut_out(picture, mask, SIDE) for picture, mask in pictures]
    return tuple(Subject(seen, *cut) for seen, cut in zip(drawn.masks, cuts, strict=True))


def _to_reference(picture: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) to (3, H, W) in [-1, 1]."""
    return to_tensor(picture[None])[:, 0]
