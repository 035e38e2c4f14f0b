"""Each measure on videos whose figure is known in closed form."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.evaluation import metrics


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def texture(size: int = 64) -> torch.Tensor:
    """A smooth random picture (1, 3, 1, size, size) that wraps around, so that it can be moved by rolling."""
    spectrum = torch.fft.rfft2(noise(1, 3, 1, size, size))
    u, v = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
    picture = torch.fft.irfft2(spectrum * torch.exp(-((u**2 + v**2) / 0.01)), s=(size, size))
    return picture / picture.abs().max()


def cosine(size: int, u: int) -> torch.Tensor:
    """The u-th horizontal DCT basis picture, grey: (1, 3, 1, size, size)."""
    wave = torch.cos(math.pi * (torch.arange(size) + 0.5) * u / size)
    return wave.expand(1, 3, 1, size, size)


@pytest.mark.parametrize("error", [0.2, 0.02])
def test_psnr_of_a_constant_error(error):
    video = torch.zeros(2, 3, 2, 16, 16)
    video[1] = error
    values = metrics.psnr(video, torch.zeros_like(video))
    assert math.isinf(values[0])
    assert values[1].item() == pytest.approx(20 * math.log10(2 / error), abs=1e-3)


def test_ssim_of_two_flat_pictures_is_the_luminance_term():
    a, b = 0.5, 0.25  # constant pictures have no variance: SSIM = (2ab + C1) / (a² + b² + C1), C1 = (0.01 L)²
    c1 = (0.01 * 2) ** 2
    value = metrics.ssim(torch.full((1, 3, 2, 24, 24), a), torch.full((1, 3, 2, 24, 24), b))
    assert value.item() == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-4)


def test_ssim_averages_the_frames_and_agrees_with_scikit_image():
    skimage = pytest.importorskip("skimage.metrics")
    truth, result = noise(1, 3, 2, 32, 32), noise(1, 3, 2, 32, 32, seed=1) * 0.5
    result[:, :, 1] = truth[:, :, 1]
    expected = skimage.structural_similarity(
        truth[0, :, 0].numpy(), result[0, :, 0].numpy(), channel_axis=0, data_range=2.0,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert metrics.ssim(result, truth).item() == pytest.approx((expected + 1) / 2, abs=2e-2)


@settings(max_examples=20)
@given(u=st.integers(1, 31))
def test_the_fine_band_starts_at_the_nyquist_frequency_of_the_reduced_picture(u):
    reference = cosine(32, u) + cosine(32, 16)  # u = 16 lies in the band (>= 8) and keeps the ratio finite
    value = metrics.high_frequency_ratio(cosine(32, u), reference).item()
    if u < 8:
        assert value == pytest.approx(0, abs=1e-6)
    else:
        assert value == pytest.approx(0.25 if u == 16 else 0.5, rel=1e-4)


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_the_detail_ratio_is_a_ratio_of_energies(gain):
    truth = noise(2, 3, 2, 24, 40)
    assert torch.allclose(metrics.high_frequency_ratio(truth * gain, truth), torch.full((2,), gain**2))


def test_a_steadily_moving_picture_has_no_warping_error_and_a_jittering_one_has():
    steady = torch.cat([texture().roll(2 * t, dims=-1) for t in range(4)], dim=2)
    jitter = steady.clone()
    jitter[:, :, 1::2] += 0.2  # 0.1 on a scale of [0, 1]
    assert metrics.warping_error(steady, steady).item() < 1e-4
    assert metrics.warping_error(jitter, steady).item() == pytest.approx(0.01, rel=0.1)


def test_ignoring_the_motion_costs_more_than_following_it():
    steady = torch.cat([texture().roll(2 * t, dims=-1) for t in range(3)], dim=2)
    frozen = steady[:, :, :1].expand_as(steady)
    assert metrics.warping_error(frozen, steady) > 10 * metrics.warping_error(steady, steady)


def test_flicker_counts_what_comes_and_goes_only():
    truth = noise(1, 3, 5, 8, 8)
    tinted, blinking = truth + 0.3, truth.clone()
    blinking[:, :, 1::2] += 0.4
    assert metrics.flicker(tinted, truth).item() == pytest.approx(0, abs=1e-6)
    assert metrics.flicker(blinking, truth).item() == pytest.approx(0.2, abs=1e-6)


MEASURES = [metrics.psnr, metrics.ssim, metrics.high_frequency_ratio, metrics.warping_error, metrics.flicker]


@pytest.mark.parametrize("measure", MEASURES)
def test_one_figure_a_video_and_one_line_about_shapes_that_do_not_fit(measure):
    truth = noise(3, 3, 2, 16, 16)
    assert measure(truth, truth).shape == (3,)
    with pytest.raises(ValueError, match=r"^video=\(3, 3, 2, 16, 16\): .*allowed.*try [^\n]*$"):
        measure(truth, truth[..., :-1])


@pytest.mark.parametrize("measure", [metrics.warping_error, metrics.flicker])
def test_one_frame_has_no_motion(measure):
    with pytest.raises(ValueError, match="no motion"):
        measure(noise(1, 3, 1, 16, 16), noise(1, 3, 1, 16, 16))


def test_ms_ssim_of_two_flat_pictures_is_the_luminance_term_of_the_coarsest_scale():
    """Flat pictures have equal contrast and structure; only luminance tells them apart, to the last weight."""
    a, b, c1 = 0.25, 0.5, (0.01 * 2) ** 2  # torchmetrics takes levels as they are, here in [-1, 1]
    luminance = (2 * a * b + c1) / (a * a + b * b + c1)
    first, second = (torch.full((1, 3, 2, 176, 176), value) for value in (a, b))
    assert metrics.ms_ssim(first, second).item() == pytest.approx(luminance**0.1333, abs=1e-4)
    assert metrics.ms_ssim(first, first).item() == pytest.approx(1, abs=1e-6)


def test_ms_ssim_says_how_large_a_picture_has_to_be():
    with pytest.raises(ValueError, match="allowed height and width >= 176; try ssim"):
        metrics.ms_ssim(noise(1, 3, 1, 175, 200), noise(1, 3, 1, 175, 200))
    assert 0 < metrics.ms_ssim(noise(1, 3, 1, 176, 176), noise(1, 3, 1, 176, 176)).item() <= 1


@pytest.mark.parametrize(("u", "counts"), [(15, False), (16, True), (40, True)])
def test_the_energy_of_a_wave_is_all_detail_or_none(u, counts):
    wave = 0.5 * cosine(64, u)
    root_mean_square = 127.5 * 0.5 / math.sqrt(2)
    assert metrics.high_frequency_energy(wave).item() == pytest.approx(root_mean_square if counts else 0, abs=1e-3)
