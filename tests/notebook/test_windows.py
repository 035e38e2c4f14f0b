"""Windows drawn over a clip, and receptive fields against a network's."""

import numpy as np
import pytest
import torch

from cvsr.models.swin_mmdit import SwinMMDiT
from cvsr.models.windows import FixedWindow, partition
from cvsr.notebook.windows import changed_by, draw_windows, receptive_field

SIZE, RULE = (2, 6, 8), FixedWindow((2, 3, 4))


def test_windows_of_a_frame_cover_it_and_are_framed():
    frame = np.full((48, 64, 3), 200, np.uint8)
    picture = draw_windows(frame, partition(SIZE, RULE, False), index=1, pixels=8)
    assert picture.shape == (96, 128, 3)
    assert (picture != 200).any(-1).all()  # every pixel is in a window
    assert len(np.unique(picture[:, 30].reshape(-1, 3), axis=0)) > 2  # two tints and borders
    assert (frame == 200).all()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_receptive_field_is_what_changes_in_a_network(depth):
    torch.manual_seed(0)
    network = SwinMMDiT(4, 4, width=24, depth=depth, separate_depth=1, heads=2, text_width=8, window=RULE.size).double()
    for parameter in network.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    text = torch.zeros(1, 1, 8, dtype=torch.float64)

    def run(latents):
        return network(latents, torch.tensor([0.5]), text).sample

    start = (1, 4, 1)
    changed = changed_by(run, torch.randn(1, 4, *SIZE, dtype=torch.float64), start)
    assert np.array_equal(changed, receptive_field(SIZE, RULE, depth, start, text=True))


def test_without_a_shift_and_a_text_news_stays_in_its_window():
    known = receptive_field(SIZE, RULE, 9, (0, 0, 0), shift=False)
    assert known.sum() == 2 * 3 * 4
    assert known[:, :3, :4].all()
    assert receptive_field(SIZE, RULE, 9, (0, 0, 0)).all()


def test_neighbouring_windows_have_different_tints():
    frame = np.full((48, 64, 3), 200, np.uint8)
    for index in (0, 1):
        picture = draw_windows(frame, partition(SIZE, FixedWindow((1, 2, 2)), False), index, pixels=8)
        tints = picture[16::32, 16::32].astype(int)  # the middle of every window
        for dy, dx in ((0, 1), (1, 0), (1, 1)):
            there = tints[dy:, dx:], tints[: len(tints) - dy, : tints.shape[1] - dx]
            assert (np.abs(there[0] - there[1]).max(-1) > 0).all()
