"""Cuts are found; flashes, fades, dissolves and pans are none."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.scene_cuts import LOOK, scene_cuts


def scene(number: int, frames: int, speed: int = 2) -> np.ndarray:
    """A camera that moves over a picture of its own, uint8 (T, 48, 64, 3)."""
    rng = np.random.default_rng(number)
    blobs = rng.integers(0, 256, (6, 40, 3)).astype(np.uint8)
    picture = np.kron(blobs, np.ones((16, 16, 1), np.uint8))  # (96, 640, 3)
    noise = rng.integers(0, 20, picture.shape, dtype=np.uint8)
    picture = np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8)
    starts = [speed * index % 560 for index in range(frames)]
    return np.stack([picture[20:68, start : start + 64] for start in starts])


def faded(video: np.ndarray, shares: np.ndarray, other: np.ndarray | int = 0) -> np.ndarray:
    mixed = shares[:, None, None, None] * video + (1 - shares)[:, None, None, None] * other
    return mixed.astype(np.uint8)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(0, 50))
def test_every_cut_between_scenes_is_found_and_nothing_else(lengths, seed):
    video = np.concatenate([scene(seed + number, length) for number, length in enumerate(lengths)])
    assert list(scene_cuts(video)) == list(itertools.accumulate(lengths))[:-1]


@pytest.mark.parametrize("length", range(1, LOOK))
@pytest.mark.parametrize("light", [255, -255, 120])
def test_a_flash_is_none(length, light):
    video = scene(0, 24)
    video[10 : 10 + length] = np.clip(video[10 : 10 + length].astype(int) + light, 0, 255)
    assert list(scene_cuts(video)) == []


@pytest.mark.parametrize("length", [8, 12, 24])
def test_fades_and_dissolves_are_none(length):
    out, still = np.linspace(1, 0, length), np.ones(10)
    before, after = scene(1, length + 10), scene(2, length + 10)
    to_black, from_black = np.concatenate([still, out]), np.concatenate([out[::-1], still])
    assert list(scene_cuts(np.concatenate([faded(before, to_black), faded(after, from_black)]))) == []
    dissolve = [before[:10], faded(before[10:], out, after[:length]), after[length:]]
    assert list(scene_cuts(np.concatenate(dissolve))) == []


@pytest.mark.parametrize("speed", [4, 8, 16])
def test_a_fast_pan_is_none_and_a_cut_into_it_is_one(speed):
    assert list(scene_cuts(scene(3, 30, speed))) == []
    assert list(scene_cuts(np.concatenate([scene(4, 12), scene(3, 20, speed)]))) == [12]


def test_frames_are_asked_for_as_they_are_needed():
    asked = []

    def camera():
        for number, frame in enumerate(np.concatenate([scene(0, 20), scene(1, 100)])):
            asked.append(number)
            yield frame

    assert next(scene_cuts(camera())) == 20
    assert len(asked) == 20 + LOOK


def test_still_pictures_have_none():
    assert list(scene_cuts(np.zeros((0, 8, 8, 3), np.uint8))) == []
    assert list(scene_cuts(np.zeros((1, 8, 8, 3), np.uint8))) == []
    assert list(scene_cuts(np.zeros((30, 8, 8, 3), np.uint8))) == []
