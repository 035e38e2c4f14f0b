"""Networks on the line between two: what one gains and loses on the way to the other."""

import copy

from torch import nn


def between(one: nn.Module, other: nn.Module, share: float) -> nn.Module:
    """A network whose every weight is `share` of the way from `one` to `other`, which was trained on from it.

    ESRGAN's network interpolation (Wang et al. 2018, section 3.4); 0 and 1 give the two.
    """
    target = other.state_dict()
    mixed = copy.deepcopy(one)
    mixed.load_state_dict({name: weight.lerp(target[name], share) for name, weight in one.state_dict().items()})
    return mixed
