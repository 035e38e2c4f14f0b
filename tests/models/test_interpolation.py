"""Every weight lies on the line between those of two networks."""

import copy

import torch

from cvsr.models.interpolation import between


def test_between_two_networks_lies_a_line():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.RMSNorm(4))
    other, before = copy.deepcopy(network), copy.deepcopy(network.state_dict())
    for parameter in other.parameters():
        parameter.data += 1
    for share in (0.0, 0.25, 1.0, 2.0):
        mixed = between(network, other, share).state_dict()
        for name, weight in network.named_parameters():
            torch.testing.assert_close(mixed[name], weight + share)
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())
