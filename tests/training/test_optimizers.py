"""Two optimizers in one: each does what it does alone, with the rate it is given, and goes on where it stopped."""

import copy
import io

import pytest
import torch
from torch import nn

from cvsr.training.optimizers import WEIGHT_DECAY, MuonWithAdamW, matrices_of


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 4))


def optimizer_of(network, rate=0.01):
    matrices = matrices_of(network)
    others = [p for p in network.parameters() if all(p is not matrix for matrix in matrices)]
    return MuonWithAdamW(matrices, others, rate)


def steps(network, optimizer, numbers):
    for number in numbers:
        x = torch.randn(5, 6, generator=torch.Generator().manual_seed(number))
        network(x).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_matrices_are_the_weights_of_linear_layers_that_are_trained(network):
    assert [tuple(matrix.shape) for matrix in matrices_of(network)] == [(8, 6), (4, 8)]
    network[0].weight.requires_grad_(False)
    assert [tuple(matrix.shape) for matrix in matrices_of(network)] == [(4, 8)]


def test_each_part_is_trained_as_by_its_own_optimizer(network):
    alone = copy.deepcopy(network)
    matrices = matrices_of(alone)
    others = [p for p in alone.parameters() if p.ndim == 1]
    common = {"lr": 0.02, "weight_decay": 0.01}
    both = [
        torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **common),
        torch.optim.AdamW(others, betas=(0.9, 0.98), **common),
    ]
    optimizer = optimizer_of(network)
    for group in optimizer.param_groups:  # as a schedule does
        group["lr"] = 0.02
    steps(network, optimizer, range(4))
    for number in range(4):
        x = torch.randn(5, 6, generator=torch.Generator().manual_seed(number))
        alone(x).square().sum().backward()
        for each in both:
            each.step()
            each.zero_grad()
    for ours, theirs in zip(network.parameters(), alone.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_an_update_of_a_matrix_is_as_large_in_all_directions():
    matrix = nn.Parameter(torch.randn(16, 32, generator=torch.Generator().manual_seed(0)))
    before = matrix.detach().clone()
    optimizer = MuonWithAdamW([matrix], [nn.Parameter(torch.zeros(1))], 0.1)
    matrix.grad = torch.diag(torch.logspace(0, -3, 16)) @ torch.eye(16, 32)  # singular values from 1 to 0.001
    optimizer.step()
    change = (before * (1 - 0.1 * WEIGHT_DECAY) - matrix.detach()) / (0.1 * 0.2 * 32**0.5)
    values = torch.linalg.svdvals(change)
    assert values.max() < 1.3
    assert values[:8].min() > 0.5  # of the largest eight the gradient had 0.04 and more


def test_a_run_that_was_saved_goes_on_bit_by_bit(network):
    whole = copy.deepcopy(network)
    steps(whole, optimizer_of(whole), range(6))
    optimizer, file = optimizer_of(network), io.BytesIO()
    steps(network, optimizer, range(3))
    torch.save((network.state_dict(), optimizer.state_dict()), file)
    file.seek(0)
    weights, state = torch.load(file)
    torch.manual_seed(1)
    resumed = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.LayerNorm(8), nn.Linear(8, 4))
    resumed.load_state_dict(weights)
    again = optimizer_of(resumed, rate=1.0)
    again.load_state_dict(state)
    assert {group["lr"] for group in again.param_groups} == {0.01}
    steps(resumed, again, range(3, 6))
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)
