"""Temporal units: which frames see each other, how news travels, and that a short clip is one unit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.temporal_units import in_units


def totals(clip):
    """Every frame becomes the sum over its unit: who shares a unit is who is summed."""
    return clip.sum(1, keepdim=True).expand_as(clip).contiguous()


def sees(frames, unit, shifted):
    """(frames, frames) bool: does a frame see another?"""
    one_hot = torch.eye(frames)[None]  # frame, and as channels what it knows
    return in_units(totals, one_hot, unit, shifted)[0].bool()


def test_units_of_twenty_frames():
    regular, shifted = sees(20, 5, False), sees(20, 5, True)
    assert [int(row.sum()) for row in regular] == 20 * [5]
    assert [int(row.sum()) for row in shifted] == 2 * [2] + 15 * [5] + 3 * [3]  # moved by half, 2 of 5
    assert not regular[4, 5]
    assert shifted[4, 5]


@given(frames=st.integers(1, 30), unit=st.integers(1, 7), shifted=st.booleans())
@settings(max_examples=60)
def test_units_are_neighbours_of_at_most_the_unit(frames, unit, shifted):
    seen = sees(frames, unit, shifted)
    assert torch.equal(seen, seen.T)
    assert seen.diagonal().all()
    assert int(seen.sum(1).max()) <= unit
    assert (seen.int() @ seen.int() > 0).equal(seen)  # units do not overlap


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_a_clip_as_long_as_a_unit_is_one(frames):
    for shifted in (False, True):
        assert sees(frames, 5, shifted).all()


def test_news_from_the_first_frame_reaches_the_last_in_as_many_layers_as_it_has_to_cross_borders():
    known = torch.zeros(20, dtype=torch.int)
    known[0] = 1
    reached = []
    for layer in range(9):
        known = (sees(20, 5, layer % 2 == 1).int() @ known).clamp(max=1)
        reached.append(int(known.nonzero().max()))
    assert reached == [4, 6, 9, 11, 14, 16, 19, 19, 19]


def test_batches_stay_apart():
    x = torch.randn(3, 7, 2, 4)
    together = in_units(totals, x, 3, True)
    for index in range(3):
        torch.testing.assert_close(together[index : index + 1], in_units(totals, x[index : index + 1], 3, True))
