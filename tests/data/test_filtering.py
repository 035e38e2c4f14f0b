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


def test_musiq_sees_the_same_frames_as_a_video_and_only_if_it_is_given():
    frames = np.broadcast_to(np.arange(19, dtype=np.uint8)[:, None, None, None], (19, 8, 8, 3))

    def mean_of_frames(video):
        assert video.shape == (1, 3, 10, 8, 8)
        return (127.5 * (video + 1)).mean(dim=(1, 2, 3, 4))

    assert measure_quality(frames, mean_of_frames).musiq == pytest.approx(9, abs=1e-3)
    assert measure_quality(frames).musiq is None


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


@pytest.mark.parametrize(
    ("quality", "problem"),
    [
        (Quality(128, 100, 40), None),
        (Quality(128, 100, 39.94), "poor: MUSIQ 39.9 under 40"),
        (Quality(10, 100, 39), "dark: brightness 10.0 under 20"),
    ],
)
def test_problems_where_musiq_counts(quality, problem):
    assert QualityFilter(musiq=40).problem(quality) == problem


def test_a_filter_without_musiq_is_described_as_it_was_before_there_was_one():
    assert QualityFilter().describe() == {"brightness": (20.0, 235.0), "sharpness": 30.0}
    assert QualityFilter(musiq=40).describe() == QualityFilter().describe() | {"musiq": 40}


def test_mistakes():
    with pytest.raises(ValueError, match="brightness="):
        QualityFilter(brightness=(235, 20))
    with pytest.raises(ValueError, match="sharpness=-1"):
        QualityFilter(sharpness=-1)
    with pytest.raises(ValueError, match="musiq=101: no such score"):
        QualityFilter(musiq=101)
    with pytest.raises(ValueError, match="MUSIQ was not measured"):
        QualityFilter(musiq=40).problem(Quality(128, 100))
