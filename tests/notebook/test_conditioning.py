"""Token counts of the designs, and pictures of them and of positions."""

import numpy as np
import pytest

from cvsr.notebook.conditioning import (
    DESIGNS,
    draw_designs,
    draw_positions,
    nearness,
    tokens,
)
from cvsr.notebook.figures import png


def test_tokens_of_the_three_designs():
    assert [tokens(design, 768, 512) for design in DESIGNS] == [768, 1280, 2048]
    assert tokens("hybrid", 768, 0) == tokens("all by channel", 768, 0)


def test_nearness_is_one_at_the_same_position_and_depends_on_the_distance():
    near = nearness(2, np.arange(8), 32)
    assert near[2] == pytest.approx(1)
    assert near[1] == pytest.approx(near[3])
    assert near[3] > near[5]


def test_pictures_show_every_design_and_every_frame():
    (axes,) = draw_designs(768, 512).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(DESIGNS)
    assert "1,280 tokens, 2.8 × the pairs" in [text.get_text() for text in axes.texts]
    figure = draw_positions(["target", "image", "video"], [3, 1, 3], [0, 3, 4], 1, 32)
    assert [text.get_text() for text in figure.axes[0].texts][1] == "1.00"
    assert len(figure.axes[0].texts) == 7
    assert png(figure)[:4] == b"\x89PNG"
