"""Perceptual distances: closed forms, what they hold against a picture, and LPIPS where it is present."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_tensor
from cvsr.data.world import render
from cvsr.pipelines.store import load
from cvsr.training import perceptual
from cvsr.training.perceptual import FLOOR, VGG16, WorldPerceptual, build_perceptual, feature_distance


def pixel(*channels: float) -> torch.Tensor:
    return torch.tensor(channels).view(1, -1, 1, 1)


def test_features_are_compared_by_direction():
    far = 1e4  # lengths beside which the floor is nothing
    assert feature_distance([pixel(far, 0)], [pixel(far, 0)]).item() == 0
    assert feature_distance([pixel(far, 0)], [pixel(3 * far, 0)]).item() == pytest.approx(0, abs=1e-6)
    assert feature_distance([pixel(far, 0)], [pixel(0, far)]).item() == pytest.approx(2)
    assert feature_distance([pixel(far, 0)], [pixel(far, far)]).item() == pytest.approx(2 - math.sqrt(2))
    # a length of 0.1, whose square is the floor, counts as 1/√2
    assert math.isclose(FLOOR, 0.1**2)
    assert feature_distance([pixel(0.1, 0)], [pixel(0, 0)]).item() == pytest.approx(0.5)


def test_positions_are_averaged_layers_added_and_pictures_kept_apart():
    one, other = torch.zeros(2, 2, 2, 2), torch.zeros(2, 2, 2, 2)
    one[:, 0] = other[:, 0] = 1e4
    other[1, :, 0, 0] = torch.tensor([0, 1e4])  # one of four positions of the second picture
    torch.testing.assert_close(feature_distance([one, one], [other, other]), torch.tensor([0.0, 1.0]))


def test_nothing_seen_gives_no_gradient_and_no_nan():
    dark = torch.zeros(1, 3, 4, 4, requires_grad=True)
    feature_distance([dark.relu()], [torch.ones(1, 3, 4, 4)]).sum().backward()
    assert torch.equal(dark.grad, torch.zeros_like(dark))


@pytest.fixture(scope="module")
def world() -> WorldPerceptual:
    return WorldPerceptual(load("attribute_reader"))


@pytest.fixture(autouse=True)
def without_lpips(monkeypatch):
    monkeypatch.setattr(perceptual, "find_spec", lambda name: None)


def frames(count: int = 2) -> torch.Tensor:
    drawn = [render(sample_scene(i, "validation"), 1, 64, 64).frames for i in range(count)]
    return torch.cat([to_tensor(picture).transpose(0, 1) for picture in drawn])  # (count, 3, 64, 64)


def test_blur_costs_more_than_grain_of_the_same_squared_error(world):
    truth = frames(8)
    blurred = F.avg_pool2d(F.pad(truth, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    grain = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    grain = grain - F.avg_pool2d(F.pad(grain, (1, 1, 1, 1), mode="reflect"), 3, stride=1)
    grain = grain * ((blurred - truth).square().mean((1, 2, 3), keepdim=True) / grain.square().mean()).sqrt()
    assert world(truth, truth).max() == 0
    assert world(blurred, truth).mean() > 1.3 * world(truth + grain, truth).mean()


def test_the_network_is_frozen_and_stays_in_evaluation(world):
    assert not any(parameter.requires_grad for parameter in world.parameters())
    assert not any(module.training for module in world.train().modules())
    picture = frames().requires_grad_()
    world(picture, torch.zeros_like(picture)).sum().backward()
    assert picture.grad.abs().sum() > 0


def vgg16_of_noise(net: str, pretrained: bool) -> nn.Sequential:
    """The layers of torchvision's VGG-16, never trained."""
    assert (net, pretrained) == ("vgg16", True)
    layers, before = [], 3
    for stage, (width, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))):
        layers += [nn.MaxPool2d(2)] if stage else []
        for _ in range(depth):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
    return nn.Sequential(*layers)


def test_lpips_is_taken_where_its_weights_lie(monkeypatch, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / VGG16).touch()
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    assert isinstance(build_perceptual(), WorldPerceptual)  # torchvision is missing still
    monkeypatch.setattr(perceptual, "find_spec", lambda name: object())
    monkeypatch.setattr("torchmetrics.image.lpip._TORCHVISION_AVAILABLE", True)
    monkeypatch.setattr("torchmetrics.functional.image.lpips._get_tv_model_features", vgg16_of_noise)
    lpips = build_perceptual()
    assert not isinstance(lpips, WorldPerceptual)
    assert not any(parameter.requires_grad for parameter in lpips.parameters())
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    assert lpips(picture, picture).abs().max() == 0
    lpips(picture, -picture).mean().backward()
    assert picture.grad.abs().sum() > 0
    (tmp_path / "checkpoints" / VGG16).unlink()
    assert isinstance(build_perceptual(), WorldPerceptual)
