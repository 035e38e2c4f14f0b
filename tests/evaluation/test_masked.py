"""Fidelity and texture inside a mask, on videos whose figures are known in closed form."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cvsr.evaluation.masked import COARSE, FINE, masked_psnr, texture_correlation
from cvsr.evaluation.metrics import psnr

SIDE = 64


def noise(seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def disc() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    return ((x - 30) ** 2 + (y - 34) ** 2 < 20**2).expand(2, 2, SIDE, SIDE)


def wave(length: float) -> torch.Tensor:
    """Stripes of `length` pixels, (1, 3, 1, 64, 64)."""
    return torch.cos(2 * math.pi * torch.arange(SIDE) / length).expand(1, 3, 1, SIDE, SIDE)


WHOLE = torch.ones(1, 1, SIDE, SIDE, dtype=torch.bool)


def test_psnr_counts_the_masks_pixels_and_no_others():
    truth, mask = noise(), disc()
    video = torch.where(mask[:, None], truth + torch.tensor([0.2, 0.02])[:, None, None, None, None], truth + 0.5)
    inside = torch.tensor([20 * math.log10(2 / 0.2), 20 * math.log10(2 / 0.02)])
    torch.testing.assert_close(masked_psnr(video, truth, mask), inside, atol=1e-3, rtol=0)
    outside = torch.full((2,), 20 * math.log10(2 / 0.5))
    torch.testing.assert_close(masked_psnr(video, truth, ~mask), outside, atol=1e-3, rtol=0)
    assert masked_psnr(torch.where(mask[:, None], truth, video), truth, mask).isinf().all()
    everywhere = torch.ones_like(mask)
    torch.testing.assert_close(masked_psnr(video, truth, everywhere), psnr(video, truth))


@given(gain=st.floats(0.1, 4), level=st.floats(-1, 1))
def test_a_texture_is_the_same_at_any_contrast_and_brightness(gain, level):
    truth, mask = noise(), disc()
    expected = torch.ones(2)
    torch.testing.assert_close(texture_correlation(gain * truth + level, truth, mask), expected)
    torch.testing.assert_close(texture_correlation(level - gain * truth, truth, mask), -expected)


def test_neither_what_is_outside_nor_the_outline_is_texture():
    truth, mask = noise(), disc()
    video = truth + 0.5 * noise(1)
    expected = texture_correlation(video, truth, mask)
    assert (expected > 0.5).all()
    framed = torch.where(mask[:, None], video, 5.0), torch.where(mask[:, None], truth, -3.0)
    torch.testing.assert_close(texture_correlation(*framed, mask), expected)


def test_other_textures_and_flat_surfaces_have_no_correlation():
    truth, mask = noise(), disc()
    assert texture_correlation(noise(1), truth, mask).abs().max() < 0.05
    assert texture_correlation(torch.full_like(truth, 0.3), truth, mask).abs().max() < 1e-6


def test_waves_count_by_what_the_gaussian_leaves_of_them():
    def left(length, sigma=FINE):
        return 1 - math.exp(-2 * (math.pi * sigma / length) ** 2)

    assert left(8) == pytest.approx(0.5, abs=1e-3)
    assert left(24, COARSE) == pytest.approx(0.5, abs=1e-3)
    expected = left(8) / math.hypot(left(8), left(4))
    found = texture_correlation(wave(8) + wave(4), wave(8), WHOLE)
    assert found.item() == pytest.approx(expected, abs=0.02)
    slow = texture_correlation(wave(8) + wave(128), wave(8), WHOLE)
    assert slow.item() == pytest.approx(1, abs=0.01)
    expected = left(24, COARSE) / math.hypot(left(24, COARSE), left(8, COARSE))
    coarse = texture_correlation(wave(24) + wave(8), wave(24), WHOLE, COARSE)
    assert coarse.item() == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("measure", [masked_psnr, texture_correlation])
def test_what_cannot_be_measured_is_refused(measure):
    truth, mask = noise(), disc()
    with pytest.raises(ValueError, match="does not fit the reference"):
        measure(truth[:, :, :1], truth, mask)
    for wrong in (mask[:1], mask.float(), mask[:, None]):
        with pytest.raises(ValueError, match=r"no mask of videos \(2, 3, 2, 64, 64\); allowed bool"):
            measure(truth, truth, wrong)
    with pytest.raises(ValueError, match="no pixel in one of the videos"):
        measure(truth, truth, mask & torch.tensor([True, False])[:, None, None, None])
