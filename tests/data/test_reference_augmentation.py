"""References are changed as much as the settings say, the same way by the same record, and not at all at strength 0."""

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.reference_augmentation import (
    MOST_SHIFT,
    PictureChange,
    ReferenceAugmentation,
    Shift,
    apply_changes,
)
from cvsr.data.references import NOWHERE, References

SIDE = 32
Y, X = np.mgrid[:SIDE, :SIDE]
DISC = (X - 15.5) ** 2 + (Y - 15.5) ** 2 < 100
PICTURE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8), (0, 0), 2)
PICTURES = References(np.stack([PICTURE, PICTURE[:, ::-1]])[:, None], np.stack([DISC, DISC])[:, None])
VIDEO = References(np.arange(5 + 2 * MOST_SHIFT, dtype=np.uint8).reshape(1, -1, 1, 1, 1) * np.ones(3, np.uint8))
NOTHING = dict.fromkeys(
    ("crop", "rotation", "perspective", "brightness", "contrast", "temperature", "ground", "shift"), 0
)


def augmented(references, seed=0, frames=5, **settings):
    drawn = ReferenceAugmentation(**settings).sample(np.random.default_rng(seed), references)
    return drawn, apply_changes(drawn, references, frames)


@pytest.mark.parametrize("settings", [{"strength": 0}, {"strength": 0, "mirror": 1}, NOTHING])
def test_references_may_stay_as_they_are(settings):
    for seed in range(5):
        _, pictures = augmented(PICTURES, seed, **settings)
        np.testing.assert_array_equal(pictures, PICTURES.frames)
        drawn, (video,) = augmented(VIDEO, seed, **settings)
        assert drawn == [Shift(0)]
        np.testing.assert_array_equal(video, VIDEO.frames[0, MOST_SHIFT:-MOST_SHIFT])


@given(seed=st.integers(0, 2**32), strength=st.floats(0, 1))
def test_a_record_holds_all_that_its_result_depends_on(seed, strength):
    drawn, changed = augmented(PICTURES, seed, strength=strength)
    record = json.loads(json.dumps([asdict(change) for change in drawn]))
    np.testing.assert_array_equal(apply_changes([PictureChange(**each) for each in record], PICTURES, 5), changed)
    assert all(each.dtype == np.uint8 and each.shape == (1, SIDE, SIDE, 3) for each in changed)


@given(seed=st.integers(0, 2**32), most=st.floats(0, 0.5))
def test_what_is_seen_is_a_square_in_the_picture_or_around_it(seed, most):
    (change, _), _ = augmented(PICTURES, seed, **NOTHING | {"crop": most})
    (left, top), _, (right, bottom), _ = change.corners
    assert bottom - top == pytest.approx(right - left)
    assert abs(right - left - 1) <= most + 1e-9
    inside = min(left, top, 1 - right, 1 - bottom) >= -1e-9
    around = max(left, top, 1 - right, 1 - bottom) <= 1e-9
    assert inside or around


def test_corners_say_what_is_seen_where():
    turned = PictureChange(corners=((0, 1), (0, 0), (1, 0), (1, 1)))
    np.testing.assert_allclose(turned.apply(PICTURE, DISC), np.rot90(PICTURE, -1), atol=1)
    (mirrored, _), (image, _) = augmented(PICTURES, **NOTHING | {"mirror": 1})
    assert mirrored.corners == ((1, 0), (0, 0), (0, 1), (1, 1))
    np.testing.assert_allclose(image[0], PICTURE[:, ::-1], atol=1)
    quarter = PictureChange(corners=((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5))).apply(PICTURE, DISC)
    np.testing.assert_allclose(quarter[1:-1:2, 1:-1:2].mean((0, 1)), PICTURE[:16, :16].mean((0, 1)), atol=4)


