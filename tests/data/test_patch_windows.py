"""Windows lie in their clip, patches in their window, and places say where."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.patch_windows import draw_patch, draw_window


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 20), st.integers(0, 99))
def test_windows_lie_in_the_clip_and_patches_in_their_window(height, width, least, seed):
    rng = np.random.default_rng(seed)
    window = draw_window(rng, (height, width), least)
    assert (window >= 0).all()
    assert (window[2:] <= (height, width)).all()
    assert (window[2:] - window[:2] >= np.minimum(least, (height, width))).all()
    size = min(least, height, width)
    (rows, columns), place = draw_patch(rng, window, size)
    sides = window[2:] - window[:2]
    edges = np.array([rows.start, columns.start, rows.stop, columns.stop])
    np.testing.assert_allclose(place, (edges - np.tile(window[:2], 2)) / np.tile(sides, 2))
    assert (rows.stop - rows.start, columns.stop - columns.start) == (size, size)
    assert 0 <= place.min() <= place.max() <= 1


def test_every_size_is_as_likely_as_its_double():
    rng = np.random.default_rng(0)
    heights = np.array([np.diff(draw_window(rng, (64, 64), 16)[::2])[0] for _ in range(2000)])
    assert np.mean(heights < 32) == pytest.approx(0.5, abs=0.05)
    assert (heights.min(), heights.max()) == (16, 64)


def test_a_clip_no_larger_than_a_patch_is_its_own_window():
    assert draw_window(np.random.default_rng(0), (8, 8), 16).tolist() == [0, 0, 8, 8]


def test_a_patch_larger_than_its_window_is_refused():
    with pytest.raises(ValueError, match=r"size=9: a patch larger than its whole of 8×12; allowed up to 8"):
        draw_patch(np.random.default_rng(0), np.array([0, 0, 8, 12]), 9)
