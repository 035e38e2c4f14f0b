"""The latent upsampler: sizes, phases, causality of its parts, and that it starts as a linear map."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.latent_upsampler import SCALE, LatentUpsampler, from_parts, phases, to_parts


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_any_size_becomes_four_times_as_large(frames, height, width):
    torch.manual_seed(0)
    result = LatentUpsampler(4, 8)(torch.randn(2, 4, frames, height, width))
    assert result.shape == (2, 4, frames, SCALE * height, SCALE * width)
    assert result.isfinite().all()


def test_parts_and_latents_are_the_same_numbers():
    latents = torch.randn(2, 3, 2, 8, 12)
    assert to_parts(latents).shape == (2, 2, 2, 3, 48)
    assert torch.equal(from_parts(to_parts(latents)), latents)
    assert torch.equal(to_parts(latents)[0, 0, 1, 2, :3], latents[0, :, 0, 4, 8])


def test_phases_repeat_with_every_small_position_and_differ_within_one():
    found = phases(12, 8)[0, :, 0]  # (4, 12, 8)
    torch.testing.assert_close(found[:, :4, :4], found[:, 4:8, 4:8], atol=1e-5, rtol=0)
    inside = found[:, :4, :4].flatten(1).T  # 16 parts
    assert torch.cdist(inside, inside).fill_diagonal_(9).min() > 0.5


def test_a_fresh_one_is_linear():
    torch.manual_seed(0)
    upsampler = LatentUpsampler(4, 8)
    one, other = torch.randn(2, 1, 4, 3, 5, 5)
    silence = upsampler(torch.zeros_like(one))
    both = upsampler(2 * one + other) - silence
    expected = 2 * (upsampler(one) - silence) + upsampler(other) - silence
    torch.testing.assert_close(both, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(upsampler(one), upsampler.linear(one))


def test_the_linear_part_sees_neighbours_and_the_frame_before_only():
    upsampler = LatentUpsampler(4, 8)
    latents = torch.randn(1, 4, 4, 7, 7)
    changed = latents.clone()
    changed[:, :, 2, 3, 3] += 1
    moved = (upsampler.linear(changed) - upsampler.linear(latents)).abs().amax(dim=(0, 1)) > 1e-6  # (t, 28, 28)
    frames, rows, columns = (set(index.tolist()) for index in moved.nonzero().T)
    assert frames == {2, 3}
    assert rows == columns == set(range(8, 20))


def test_latents_of_another_autoencoder_are_refused():
    with pytest.raises(ValueError, match=r"latents=\(1, 3, 1, 2, 2\).*allowed \(B, 4, t, h, w\)"):
        LatentUpsampler(4, 8)(torch.zeros(1, 3, 1, 2, 2))
