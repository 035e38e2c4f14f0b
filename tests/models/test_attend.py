"""Attention inside segments: every back end against one attention a segment."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models import attention
from cvsr.models.attention import attend, choose_backend


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=12).map(tuple))
@settings(max_examples=40)
def test_segments_equal_one_attention_each(lengths):
    generator = torch.Generator().manual_seed(sum(lengths))
    query, key, value = torch.randn(3, sum(lengths), 2, 8, generator=generator)
    result = attend(query, key, value, lengths)
    for part, *qkv in zip(*(x.split(lengths) for x in (result, query, key, value)), strict=True):
        alone = F.scaled_dot_product_attention(*(x.transpose(0, 1)[None] for x in qkv))[0].transpose(0, 1)
        torch.testing.assert_close(part, alone, rtol=1e-5, atol=1e-5)


@given(segments=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), min_size=1, max_size=12))
@settings(max_examples=40)
def test_segments_may_read_others_than_their_own_tokens(segments):
    lengths, key_lengths = zip(*segments, strict=True)
    generator = torch.Generator().manual_seed(len(segments))
    query = torch.randn(sum(lengths), 2, 8, generator=generator)
    key, value = torch.randn(2, sum(key_lengths), 2, 8, generator=generator)
    result = attend(query, key, value, lengths, key_lengths=key_lengths)
    parts = (result.split(lengths), query.split(lengths), key.split(key_lengths), value.split(key_lengths))
    for part, *qkv in zip(*parts, strict=True):
        alone = F.scaled_dot_product_attention(*(x.transpose(0, 1)[None] for x in qkv))[0].transpose(0, 1)
        torch.testing.assert_close(part, alone, rtol=1e-5, atol=1e-5)


def test_gradients_flow_through_every_segment():
    tokens = torch.randn(7, 1, 4, requires_grad=True)
    attend(tokens, tokens, tokens, (3, 3, 1)).square().sum().backward()
    assert (tokens.grad.abs().amax(dim=(1, 2)) > 0).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="the other back ends run on CUDA")
@pytest.mark.parametrize("backend", ["varlen", "flash"])
def test_back_ends_agree_on_cuda(backend):
    lengths = (5, 5, 64, 1, 130)
    query, key, value = torch.randn(3, sum(lengths), 4, 64, device="cuda", dtype=torch.bfloat16)
    try:
        choose_backend(backend, query)
    except ValueError as error:
        pytest.skip(str(error))
    for key_lengths in (None, (64, 130, 5, 1, 5)):
        expected = attend(query.float(), key.float(), value.float(), lengths, "sdpa", key_lengths)
        result = attend(query, key, value, lengths, backend, key_lengths)
        torch.testing.assert_close(result.float(), expected, rtol=2e-2, atol=2e-2)


def test_auto_names_the_back_end_that_runs():
    assert choose_backend("auto", torch.randn(2, 1, 4)) == "sdpa"


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("xformers", "unknown; allowed 'auto', 'sdpa', 'varlen', 'flash'"),
        ("varlen", "runs on CUDA, the tokens are on cpu"),
        ("flash", "pip install flash-attn"),
    ],
)
def test_a_back_end_that_cannot_run_is_refused_with_what_to_do(monkeypatch, backend, message):
    monkeypatch.setattr(attention.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=f"backend='{backend}'.*") as caught:
        attend(*torch.randn(3, 4, 1, 8), (4,), backend)
    assert message in str(caught.value)


def test_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="lengths: 5 tokens in all; allowed 4"):
        attend(*torch.randn(3, 4, 1, 8), (2, 3))
    with pytest.raises(ValueError, match="key_lengths: 5 tokens in all; allowed 4"):
        attend(*torch.randn(3, 4, 1, 8), (2, 2), key_lengths=(2, 3))
    with pytest.raises(ValueError, match="key_lengths: of 1 segments; allowed 2"):
        attend(*torch.randn(3, 4, 1, 8), (2, 2), key_lengths=(4,))
