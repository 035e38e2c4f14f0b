"""A cast costs what CIELAB says, detail and size cost nothing."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from cvsr.evaluation.colours import colour_shift


def flat(colour, size=32):
    return (2 * torch.tensor(colour).view(1, 3, 1, 1, 1) - 1).expand(1, 3, 2, size, size)


def test_the_shift_of_flat_colours_is_their_distance_in_cielab():
    first, second = (0.5, 0.4, 0.3), (0.6, 0.4, 0.2)
    distance = np.linalg.norm(rgb2lab(np.array(first)) - rgb2lab(np.array(second)))
    assert colour_shift(flat(first), flat(second, 16)).item() == pytest.approx(distance, rel=1e-5)
    assert colour_shift(flat(first), flat(first, 16)).item() == pytest.approx(0, abs=1e-12)


def test_detail_does_not_count_and_a_cast_in_a_corner_does():
    grey = flat((0.5, 0.5, 0.5), 64)
    checks = grey + 0.2 * (torch.arange(64)[:, None] + torch.arange(64)).remainder(2).mul(2).sub(1)
    assert colour_shift(checks, grey).item() == pytest.approx(0, abs=1e-4)
    corner = grey.clone()
    corner[..., :32, :32] = flat((0.6, 0.5, 0.5), 32)
    whole = colour_shift(flat((0.6, 0.5, 0.5), 64), grey).item()
    assert colour_shift(corner, grey).item() == pytest.approx(whole / 4, rel=1e-4)


def test_sizes_that_no_parts_divide_are_compared_place_by_place():
    slope = torch.linspace(-1, 1, 100).expand(1, 3, 1, 56, 100)
    small = torch.nn.functional.interpolate(slope[:, :, 0], (14, 25), mode="bilinear", antialias=True)[:, :, None]
    assert colour_shift(slope, small).item() < 0.05


def test_lengths_have_to_fit():
    with pytest.raises(ValueError, match="does not fit the input"):
        colour_shift(flat((0, 0, 0)), flat((0, 0, 0))[:, :, :1])
