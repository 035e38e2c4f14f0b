"""Maps of errors and changes, and that their bars show the colours and the full scale of the maps."""

import numpy as np
import torch

from cvsr.notebook import maps

BLACK, LEVELS = np.zeros((8, 600, 3), np.uint8), np.linspace(0, 255, 600).astype(np.uint8)


def bar(picture):
    """The colours below a map, in the middle of the bar's height."""
    return {tuple(colour) for colour in picture[-20].tolist()}


def test_errors_are_black_where_there_are_none_and_bright_from_the_full_scale_on():
    truth = np.zeros((2, 3, 3), np.uint8)
    frame = truth.copy()
    frame[0, 0], frame[0, 1], frame[1, 0] = 10, 64, 200
    picture = maps.error_map(frame, truth, full_scale=64).astype(int).sum(-1)
    assert picture[1, 1] < picture[0, 0] < picture[0, 1] == picture[1, 0]


def test_changes_are_grey_where_there_are_none():
    change = torch.tensor([-2.0, -1.0, 0.0, 3.0]).expand(3, 1, 4)
    assert maps.change_map(change, full_scale=2)[0, :, 0].tolist() == [0, 63, 127, 255]


def test_scales_have_the_colours_of_their_maps():
    errors = maps.error_map(np.broadcast_to(LEVELS[None, :, None], BLACK.shape), BLACK)
    brightest = errors[0, -1].astype(int)
    assert min(np.abs(brightest - colour).max() for colour in bar(maps.with_error_scale(errors))) <= 1
    assert {(0, 0, 0), (255, 255, 255)} <= bar(maps.with_change_scale(BLACK, 3, "levels"))


def test_scales_say_how_large_the_full_scale_is(monkeypatch):
    told = []
    monkeypatch.setattr(maps, "with_colour_bar", lambda picture, *words: told.append(words) or picture)
    maps.with_error_scale(BLACK)
    maps.with_error_scale(BLACK, 255 / 25, "difference")
    maps.with_change_scale(BLACK, 3, "levels")
    assert [(low, high.split()[0]) for _, low, high, _ in told] == [("0", "64"), ("0", "10.2"), ("−3", "+3")]
    assert "levels" in told[2][2]
    assert [meaning for *_, meaning in told[:2]] == ["error", "difference"]
