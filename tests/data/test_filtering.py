"""Brightness and sharpness are what they are called, and a clip that is dropped says why."""

import numpy as np
import pytest

from cvsr.data.filtering import Quality, QualityFilter, measure_quality


def test_values_of_a_checkerboard():
    """Inside a checkerboard of 0 and 2a with cells of one pixel the Laplacian is ±8a."""
    board = (np.indices((64, 64)).sum(0) % 2 * 20).astype(np.uint8)
    frames = np.broadcast_to(board[None, ..., None], (3, 64, 64, 3))
    quality = measure_quality(np.ascontiguousarray(frames))
    assert quality.brightness == pytest.approx(10)
    assert quality.sharpness == pytest.approx(80.0**2, rel=0.05)  # the borders differ


def test_flat_pictures_have_no_detail():
    assert measure_quality(np.full((1, 8, 8, 3), 77, np.uint8)) == Quality(77.0, 0.0)


def test_at_most_ten_frames_evenly():
    frames = np.zeros((19, 8, 8, 3), np.uint8)
    frames[1::2] = 255  # the frames between those that are looked at
    assert measure_quality(frames).brightness == 0


@pytest.mark.parametrize(
    ("quality", "problem"),
    [
        (Quality(128, 100), None),
        (Quality(20, 30), None),
        (Quality(19.94, 100), "dark: brightness 19.9 under 20"),
        (Quality(240, 100), "bright: brightness 240.0 over 235"),
        (Quality(128, 29.9), "blurred: sharpness 29.9 under 30"),
    ],
)
def test_problems(quality, problem):
    assert QualityFilter().problem(quality) == problem


def test_mistakes():
    with pytest.raises(ValueError, match="brightness="):
        QualityFilter(brightness=(235, 20))
    with pytest.raises(ValueError, match="sharpness=-1"):
        QualityFilter(sharpness=-1)
