"""Attention in windows: pairs counted against the layout, every window timed."""

import pytest

from cvsr.measurements.windows import pairs, seconds


@pytest.mark.parametrize(
    ("window", "expected"), [((1, 2, 2), 8 * 7**2), ((2, 4, 4), 35**2), ((2, 3, 4), 27**2 + 11**2)]
)
def test_pairs_are_those_of_the_windows_with_the_text(window, expected):
    assert pairs((2, 4, 4), window, text=3) == expected


def test_every_window_is_timed():
    windows = [(1, 2, 2), (2, 4, 4)]
    measured = seconds((2, 4, 4), windows, text=3, heads=1, head_dim=8, rounds=1)
    assert list(measured) == windows
    assert all(value > 0 for value in measured.values())
