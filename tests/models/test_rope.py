"""Rotary positions: relative, isometric, for any coordinates."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.rope import grid_coordinates, rotate, rotation

HEAD_DIM = 24
COORDINATE = st.floats(-50, 50, width=32)


def score(
    query: torch.Tensor, key: torch.Tensor, at_query: torch.Tensor, at_key: torch.Tensor
) -> torch.Tensor:
    turned_query = rotate(query, rotation(at_query[None], HEAD_DIM))
    turned_key = rotate(key, rotation(at_key[None], HEAD_DIM))
    return (turned_query * turned_key).sum()


@settings(max_examples=50)
@given(st.lists(COORDINATE, min_size=9, max_size=9))
def test_scores_depend_on_differences_of_positions_only(numbers):
    at_query, at_key, offset = torch.tensor(numbers).view(3, 3)
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, HEAD_DIM, generator=generator)
    before = score(query, key, at_query, at_key)
    after = score(query, key, at_query + offset, at_key + offset)
    torch.testing.assert_close(before, after, atol=2e-3, rtol=0)


def test_each_axis_moves_the_scores():
    query, key = torch.randn(2, 1, 1, 1, HEAD_DIM, generator=torch.Generator().manual_seed(1))
    origin = torch.zeros(3)
    scores = [score(query, key, origin, axis) for axis in (origin, *torch.eye(3))]
    assert len({round(s.item(), 4) for s in scores}) == 4


def test_rotation_keeps_lengths_and_starts_at_the_identity():
    x = torch.randn(2, 60, 3, HEAD_DIM)
    turned = rotate(x, rotation(grid_coordinates(3, 4, 5), HEAD_DIM).flatten(0, 2))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[:, 0], x[:, 0])


def test_grid_counts_time_height_width():
    grid = grid_coordinates(2, 3, 4)
    assert grid.shape == (2, 3, 4, 3)
    assert grid[1, 2, 3].tolist() == [1, 2, 3]


def test_every_pair_turns():
    turns = rotation(torch.ones(3), HEAD_DIM)
    assert turns.shape == (HEAD_DIM // 2,)
    assert (turns.angle() > 0).all()
