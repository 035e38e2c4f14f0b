"""Attention is taught where in an ID image to look."""

import math
from unittest.mock import patch

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.references import NOWHERE
from cvsr.models.hybrid_transformer import HybridTransformer
from cvsr.models.reading import Reading
from cvsr.presets import PRESETS
from cvsr.systems.unimmvsr import build_unimmvsr
from cvsr.training.matching import HEADS, corners, matching_loss, middle_attentions
from cvsr.training.reference_super_resolution import ReferenceSuperResolutionTraining

SIZE = (1, 2, 2)  # of the target: tokens 0 to 3
PICTURE = torch.zeros(4, 1, 2, 3)  # tokens 4 to 9


@given(
    x=st.floats(-1, 8), y=st.floats(-1, 8), height=st.integers(1, 5), width=st.integers(1, 5)
)
def test_four_corners_hold_the_place_between_them(x, y, height, width):
    tokens, weights = zip(*corners(torch.tensor([x]), torch.tensor([y]), height, width), strict=True)
    tokens, weights = torch.cat(tokens), torch.cat(weights)
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    assert (weights >= 0).all()
    middle = (tokens // width * weights).sum(), (tokens % width * weights).sum()
    assert middle[0] == pytest.approx(min(max(y, 0), height - 1), abs=1e-5)
    assert middle[1] == pytest.approx(min(max(x, 0), width - 1), abs=1e-5)


def places(*known, size=SIZE):
    """(2, t, h, w): row, column and (x, y) of those positions of which it is known where they are."""
    filled = torch.full((2, *size), NOWHERE)
    for row, column, place in known:
        filled[:, 0, row, column] = torch.tensor(place)
    return filled


def reading(query, key):
    return Reading(query, key, key, key.flatten(1))


def test_attention_that_is_spread_evenly_costs_the_logarithm_of_its_tokens():
    query, key = torch.zeros(10, HEADS, 8), torch.randn(10, HEADS, 8)
    loss = matching_loss(reading(query, key), SIZE, [[PICTURE]], [[places((0, 0, (0.4, 0.6)))]])
    assert loss == pytest.approx(math.log(10), abs=1e-5)


def test_only_attention_to_the_true_place_costs_nothing():
    query, key = torch.zeros(20, HEADS, 4), torch.zeros(20, HEADS, 4)
    query[10 + 3, :, 0] = 100.0  # the second sample's lower right position
    middle_of = 5 / 6, 0.75  # the picture's lower right token
    known = [[], [places((1, 1, middle_of))]]
    losses = []
    for token in (9, 8):
        key.zero_()
        key[10 + token, :, 0] = 1.0
        losses.append(float(matching_loss(reading(query, key), SIZE, [[PICTURE], [PICTURE]], known)))
    assert losses[0] < 1e-6
    assert losses[1] == pytest.approx(100 / math.sqrt(4), abs=1e-3)


def test_a_second_picture_is_looked_at_behind_the_first():
    query, key = torch.zeros(16, HEADS, 4), torch.zeros(16, HEADS, 4)
    query[0, :, 0], key[10, :, 0] = 100.0, 1.0  # the second picture's first token
    known = [[places(), places((0, 0, (0.0, 0.0)))]]
    assert matching_loss(reading(query, key), SIZE, [[PICTURE, PICTURE]], known) < 1e-6


def test_where_nothing_is_known_nothing_is_lost():
    query = torch.randn(10, HEADS, 4, requires_grad=True)
    for known in ([[]], [[places()]]):
        loss = matching_loss(reading(query, query), SIZE, [[PICTURE]], known)
        loss.backward()
        assert loss == 0
        assert not query.grad.any()


@pytest.fixture
def module():
    autoencoder = build_unimmvsr(PRESETS["tiny"], ["a ball"]).autoencoder
    with patch("cvsr.training.flow_matching.load", lambda *_: autoencoder):
        made = ReferenceSuperResolutionTraining(preset="tiny", start=None)
    made.logged = {}
    made.log = lambda name, value, **_: made.logged.update({name: float(value.detach())})
    return made


def batch_of(*known):
    torch.manual_seed(0)
    return {
        "latents": torch.randn(1, 4, 1, 4, 4), "low": torch.randn(1, 4, 1, 4, 4), "subject": torch.ones(1, 1, 1, 4, 4),
        "caption": ["a ball"], "references": [[torch.randn(4, 1, 3, 3)]],
        "places": [[places(*known, size=(1, 4, 4))]],
    }  # fmt: skip


def test_the_loss_of_attention_is_added_by_its_weight(module):
    batch = batch_of((0, 1, (0.9, 0.1)), (1, 1, (0.9, 0.9)))
    plain = module.training_step([batch], 0)
    module.matching_weight = 0.5
    both = module.training_step([batch], 0)
    assert module.logged["train/matching"] > 0
    assert float(both - plain) == pytest.approx(0.5 * module.logged["train/matching"], abs=1e-5)


def test_attention_learns_where_to_look(module):
    module.matching_weight = 1.0
    batch = batch_of((0, 0, (0.9, 0.9)), (3, 1, (0.1, 0.1)))
    optimizer = torch.optim.Adam(module.transformer.parameters(), 3e-3)
    found = []
    for _ in range(60):
        optimizer.zero_grad()
        module.training_step(batch, 0).backward()
        optimizer.step()
        found.append(module.logged["train/matching"])
    assert found[-1] < 0.3 * found[0]


@pytest.mark.parametrize(("depth", "blocks"), [(1, [0]), (2, [0, 1]), (5, [2]), (6, [2, 3])])
def test_the_blocks_in_the_middle_are_taught(depth, blocks):
    network = HybridTransformer(width=12, depth=depth, heads=2)
    assert middle_attentions(network) == [network.blocks[block].self_attentions[1] for block in blocks]
