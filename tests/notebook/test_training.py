"""Trainings in a lesson: quiet, by heart, drawn as shares of where they began."""

import logging
import sys
import warnings

import pytest
import torch
from torch import nn

from cvsr.notebook.figures import png
from cvsr.notebook.training import draw_losses, overfit, quiet


class Line:
    """A module of one weight that shall become 2, as `overfit` wants it."""

    def __init__(self):
        self.weight = nn.Parameter(torch.zeros(()))

    def configure_optimizers(self):
        return torch.optim.SGD([self.weight], 1.0)

    def noise(self, group, generator):
        return torch.randn(3, generator=generator)

    def predict(self, noised):
        return [self.weight.expand(3) for _ in noised]

    def error(self, group, noised, output):
        return (output - group).square()


def test_nothing_is_said_and_levels_come_back(capfd):
    logger = logging.getLogger("pytorch_lightning")
    level = logger.level

    @quiet()
    def talk():
        assert logger.level == logging.ERROR
        warnings.warn("a notice", stacklevel=1)
        sys.stderr.write("a bar")
        raise KeyError("an error")

    with pytest.raises(KeyError, match="an error"):
        talk()
    assert logger.level == level
    assert capfd.readouterr().err == ""


def test_one_batch_is_learnt_at_the_rates_asked_for():
    line = Line()
    found = overfit(line, torch.tensor(2.0), 3, lambda step: 0.5 if step else 0.0)
    assert found == pytest.approx([4.0, 4.0, 0.0])
    assert line.weight.item() == pytest.approx(2.0)


def test_losses_are_drawn_as_shares_of_the_first():
    history = {0: {"text": 4.0, "editing": 2.0}, 10: {"text": 2.0, "editing": 0.5}}
    figure = draw_losses({"one": history, "two": history}, {"one": [0, 5], "two": [0]})
    named = [[text.get_text().strip() for text in axes.texts] for axes in figure.axes]
    assert named == [["stage 1", "stage 2"], ["stage 1"]]
    lines = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].lines}
    assert {task: lines[task] for task in history[0]} == {"text": [1.0, 0.5], "editing": [1.0, 0.25]}
    assert png(figure)[:4] == b"\x89PNG"