@given(seed=st.integers(0, 10**6))
def test_places_move_with_what_is_seen_there(seed):
    rng = np.random.default_rng(seed)
    (change,) = ReferenceAugmentation(brightness=0, contrast=0, temperature=0, ground=0).sample(rng, one_picture(64))
    at = rng.integers(22, 42, 2)  # x and y of a spot, far from the edges, which mirror
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[at[1] - 1 : at[1] + 2, at[0] - 1 : at[0] + 2] = 255
    places = np.stack([(at + 0.5) / 64, (NOWHERE, NOWHERE)], axis=-1).reshape(2, 1, 2)
    moved = change.moved(places)
    assert (moved[..., 1] == NOWHERE).all()
    seen = change.apply(picture, np.ones((64, 64), bool))[..., 0]
    if (moved[..., 0] == NOWHERE).any():
        return
    y, x = (seen.sum(axis) @ (np.arange(64) + 0.5) / seen.sum() for axis in (1, 0))
    np.testing.assert_allclose(64 * moved[:, 0, 0], [x, y], atol=0.6)


def one_picture(side):
    return References(np.zeros((1, 1, side, side, 3), np.uint8), np.ones((1, 1, side, side), bool))


def test_light_changes_all_pixels_alike():
    grey = np.full((SIDE, SIDE, 3), 100, np.uint8)
    grey[::2] = 60
    warm = PictureChange(gains=(1.2, 1.0, 0.8)).apply(grey, DISC)
    np.testing.assert_array_equal(warm[1, 0], [120, 100, 80])
    flat = PictureChange(contrast=0.5).apply(grey, DISC)
    assert set(np.unique(flat)) == {70, 90}


@pytest.mark.parametrize("ground", ["plain", "grass"])
def test_an_object_stays_on_another_ground(ground):
    change = PictureChange(ground=ground, ground_seed=4)
    shown, other = change.apply(PICTURE, DISC), change.apply(255 - PICTURE, DISC)
    inside = (X - 15.5) ** 2 + (Y - 15.5) ** 2 < 49
    np.testing.assert_array_equal(shown[inside], PICTURE[inside])
    outside = (X - 15.5) ** 2 + (Y - 15.5) ** 2 > 169
    np.testing.assert_array_equal(shown[outside], other[outside])
    assert (len(np.unique(shown[outside], axis=0)) == 1) == (ground == "plain")


def test_videos_begin_earlier_or_later():
    starts = {int(augmented(VIDEO, seed)[1][0][0, 0, 0, 0]) for seed in range(99)}
    assert starts == set(range(2 * MOST_SHIFT + 1))
    starts = {int(augmented(VIDEO, seed, strength=0.5)[1][0][0, 0, 0, 0]) for seed in range(99)}
    assert starts == {MOST_SHIFT + shift for shift in (-2, -1, 0, 1, 2)}
    with pytest.raises(ValueError, match=r"shift=5: a video of 13 frames has none there for 5; allowed -4 to 4"):
        Shift(5).apply(VIDEO.frames[0], 5)


def test_what_is_drawn_stays_in_its_range():
    strong = {"brightness": 0.3, "contrast": 0.4, "temperature": 0.2, "ground": 0.3}
    drawn = [augmented(PICTURES, seed, **NOTHING | strong)[0][0] for seed in range(200)]
    assert 0.6 <= min(change.contrast for change in drawn) < 0.7 < 1.3 < max(c.contrast for c in drawn) <= 1.4
    greens = [change.gains[1] for change in drawn]
    warmths = [change.gains[0] / change.gains[1] for change in drawn]
    assert 0.7 <= min(greens) < 0.8 < 1.2 < max(greens) <= 1.3
    assert 0.8 <= min(warmths) < 0.85 < 1.15 < max(warmths) <= 1.2
    assert np.mean([change.ground is not None for change in drawn]) == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("wrong", [{"strength": 2}, {"crop": -0.1}, {"rotation": 181}, {"shift": MOST_SHIFT + 1}])
def test_changes_that_there_are_not_are_refused(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name}=.*: no such change; allowed 0 to"):
        ReferenceAugmentation(**wrong)
