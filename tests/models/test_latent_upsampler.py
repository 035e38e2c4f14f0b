"""The latent upsampler: sizes, phases, what it sees, and that it learns what bilinear interpolation cannot."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.models.latent_upsampler import LatentUpsampler, phases


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(0, 9), st.integers(0, 9))
def test_any_size_comes_out(frames, height, width, taller, wider):
    torch.manual_seed(0)
    latents = torch.randn(2, 4, frames, height, width)
    result = LatentUpsampler(4, 8)(latents, height + taller, width + wider)
    assert result.shape == (2, 4, frames, height + taller, width + wider)
    assert result.isfinite().all()


def test_phases_repeat_with_every_small_position_and_differ_within_one():
    found = phases((3, 2), (12, 8))[0, :, 0]  # (4, 12, 8)
    torch.testing.assert_close(found[:, :4, :4], found[:, 4:8, 4:8])
    inside = found[:, :4, :4].flatten(1).T  # 16 places
    assert torch.cdist(inside, inside).fill_diagonal_(9).min() > 0.5


def test_alike_neighbours_still_become_different_positions():
    torch.manual_seed(0)
    flat = torch.randn(1, 4, 1, 1, 1).expand(1, 4, 1, 8, 8)
    inner = LatentUpsampler(4, 8)(flat, 32, 32)[..., 12:20, 12:20]  # what no border reaches
    torch.testing.assert_close(inner[..., :4, :4], inner[..., 4:8, 4:8], atol=1e-5, rtol=1e-5)
    assert inner[..., :4, :4].flatten(-2).std(-1).max() > 1e-3


def test_it_learns_a_pattern_inside_each_position():
    torch.manual_seed(0)
    upsampler = LatentUpsampler(2, 16)
    checks = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(6, 6)
    small = torch.randn(8, 2, 1, 6, 6)
    wanted = F.interpolate(small[:, :, 0], scale_factor=2)[:, :, None] * checks
    optimizer = torch.optim.Adam(upsampler.parameters(), 3e-3)
    for _ in range(300):
        loss = (upsampler(small, 12, 12) - wanted).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.2 * wanted.square().mean()


def test_errors_name_what_is_wrong():
    upsampler = LatentUpsampler(4, 8)
    with pytest.raises(ValueError, match=r"latents=\(1, 3, 1, 2, 2\).*allowed \(B, 4, t, h, w\)"):
        upsampler(torch.zeros(1, 3, 1, 2, 2), 8, 8)
    with pytest.raises(ValueError, match="height=1: smaller than the latents' 2"):
        upsampler(torch.zeros(1, 4, 1, 2, 2), 1, 8)
