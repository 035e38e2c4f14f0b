"""Networks on the line between two: what one gains and loses on the way to the other."""

import copy

import torch
from torch import nn


def between(one: nn.Module, other: nn.Module, share: float) -> nn.Module:
    """A network whose every weight is `share` of the way from `one` to `other`, which was trained on from it.

    ESRGAN's network interpolation (Wang et al. 2018, section 3.4); 0 and 1 give the two.
    """
    mixed, target = copy.deepcopy(one), other.state_dict()
    for name, weight in mixed.state_dict().items():
        if not torch.equal(weight, target[name]):  # what both share stays as it is, to the bit
            weight.lerp_(target[name], share)
    return mixed
