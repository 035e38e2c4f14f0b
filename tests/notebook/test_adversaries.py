"""Gradients lead where they are said to, and no further."""

import torch

from cvsr.evaluation.metrics import psnr, ssim
from cvsr.notebook.adversaries import LEVEL, back_on_sphere, climb, gradient, mislead


def pictures():
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(1, 3, 1, 24, 24, generator=generator) - 0.5
    return truth, truth + 0.1 * torch.randn(truth.shape, generator=generator)


def test_the_gradient_of_a_square():
    picture = torch.tensor([1.0, -2.0])
    torch.testing.assert_close(gradient(lambda x: x.square().sum(), picture), 2 * picture)
    with torch.no_grad():
        assert gradient(lambda x: x.sum(), picture).tolist() == [1, 1]


def test_a_climb_raises_one_metric_and_leaves_the_other():
    truth, start = pictures()
    for sign in (1, -1):
        path = climb(lambda x, sign=sign: sign * ssim(x, truth), start, truth, steps=6, rate=0.3)
        assert len(path) == 7
        assert path[0] is start
        assert sign * (ssim(path[-1], truth) - ssim(start, truth)).item() > 0.02
        distances = torch.stack([psnr(each, truth) for each in path])
        torch.testing.assert_close(distances, distances[:1].expand_as(distances), rtol=1e-3, atol=0)


def test_what_is_cut_off_at_the_range_is_made_up_for():
    truth = torch.full((1, 3, 1, 8, 8), 0.9)
    start = truth + torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    found = back_on_sphere(start, truth, torch.tensor(4.0), rounds=20)
    assert found.abs().max() <= 1
    assert abs((found - truth).norm().item() - 4) < 0.05


def test_a_misleading_noise_stays_within_its_reach_in_whole_levels():
    video = (torch.rand(1, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0)) * 255).round() * LEVEL - 1
    weights = torch.randn(video.shape, generator=torch.Generator().manual_seed(1))
    noisy = mislead(lambda x: (weights * x).sum(), video, 3)
    levels = (noisy - video) / LEVEL
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-3)
    assert levels.abs().max().round() == 3
    inside = video.abs() < 0.9
    torch.testing.assert_close(levels[inside], 3 * weights.sign()[inside], rtol=0, atol=1e-3)
    assert mislead(lambda x: x.sum(), video, 0) is not None
    torch.testing.assert_close(mislead(lambda x: x.sum(), video, 0), video)
