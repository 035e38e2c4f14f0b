"""The tasks: captions and instructions that name what is seen, twins that differ in one object only."""

import cv2
import numpy as np
import pytest

from cvsr.data.edits import MISTAKES, OPERATIONS, edit
from cvsr.data.photographs import PHOTOGRAPHS, photograph, render_pan, sample_pan
from cvsr.data.scenes import SPLITS, sample_scene
from cvsr.data.tasks import TASKS, editing, identity_references, sample, text_to_video

SIZE = {"frames": 3, "height": 64, "width": 64}


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_sample(task):
    first, second = sample(task, 4, **SIZE), sample(task, 4, **SIZE)
    assert first.video.shape == (3, 64, 64, 3)
    assert np.array_equal(first.video, second.video)
    assert first.caption == second.caption
    assert not np.array_equal(first.video, sample(task, 4, split="test", **SIZE).video)


def test_unknown_tasks_are_refused():
    with pytest.raises(ValueError, match="task='colouring'"):
        sample("colouring", 0)


def test_text_to_video_mixes_in_photographs():
    captions = [
        text_to_video(seed, frames=1, height=16, width=16, photographs=0.5).caption for seed in range(30)
    ]
    share = np.mean([c.startswith("a photograph of") for c in captions])
    assert 0.2 < share < 0.8
    assert all(
        not text_to_video(seed, frames=1, height=16, width=16).caption.startswith("a photograph")
        for seed in range(10)
    )
    with pytest.raises(ValueError, match="photographs=2"):
        text_to_video(0, photographs=2)


def test_pictures_may_have_a_size_of_their_own():
    (picture, *_), (mask, *_) = (
        getattr(identity_references(4, **SIZE, picture_size=40), name) for name in ("references", "reference_masks")
    )
    assert picture.shape == (40, 40, 3)
    assert mask.shape == (40, 40)


def test_maps_lead_from_an_object_to_the_same_spot_in_its_picture():
    for seed in range(4):
        s = identity_references(seed, frames=2, height=128, width=128, picture_size=256)
        errors, chance = [], []
        for picture, maps, masks in zip(s.references, s.maps, s.masks, strict=True):
            assert maps.shape == (2, 3, 3)
            for frame, matrix, mask in zip(s.video, maps, masks, strict=True):
                inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5))) > 0
                seen_there = cv2.warpPerspective(
                    cv2.GaussianBlur(picture, (0, 0), 2), np.linalg.inv(matrix), (128, 128), flags=cv2.INTER_LINEAR
                )
                here, there = (p[inner].astype(float) for p in (cv2.GaussianBlur(frame, (0, 0), 1), seen_there))
                errors.extend(np.abs(here - there).mean(1))
                chance.extend(np.abs(here - there[::-1]).mean(1))
        assert np.median(errors) < 12
        assert np.median(errors) < 0.5 * np.median(chance)


def test_references_come_with_their_masks():
    for seed in range(6):
        s = identity_references(seed, **SIZE)
        n = len(s.references)
        assert n == len(s.reference_masks) == len(s.masks) == min(3, len(sample_scene(seed).objects))
        assert s.masks.shape == (n, 3, 64, 64)
        assert all(r.shape == (64, 64, 3) for r in s.references)
        assert all(m.mean() > 0.01 for m in s.reference_masks)
        seen = [clip[:, m].any() for clip, m in zip(s.masks, s.reference_masks, strict=True)]
        assert any(seen)  # at another moment, near where it was


@pytest.mark.parametrize("kind", MISTAKES)
def test_in_a_mistaken_clip_all_objects_are_others_and_nothing_else_changes(kind):
    for seed in range(6):
        s = identity_references(seed, frames=1, height=128, width=128, max_references=4, mistaken=kind)
        assert s.mistake == kind
        changed = np.abs(s.video.astype(int) - s.mistaken).max(-1)
        assert all((changed[mask] > 6).mean() > 0.1 for mask in s.masks)
        near = cv2.dilate(s.masks.any(0)[0].astype(np.uint8), np.ones((7, 7)))  # edges are soft
        assert not changed[0][near == 0].any()
        again = identity_references(seed, frames=1, height=128, width=128, mistaken=kind)
        np.testing.assert_array_equal(s.mistaken, again.mistaken)


def test_only_the_edited_object_changes():
    for seed in range(12):
        s = editing(seed, frames=2, height=128, width=128)
        changed = np.abs(s.video.astype(int) - s.source).max(-1)
        assert (changed[s.mask] > 6).mean() > 0.1
        for threshold, reach in ((6, 20), (0, 42)):  # the shadow, and its faint end
            near = (
                np.stack([cv2.dilate(m.astype(np.uint8), np.ones((2 * reach + 1,) * 2)) for m in s.mask]) > 0
            )
            assert not (changed[~near] > threshold).any()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_instructions_name_what_changes(operation):
    done = 0
    for seed in range(30):
        scene = sample_scene(seed)
        if (operation == "remove" and len(scene.objects) == 1) or (
            operation == "add" and len(scene.objects) == 4
        ):
            with pytest.raises(ValueError, match=f"operation='{operation}'"):
                edit(scene, seed, operation)
            continue
        change = edit(scene, seed, operation)
        done += 1
        before = None if change.before is None else scene.objects[change.before]
        after = None if change.after is None else change.twin.objects[change.after]
        kept = [o for o in scene.objects if o is not before]
        assert [o for o in change.twin.objects if o is not after] == kept
        assert before is None or before.name in change.instruction
        assert after is None or after.name in change.twin.caption
        assert after is None or after.colour in change.instruction
        assert (before is None, after is None) == (operation == "add", operation == "remove")
        assert before != after
    assert done > 5


def test_no_photograph_is_in_two_splits():
    for split in SPLITS:
        names = {sample_pan(seed, split).photograph for seed in range(60)}
        assert names == {n for n, p in PHOTOGRAPHS.items() if p.split == split}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_photographs_ship_with_their_packages(name):
    picture = photograph(name)
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert min(picture.shape[:2]) > 150


@pytest.mark.parametrize(("frames", "height", "width"), [(1, 64, 64), (3, 33, 57), (2, 300, 700)])
def test_pans_of_any_size_and_length(frames, height, width):
    pan = sample_pan(3)
    video = render_pan(pan, frames, height, width)
    assert video.shape == (frames, height, width, 3)
    assert np.array_equal(video, render_pan(pan, frames, height, width))
    assert video.std() > 5


def test_unknown_photographs_are_refused():
    with pytest.raises(ValueError, match="name='lena'"):
        photograph("lena")
