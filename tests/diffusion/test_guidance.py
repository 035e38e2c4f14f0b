"""Guidance: the formula, one call of the network a step, no second prediction without need."""

import pytest
import torch
from diffusers.guiders import AdaptiveProjectedGuidance

from cvsr.diffusion.guidance import classifier_free_guidance, guided_prediction

X = torch.randn(2, 3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
TEXT, NULL = torch.tensor([[2.0], [3.0]]), torch.zeros(2, 1)


class Network:
    """Predicts x · (1 + text), and notes the batch of every call."""

    def __init__(self):
        self.batches = []

    def __call__(self, x: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        assert len(x) == len(text)
        self.batches.append(len(x))
        return x * (1 + text[:, :, None, None, None])


def guide(network: Network, guider, step: int = 0, steps: int = 10) -> torch.Tensor:
    return guided_prediction(guider, network, {"x": X, "text": (TEXT, NULL)}, step, steps)


@pytest.mark.parametrize("scale", [0.0, 0.5, 3.0, 7.5])
def test_prediction_is_the_formula_in_one_call(scale):
    network = Network()
    conditional, unconditional = X * (1 + TEXT[:, :, None, None, None]), X
    expected = unconditional + scale * (conditional - unconditional)
    torch.testing.assert_close(guide(network, classifier_free_guidance(scale)), expected)
    assert network.batches == [4]


def test_scale_one_costs_no_second_prediction():
    network = Network()
    torch.testing.assert_close(
        guide(network, classifier_free_guidance(1.0)), X * (1 + TEXT[:, :, None, None, None])
    )
    assert network.batches == [2]


def test_guidance_acts_in_its_part_of_the_run_only():
    network, guider = Network(), classifier_free_guidance(3.0, start=0.2, stop=0.5)
    for step in range(10):
        guide(network, guider, step)
    assert network.batches == [2, 2, 4, 4, 4, 2, 2, 2, 2, 2]


def test_other_guiders_take_its_place():
    network = Network()
    assert guide(network, AdaptiveProjectedGuidance(guidance_scale=3.0)).shape == X.shape
    assert network.batches == [4]


@pytest.mark.parametrize("scale", [-1.0, float("nan"), float("inf")])
def test_impossible_scales_are_refused(scale):
    with pytest.raises(ValueError, match=r"scale=.*allowed from 0; try 1\.0"):
        classifier_free_guidance(scale)
