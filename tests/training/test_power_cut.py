"""The plug is pulled in its step and in no other."""

import pytest
import torch

from cvsr.training.power_cut import Cut, PowerCut


def test_the_plug_is_pulled_in_its_step():
    class Trainer:
        global_step = 3

    cut = Cut(4)
    cut.on_before_backward(Trainer, None, torch.tensor(1.0))
    Trainer.global_step = 4
    with pytest.raises(PowerCut, match="in step 4"):
        cut.on_before_backward(Trainer, None, torch.tensor(1.0))
