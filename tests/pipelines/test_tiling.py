"""Tiles cover everything, sum to the whole, and fade linearly."""

import itertools

import torch
from hypothesis import given
from hypothesis import strategies as st

from cvsr.pipelines.tiling import spans


@given(st.integers(1, 60), st.integers(2, 20), st.data())
def test_spans_cover_the_axis_and_their_weights_sum_to_one(steps, size_steps, data):
    step = data.draw(st.sampled_from([4, 16]))
    extra = data.draw(st.sampled_from([0, 1]))  # pixels come in 16n, frames in 4n + 1
    overlap = data.draw(st.integers(0, (size_steps - 1) * step))
    length, size = steps * step + extra, size_steps * step + extra
    total = torch.zeros(length)
    covered = spans(length, size, overlap, step)
    for span in covered:
        assert span.start % step == 0
        assert span.stop - span.start == min(size, length) == len(span.weights)
        assert (span.weights > 0).all()
        total[span.slice] += span.weights
    assert torch.allclose(total, torch.ones(length), atol=1e-6)
    assert all(a.stop - b.start >= overlap for a, b in itertools.pairwise(covered))


def test_one_span_when_everything_fits():
    (span,) = spans(17, 17, 5, 4)
    assert (span.start, span.stop) == (0, 17)
    assert torch.equal(span.weights, torch.ones(17))


def test_33_frames_in_chunks_of_17_are_spread_evenly():
    assert [(span.start, span.stop) for span in spans(33, 17, 5, 4)] == [(0, 17), (8, 25), (16, 33)]


def test_neighbours_fade_linearly():
    first, second = spans(28, 16, 4, 4)
    expected = torch.tensor([0.8, 0.6, 0.4, 0.2])
    assert torch.allclose(first.weights[-4:], expected)
    assert torch.allclose(second.weights[:4], 1 - expected)


def test_the_latents_of_a_span():
    frames = spans(33, 17, 5, 4)
    assert [span.latent_slice(4) for span in frames] == [slice(0, 5), slice(2, 7), slice(4, 9)]
    pixels = spans(480, 256, 32, 16)
    assert [span.latent_slice(8) for span in pixels] == [slice(0, 32), slice(28, 60)]
