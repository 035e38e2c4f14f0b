"""References are kept beside their clips; pictures are cut out around their objects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.references import (
    MARGIN,
    NOWHERE,
    References,
    cut_out,
    places_in,
    read_references,
    references_file,
    write_references,
)

PICTURES = np.random.default_rng(0).integers(0, 256, (2, 1, 8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"masks": PICTURES[..., 0] > 99},
        {"masks": PICTURES[..., 0] > 99, "mistaken": PICTURES[:, 0], "places": np.ones((2, 3, 2, 1, 1))},
    ],
)
def test_what_is_written_beside_a_clip_is_read(tmp_path, rest):
    clip = tmp_path / "a.b.npy"
    assert read_references(clip) is None
    write_references(clip, References(PICTURES, **rest))
    assert references_file(clip) == tmp_path / "a.b.npz"
    found = read_references(clip)
    np.testing.assert_array_equal(found.frames, PICTURES)
    for name in ("masks", "mistaken", "places"):
        np.testing.assert_equal(getattr(found, name), rest.get(name))
    references_file(clip).write_bytes(references_file(clip).read_bytes()[:300])
    with pytest.raises(ValueError, match=r"references=.*a\.b\.npz: damaged"):
        read_references(clip)


@given(top=st.integers(0, 40), left=st.integers(0, 40), height=st.integers(4, 24), width=st.integers(4, 24))
def test_a_square_around_the_object_is_cut_out(top, left, height, width):
    mask = np.zeros((64, 72), bool)
    mask[top : top + height, left : left + width] = True
    y, x = np.mgrid[:64, :72]
    side = round(MARGIN * max(height, width))
    cut, shown = cut_out(np.stack([y, x, 255 * mask], axis=-1).astype(np.uint8), mask, side)
    np.testing.assert_array_equal(cut[..., 2] > 127, shown)
    assert shown.sum() == mask.sum()  # all of it
    corner = cut[0, 0, :2].astype(int)
    np.testing.assert_array_equal(cut[-1, -1, :2], corner + side - 1)  # from one place
    for start, at, length, most in zip(corner, (top, left), (height, width), mask.shape, strict=True):
        middle = start + side / 2 - at - length / 2
        assert abs(middle) <= 1 or start in (0, most - side)


def test_what_is_cut_out_is_brought_to_its_size():
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    for size in (16, 48):
        cut, shown = cut_out(np.full((64, 64, 3), 90, np.uint8), mask, size)
        assert cut.shape == (size, size, 3)
        assert (cut == 90).all()
        assert shown.mean() == pytest.approx(MARGIN**-2, abs=0.1)
    assert cut_out(np.zeros((64, 48, 3), np.uint8), np.ones((64, 48), bool), 16)[1].all()


def test_a_picture_without_its_object_is_refused():
    with pytest.raises(ValueError, match="mask: shows no object"):
        cut_out(PICTURES[0, 0], np.zeros((8, 8), bool), 8)


def test_places_are_where_the_maps_lead_in_shares_of_the_square():
    seen = np.ones((2, 16, 24), bool)
    seen[1, :8] = False  # the upper row of positions
    twice_as_large, moved = np.diag([2.0, 2.0, 1.0]), np.array([[1.0, 0, 3], [0, 1, 5], [0, 0, 1]])
    window = slice(2, 42), slice(4, 44)  # rows, columns
    found = places_in(window, np.stack([twice_as_large, moved]), seen)
    assert found.shape == (2, 2, 2, 3)
    x, y = np.array([4, 12, 20]), np.array([4, 12])
    np.testing.assert_allclose(found[0, 0], np.tile((2 * x - 4) / 40, (2, 1)))
    np.testing.assert_allclose(found[0, 1], np.tile((2 * y - 2) / 40, (3, 1)).T)
    np.testing.assert_allclose(found[1, :, 1, 0], [(4 + 3 - 4) / 40, (12 + 5 - 2) / 40])
    assert (found[1, :, 0] == NOWHERE).all()


def test_places_outside_of_the_picture_are_none():
    found = places_in((slice(0, 8), slice(0, 16)), np.eye(3)[None], np.ones((1, 16, 16), bool))
    np.testing.assert_allclose(found[0, :, 0, 0], [0.5, 0.5])
    assert (found[0, :, 1] == NOWHERE).all()
    assert (found[0, :, 0, 1] == NOWHERE).all()
