"""Scopes: which tokens a change reaches in one layer, and that weights serve every scheme."""

import pytest
import torch

from cvsr.models.attention import SelfAttention
from cvsr.models.rope import grid_coordinates, rotation
from cvsr.models.scopes import PATTERNS, AttentionScheme, Layout

SIZE, WIDTH, HEADS = (4, 4, 6), 24, 2  # T, Y, X


def layout(size=SIZE, shifted=False, **scheme) -> Layout:
    turns = rotation(grid_coordinates(*size), WIDTH // HEADS).flatten(1, 2)
    return Layout(AttentionScheme(**scheme), size, turns, shifted)


def layer() -> SelfAttention:
    torch.manual_seed(0)
    return SelfAttention(WIDTH, HEADS)


def tokens(size=SIZE, batch=2):
    return torch.randn(batch, size[0], size[1] * size[2], WIDTH, generator=torch.Generator().manual_seed(1))


def reached(made: Layout, frame, place, index=0):
    """(T, S) bool: what a change of one token changes."""
    attend, x = layer(), tokens(made.size)
    changed = x.clone()
    changed[:, frame, place] += 1
    moved = made.attend(index, attend, changed) - made.attend(index, attend, x)
    return moved.abs().amax(dim=(0, 3)) > 1e-6


def test_full_attention_reaches_everything():
    assert reached(layout(), 1, 2).all()


def test_spatial_attention_keeps_frames_apart_and_temporal_attention_keeps_places_apart():
    spatial, temporal = (reached(layout(attention="factorised"), 1, 2, index) for index in (0, 1))
    assert spatial[1].all()
    assert spatial.any(1).tolist() == [False, True, False, False]
    assert temporal[:, 2].all()
    assert temporal.any(0).sum() == 1


@pytest.mark.parametrize(
    ("shifted", "frames", "rows", "columns"), [(False, (0, 2), (0, 2), (0, 3)), (True, (1, 3), (1, 3), (0, 1))]
)
def test_windows_are_those_of_the_partition(shifted, frames, rows, columns):
    seen = reached(layout(shifted=shifted, attention="swin", window=(2, 2, 3)), 1, 6).view(SIZE)  # row 1, column 0
    inside = torch.zeros(SIZE, dtype=torch.bool)
    inside[slice(*frames), slice(*rows), slice(*columns)] = True
    assert torch.equal(seen, inside)


@pytest.mark.parametrize("attention", PATTERNS)
def test_a_temporal_unit_confines_every_scope(attention):
    numbers = {"attention": attention, "window": (4, 4, 6), "block": (2, 3), "temporal_unit": 2}
    for index in range(len(PATTERNS[attention])):
        assert not reached(layout(**numbers), 1, 2, index)[2:].any()
        assert not reached(layout(shifted=True, **numbers), 0, 2, index)[1:].any()  # shifted units: 1, 2, 1


@pytest.mark.parametrize(
    "scheme",
    [
        {"temporal_unit": 4},
        {"attention": "swin", "window": (9, 9, 9)},
        {"attention": "sparse", "block": (3, 4), "top_k": 99},
        {"attention": "sparse", "block": (4, 6), "top_k": 3, "temporal_unit": 7},
    ],
)
def test_schemes_that_leave_nothing_out_are_full_attention(scheme):
    for shifted in (False, True):
        made = layout(shifted=shifted, **scheme).attend(0, layer(), tokens())
        torch.testing.assert_close(made, layout().attend(0, layer(), tokens()), rtol=1e-5, atol=1e-5)


def test_a_unit_is_a_clip_of_its_own():
    whole = layout(temporal_unit=2, attention="sparse", block=(2, 3), top_k=2).attend(0, layer(), tokens())
    alone = layout((2, 4, 6), attention="sparse", block=(2, 3), top_k=2)
    for start in (0, 2):  # at whichever frame it begins: positions are relative
        unit = alone.attend(0, layer(), tokens()[:, start : start + 2])
        torch.testing.assert_close(whole[:, start : start + 2], unit, rtol=1e-5, atol=1e-5)


def test_on_one_frame_spatial_attention_is_full_attention():
    x = tokens((1, 4, 6))
    spatial = layout((1, 4, 6), attention="spatial+full")
    torch.testing.assert_close(spatial.attend(0, layer(), x), spatial.attend(1, layer(), x))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "local"}, "attention='local': unknown pattern; allowed .*'sparse'"),
        ({"temporal_unit": 0}, "temporal_unit=0: no unit; allowed numbers >= 1 or None; try 5"),
        ({"window": (5, 0, 8)}, r"size=\(5, 0, 8\): no window"),
        ({"block": (12,)}, r"block=\(12,\): no block"),
        ({"top_k": 0}, "top_k=0"),
    ],
)
def test_impossible_schemes_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        AttentionScheme(**changes)


def test_lists_of_a_config_become_tuples():
    assert AttentionScheme(window=[1, 2, 3], block=[4, 5]) == AttentionScheme(window=(1, 2, 3), block=(4, 5))
