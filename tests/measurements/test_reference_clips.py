"""Held-out clips have the references that training would have given them, and others."""

import numpy as np
import torch

from cvsr.data.pixel_sources import PixelSources, clips_of
from cvsr.data.scenes import sample_scene
from cvsr.data.tasks import editing
from cvsr.data.video import to_frames, to_tensor
from cvsr.measurements.reference_clips import LATE, NONE, ReferenceClip, close_up, editing_clip, identity_clip

TWO, ONE = (
    next(seed for seed in range(99) if len(sample_scene(seed, "test").objects) == count) for count in (2, 1)
)


def test_identity_clips_are_those_of_training_on_held_out_scenes():
    clip = identity_clip(TWO, 3, 64)
    sources = PixelSources(identities=1, frames=3, size=64, split="test", seed=TWO)
    ((_, make),) = clips_of(sources)
    made = make()
    assert torch.equal(clip.truth[0], to_tensor(made.frames))
    assert torch.equal(clip.source[0], to_tensor(made.references.mistaken))
    assert clip.caption == made.caption
    np.testing.assert_array_equal(clip.mask[0], made.subject)
    pictures = np.stack([subject.picture for subject in clip.subjects])
    np.testing.assert_array_equal(pictures, made.references.frames[:, 0])
    np.testing.assert_array_equal([subject.shown for subject in clip.subjects], made.references.masks[:, 0])
    seen = np.any([subject.seen for subject in clip.subjects], axis=0)
    np.testing.assert_array_equal(seen, made.subject)


def test_models_are_shown_right_wrong_too_many_and_too_few_pictures():
    clip, following = identity_clip(TWO, 3, 64), identity_clip(TWO + 1, 1, 64)
    assert list(clip.shown) == [
        NONE,
        "right references",
        "cross-pair references",
        "wrong references",
        "one reference more",
        "one reference fewer",
    ]
    assert clip.shown[NONE] == []
    right = clip.shown["right references"]
    for shown, subject in zip(right, clip.subjects, strict=True):
        np.testing.assert_array_equal(to_frames(shown[:, None])[0], subject.picture)
    assert same(clip.shown["wrong references"], following.shown["right references"])
    cross = clip.shown["cross-pair references"]
    assert all((some - other).abs().mean() > 0.05 for some, other in zip(right, cross, strict=True))
    *most, another = clip.shown["one reference more"]
    assert same(most, right)
    assert another.shape == right[0].shape
    assert (another - right[0]).abs().mean() > 0.05
    assert same(clip.shown["one reference fewer"], right[:-1])


def test_clips_are_of_the_split_asked_for():
    assert identity_clip(3, 1, 64, "validation").caption == sample_scene(3, "validation").caption
    assert editing_clip(3, 1, 64, "validation").caption == editing(3, "validation", 1, 64, 64).caption


def test_one_picture_fewer_than_one_is_none_at_all():
    assert "one reference fewer" not in identity_clip(ONE, 1, 64).shown


def test_editing_clips_are_shown_what_they_were_before():
    clip, drawn = editing_clip(4, 3, 64), editing(4, "test", 3, 64, 64)
    assert torch.equal(clip.truth[0], to_tensor(drawn.video))
    assert torch.equal(clip.source, clip.truth)
    assert list(clip.shown) == [NONE, "reference video", "late reference video"]
    assert torch.equal(clip.shown["reference video"][0], to_tensor(drawn.source))
    np.testing.assert_array_equal(clip.mask[0], drawn.mask)
    assert clip.caption == drawn.caption
    assert clip.subjects == ()


def test_a_late_video_shows_what_comes_later_and_stands_still_at_its_end():
    clip = editing_clip(4, LATE + 2, 32)
    (video,), (late,) = clip.shown["reference video"], clip.shown["late reference video"]
    assert torch.equal(late[:, :2], video[:, LATE:])
    assert all(torch.equal(late[:, time], video[:, -1]) for time in range(2, LATE + 2))


def test_a_close_up_holds_what_matters_and_cuts_videos_and_input_alike():
    truth = torch.arange(3 * 2 * 32 * 40).view(1, 3, 2, 32, 40).float()
    mask = torch.zeros(1, 2, 32, 40, dtype=torch.bool)
    mask[:, 1, 24:30, 33:39] = True
    image = torch.zeros(3, 9, 9)
    clip = ReferenceClip(truth, -truth, "", mask, {NONE: [], "video": [truth[0]], "image": [image]})
    near, small = close_up(clip, truth[..., ::4, ::4], 16)
    first, first_small = close_up(clip, truth[..., ::4, ::4], 16, frames=1)
    assert near.truth.shape == (1, 3, 2, 16, 16)
    assert near.mask.sum() == mask.sum()
    assert torch.equal(near.shown["video"][0], near.truth[0])
    assert near.shown["image"][0] is image
    assert torch.equal(near.source, -near.truth)
    assert torch.equal(small, near.truth[..., ::4, ::4])
    assert first.truth.shape == (1, 3, 1, 16, 16)
    assert torch.equal(first.truth, truth[:, :, :1, :16, :16])  # nothing is seen in that frame
    assert torch.equal(first_small, first.truth[..., ::4, ::4])
    assert first.shown["video"][0].shape == (3, 1, 16, 16)


def same(some, others):
    return len(some) == len(others) and all(map(torch.equal, some, others))
