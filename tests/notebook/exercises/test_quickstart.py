import torch

from cvsr.notebook.exercises import quickstart


def psnr(video, reference, peak=2.0):
    return 10 * torch.log10(peak**2 / (video - reference).square().mean())


RIGHT = {
    quickstart.noising: lambda x0, noise, t: (1 - t) * x0 + t * noise,
    quickstart.denoising: lambda x_t, v, t: x_t - t * v,
    quickstart.latent_shape: lambda T, H, W: (1 + (T - 1) // 4, H // 8, W // 8),
    quickstart.peak_signal_to_noise: psnr,
}
WRONG = [
    (quickstart.noising, lambda x0, noise, t: t * x0 + (1 - t) * noise, "t = 0"),
    (quickstart.noising, lambda x0, noise, t: (1 - t) ** 2 * x0 + t**2 * noise, "straight line"),
    (quickstart.noising, lambda x0, noise, t: None, "NoneType"),
    (quickstart.noising, lambda x0, noise, t: x0[0], "shape"),
    (quickstart.denoising, lambda x_t, v, t: x_t + t * v, "towards the noise"),
    (quickstart.denoising, lambda x_t, v, t: x_t - v, "whole way"),
    (quickstart.denoising, lambda x_t, v, t: x_t, "solve"),
    (quickstart.latent_shape, lambda T, H, W: (T // 4, H // 8, W // 8), "first frame"),
    (quickstart.latent_shape, lambda T, H, W: (1 + (T - 1) // 4, W // 8, H // 8), "height comes before"),
    (quickstart.latent_shape, lambda T, H, W: (1 + (T - 1) // 4, H // 4, W // 4), "eight pixels"),
    (quickstart.peak_signal_to_noise, lambda v, r: psnr(v, r, 1.0), "range is 2"),
    (quickstart.peak_signal_to_noise, lambda v, r: -psnr(v, r), "sign"),
    (quickstart.peak_signal_to_noise, lambda v, r: 0.0, "instead of"),
]


def test_right_answers_pass_and_wrong_ones_get_a_hint(hold_to):
    hold_to(RIGHT, WRONG)
