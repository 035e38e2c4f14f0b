"""Patches cover every frame with weights that sum to one; what is joined depends on nothing but the predictions."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cvsr.diffusion.joint_modulation import (
    JOININGS,
    averaged,
    borders,
    centre_lines,
    cover,
    join,
    joint,
    stitched,
)

SIDES, SIZES = st.integers(1, 70), st.integers(2, 24)


def weight_map(height: int, width: int, size: int, joining: str) -> torch.Tensor:
    total = torch.zeros(height, width)
    for patch in cover(height, width, size, joining):
        patch.of(total).add_(patch.weights)
    return total


@given(SIDES, SIDES, SIZES, st.sampled_from(list(JOININGS)))
def test_weights_sum_to_one_everywhere(height, width, size, joining):
    torch.testing.assert_close(weight_map(height, width, size, joining), torch.ones(height, width))


@given(SIDES, SIZES, st.sampled_from(list(JOININGS)))
def test_every_patch_has_the_networks_size_and_lies_inside(length, size, joining):
    for window in JOININGS[joining](length, size):
        assert len(window.weights) == min(size, length)
        assert 0 <= window.start <= window.stop <= length
        assert window.weights.min() >= -1e-6


@given(st.integers(2, 6), st.integers(1, 8))
def test_whole_patches_do_not_overlap_and_auxiliary_ones_are_halves_of_two(count, half):
    size = 2 * half
    assert [window.slice for window in stitched(count * size, size)] == [
        slice(start, start + size) for start in range(0, count * size, size)
    ]
    starts = [window.start for window in joint(count * size, size)]
    assert starts == [*range(0, count * size, size), *range(half, (count - 1) * size, size)]


def test_weights_fall_from_the_centre_line_to_the_sides():
    first, second, bridge = joint(8, 4)
    torch.testing.assert_close(bridge.weights, torch.tensor([0.25, 0.75, 0.75, 0.25]))
    torch.testing.assert_close(first.weights, torch.tensor([1, 1, 0.75, 0.25]))
    torch.testing.assert_close(second.weights, torch.tensor([0.25, 0.75, 1, 1]))


def test_averaging_counts_everything_alike():
    first, second, bridge = averaged(8, 4)
    half = torch.full((2,), 0.5)
    torch.testing.assert_close(bridge.weights, torch.full((4,), 0.5))
    torch.testing.assert_close(first.weights, torch.cat([torch.ones(2), half]))
    torch.testing.assert_close(second.weights, torch.cat([half, torch.ones(2)]))


def test_sides_that_are_no_multiple_are_covered_by_patches_that_overlap_evenly():
    assert [(w.start, w.stop) for w in joint(20, 8)] == [(0, 8), (6, 14), (12, 20), (3, 11), (9, 17)]
    assert centre_lines(20, 8) == [7, 13]
    assert [w.weights.tolist() for w in stitched(20, 8)] == [[1] * 7 + [0], [0, *[1] * 6, 0], [0, *[1] * 7]]


def test_borders_are_where_a_patch_begins_or_ends_to_be_seen():
    assert borders(16, 8, "stitched") == [8]
    assert borders(16, 8, "averaged") == borders(16, 8, "joint") == [4, 8, 12]
    assert borders(20, 8, "stitched") == centre_lines(20, 8)
    assert borders(20, 8, "averaged") == [3, 6, 8, 9, 11, 12, 14, 17]
    assert borders(8, 8) == borders(3, 8) == []


def test_a_patch_knows_its_place():
    places = [patch.place(8, 4) for patch in cover(8, 4, 4, "stitched")]
    assert places == [(0, 0, 0.5, 1), (0.5, 0, 1, 1)]


def network(patch: torch.Tensor) -> torch.Tensor:
    """What it predicts at a position depends on the whole patch."""
    return patch.sin() + patch.cumsum(-1).cos() + patch.mean((-2, -1), keepdim=True)


def joined(frame: torch.Tensor, patches, at_once: int) -> torch.Tensor:
    def predict(group):
        return network(torch.stack([patch.of(frame) for patch in group]))

    return join(predict, patches, *frame.shape[-2:], at_once)


@given(st.integers(1, 16), st.integers(1, 16), st.sampled_from(list(JOININGS)))
def test_a_patch_as_large_as_the_frame_gives_the_plain_result(height, width, joining):
    frame = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    patches = cover(height, width, 16, joining)
    assert torch.equal(joined(frame, patches, 4), network(frame))


@given(st.randoms(use_true_random=False), st.integers(1, 30), st.sampled_from(list(JOININGS)))
def test_order_and_batching_change_nothing(random, at_once, joining):
    frame = torch.randn(2, 3, 19, 26, generator=torch.Generator().manual_seed(0))
    patches = cover(19, 26, 8, joining)
    expected = joined(frame, patches, 1)
    random.shuffle(patches)
    torch.testing.assert_close(joined(frame, patches, at_once), expected, rtol=0, atol=1e-6)


@given(st.integers(20, 60), st.sampled_from([4, 8, 12]))
def test_predictions_that_agree_are_left_as_they_are_and_others_blend_without_a_step(width, size):
    frame = torch.linspace(-1, 1, width).expand(3, 1, width)
    patches = cover(1, width, size)
    agreed = join(lambda group: [patch.of(frame) for patch in group], patches, 1, width, 3)
    torch.testing.assert_close(agreed, frame)

    def levels(group):  # each patch has a level of its own, up to 1 apart
        return [torch.full((1, size), float(patch.columns.start % 2)) for patch in group]

    blended = join(levels, patches, 1, width, 3)
    assert blended.diff(dim=-1).abs().max() <= 2 / size + 1e-6


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"joining": "glued"}, r"joining='glued': unknown; allowed \['joint', 'averaged', 'stitched'\]; try 'joint'"),
        ({"size": 1}, "size=1: too small; allowed numbers >= 2; try size=16"),
        ({"height": 0}, "height=0: too small; allowed numbers >= 1"),
    ],
)
def test_mistakes_are_named(wrong, said):
    with pytest.raises(ValueError, match=said):
        cover(**{"height": 8, "width": 8, "size": 4} | wrong)


def test_all_kinds_show_the_same_corners():
    """A corner where four segments meet is bridged by a patch of its own."""
    patches = cover(8, 8, 4)
    corner = [patch for patch in patches if (patch.rows.start, patch.columns.start) == (2, 2)]
    assert len(patches) == 9
    assert corner[0].weights.max() == 0.75**2
    assert {(p.rows.start, p.columns.start) for p in patches} == set(itertools.product((0, 2, 4), repeat=2))
