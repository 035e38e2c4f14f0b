"""Sparse local attention against full attention, against a loop over blocks, and its choice against planted ones."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.attention import attention
from cvsr.models.sparse_attention import choose_blocks, cut_into_blocks, sparse_local_attention

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


def tokens(size, batch=2, heads=2, head_dim=6, seed=0):
    """Queries, keys and values (B, n, heads, d)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, batch, math.prod(size), heads, head_dim, generator=generator)


def block_by_block(query, key, value, size, block, top_k):
    """The same, one block of one head of one clip at a time, its places found by comparing coordinates."""
    t, y, x = torch.meshgrid(*(torch.arange(axis) for axis in size), indexing="ij")
    cells = torch.stack([t, y // block[0], x // block[1]], dim=-1).flatten(0, 2)  # (n, 3)
    members = [(cells == cell).all(1) for cell in cells.unique(dim=0)]  # in rising order: as blocks are numbered
    result = torch.zeros_like(value)
    for b in range(len(query)):
        for h in range(query.shape[2]):
            q, k, v = (z[b, :, h] for z in (query, key, value))  # (n, d)
            for own in members:
                relevance = torch.stack([q[own].mean(0) @ k[other].mean(0) for other in members])
                relevance[[torch.equal(own, other) for other in members].index(True)] = math.inf
                best = relevance.topk(min(1 + top_k, len(members))).indices
                read = torch.cat([members[i].nonzero()[:, 0] for i in best])
                result[b, own, h] = F.scaled_dot_product_attention(q[own][None], k[read][None], v[read][None])[0]
    return result.flatten(2)


@given(size=SIZES, data=st.data())
@settings(max_examples=40)
def test_with_all_blocks_it_is_full_attention(size, data):
    block = data.draw(st.tuples(st.integers(1, size[1]), st.integers(1, size[2])))
    qkv = tokens(size)
    sparse = sparse_local_attention(*qkv, size, block, top_k=math.prod(size))
    torch.testing.assert_close(sparse, attention(*qkv), rtol=1e-5, atol=1e-5)


@given(size=SIZES, data=st.data(), top_k=st.integers(1, 3))
@settings(max_examples=20)
def test_it_equals_a_loop_over_blocks(size, data, top_k):
    block = data.draw(st.tuples(st.integers(1, size[1]), st.integers(1, size[2])))
    qkv = tokens(size)
    expected = block_by_block(*qkv, size, block, top_k)
    torch.testing.assert_close(sparse_local_attention(*qkv, size, block, top_k), expected, rtol=1e-5, atol=1e-5)


def test_gradients_are_those_of_full_attention_where_all_blocks_are_read():
    size, block = (2, 5, 7), (2, 3)
    gradients = []
    for run in (attention, lambda *qkv: sparse_local_attention(*qkv, size, block, top_k=99)):
        qkv = tokens(size).requires_grad_()
        run(*qkv).square().sum().backward()
        gradients.append(qkv.grad)
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


def test_with_one_other_block_gradients_reach_what_was_read_and_nothing_else():
    size, block = (2, 4, 6), (2, 3)
    query, key, value = (x.requires_grad_() for x in tokens(size, batch=1, heads=1))
    blocks = cut_into_blocks(size, block)
    chosen = choose_blocks(query, key, size, block, 1)[0, 0, 3]  # of block 3: itself and one other
    asked = blocks.tokens[3]
    sparse_local_attention(query, key, value, size, block, 1)[0, asked].sum().backward()
    read = torch.zeros(blocks.tokens.numel(), dtype=torch.bool)
    read[blocks.tokens[chosen].flatten()] = True
    for x in (key, value):
        assert torch.equal(x.grad[0, :, 0].abs().amax(1) > 0, read)
    assert query.grad[0, asked].any()


def test_a_block_chooses_what_resembles_it_however_far_and_in_the_future():
    size, block = (4, 4, 6), (2, 3)
    blocks = cut_into_blocks(size, block)  # 4 a frame
    key = torch.zeros(1, math.prod(size), 1, 8)
    places = blocks.tokens
    for number, place in enumerate(places):
        key[0, place, 0, number % 7] = 1.0  # block 1 resembles blocks 8 and 15
    key[0, places[15]] *= 2
    chosen = choose_blocks(key, key, size, block, top_k=2)
    assert chosen.shape == (1, 1, 16, 3)
    assert chosen[0, 0, 1].tolist() == [1, 15, 8]
    assert chosen[0, 0, :, 0].tolist() == list(range(16))


def test_heads_and_clips_choose_for_themselves():
    size, block = (2, 4, 4), (2, 2)
    query, key, _ = tokens(size, batch=2, heads=3)
    together = choose_blocks(query, key, size, block, 2)
    for clip in range(2):
        for head in range(3):
            one = (slice(clip, clip + 1), slice(None), slice(head, head + 1))
            alone = choose_blocks(query[one], key[one], size, block, 2)
            assert torch.equal(together[clip, head], alone[0, 0])


def test_blocks_cover_every_token_once_and_are_smaller_at_the_borders():
    blocks = cut_into_blocks((2, 5, 7), (2, 3))
    assert blocks.tokens[blocks.inside].sort().values.tolist() == list(range(70))
    assert blocks.lengths.tolist() == 2 * [6, 6, 2, 6, 6, 2, 3, 3, 1]
    assert blocks.inside.sum(1).tolist() == blocks.lengths.tolist()
    assert blocks.tokens[0].tolist() == [0, 1, 2, 7, 8, 9]  # rows 0 and 1, columns 0 to 2
    assert blocks.tokens[2, :2].tolist() == [6, 13]
    assert cut_into_blocks((2, 4, 6), (2, 3)).inside is None


def test_tokens_of_inference_serve_training_as_well():
    size, block = (1, 3, 5), (2, 2)
    with torch.inference_mode():
        sparse_local_attention(*tokens(size), size, block, 1)
    qkv = tokens(size).requires_grad_()
    sparse_local_attention(*qkv, size, block, 1).sum().backward()
    assert qkv.grad.isfinite().all()


@pytest.mark.parametrize(
    ("block", "top_k", "message"),
    [
        ((5, 3), 1, r"block=\(5, 3\): larger than a frame of 4×6 tokens; allowed up to \(4, 6\); try \(2, 3\)"),
        ((2, 7), 1, r"block=\(2, 7\): larger than a frame"),
        ((2, 3), 0, "top_k=0: allowed whole numbers >= 1; try top_k=1"),
        ((0, 3), 1, r"block=\(0, 3\): no block; allowed height and width >= 1"),
        ((3,), 1, r"block=\(3,\): no block"),
    ],
)
def test_callers_mistakes_are_named(block, top_k, message):
    with pytest.raises(ValueError, match=message):
        sparse_local_attention(*tokens((1, 4, 6)), (1, 4, 6), block, top_k)
