"""Sizes are of the clip before every degradation; each interpolation is what its name says."""

import numpy as np
import pytest

from cvsr.data.degradations.resizing import RandomResize, Resize
from cvsr.data.resize import resize
from cvsr.data.video import to_frames, to_tensor


def test_area_averages_and_the_others_alias(moving):
    stripes = np.tile(
        np.array([0, 0, 0, 200], np.uint8)[None, None, :, None], (2, 8, 4, 3)
    )  # every fourth column
    assert (Resize(2, 4, "area").apply(stripes) == 50).all()
    assert (Resize(2, 4, "bilinear").apply(stripes) == 0).all()  # looks at the two columns in the middle
    frames = moving(2, 16, 24)
    halves = frames.reshape(2, 8, 2, 12, 2, 3).mean(axis=(2, 4))
    assert np.abs(Resize(8, 12, "area").apply(frames) - halves).max() <= 0.5


def test_antialiased_is_how_inputs_of_measurements_are_made(moving):
    frames = moving(2, 16, 24)
    expected = resize(to_tensor(frames)[None], 4, 6)[0]
    assert np.array_equal(Resize(4, 6, "antialiased").apply(frames), to_frames(expected))


def test_the_last_resize_says_how_large_the_result_is():
    quarter = RandomResize(factor=(0.25, 0.25), reduce=1, enlarge=0)
    drawn = quarter.sample(np.random.default_rng(0), (250, 143))
    assert (drawn.height, drawn.width) == (62, 36)
    assert quarter.sample(np.random.default_rng(0), (1, 2)).height == 1


def test_how_often():
    rng = np.random.default_rng(1)
    heights = np.array([RandomResize().sample(rng, (1000, 1000)).height for _ in range(3000)])
    assert heights.min() >= 150
    assert heights.max() <= 1500
    shares = [np.mean(heights < 1000), np.mean(heights > 1000), np.mean(heights == 1000)]
    np.testing.assert_allclose(shares, [0.7, 0.2, 0.1], atol=0.03)


def test_mistakes():
    with pytest.raises(ValueError, match="both below and above 1"):
        RandomResize(factor=(0.2, 0.5))
    with pytest.raises(ValueError, match=r"allowed .*'bicubic'"):
        RandomResize(interpolations=("lanczos",))
