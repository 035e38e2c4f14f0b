"""What lesson 02 measures and draws: spectra, motion, pictures of both."""

import numpy as np
import pytest

from cvsr.notebook.degradations import (
    draw_motion,
    draw_spectra,
    grey_picture,
    motion_distance,
    motion_lengths,
    motion_picture,
    motion_wheel,
    radial_spectrum,
    spectral_distance,
)
from cvsr.notebook.figures import png


def waves(count, size=64):
    """Grey frames with `count` waves from left to right."""
    line = 128 + 100 * np.sin(2 * np.pi * count * np.arange(size) / size)
    return np.broadcast_to(line[None, None, :, None], (2, size, size, 3)).astype(np.uint8)


@pytest.mark.parametrize("count", [3, 10, 25])
def test_a_wave_is_where_its_frequency_says(count):
    spectrum = radial_spectrum(waves(count))
    assert len(spectrum) == 32
    assert abs(np.argmax(spectrum) + 1 - count) <= 1
    assert not radial_spectrum(np.full((2, 33, 40, 3), 90, np.uint8)).any()


def test_distances_of_spectra_are_in_decibels():
    spectra = [np.array([1.0, 2.0, 8.0]), np.array([3.0, 2.0, 2.0])]
    assert spectral_distance(spectra, spectra) == 0
    assert spectral_distance(spectra, [10 * each for each in spectra]) == pytest.approx(10)
    assert spectral_distance([np.array([1.0, 1.0])], [np.array([1.0, 100.0])]) == pytest.approx(200**0.5)


def test_motion_is_measured_in_pixels_a_frame():
    still, moving = np.zeros(50), np.full(50, 3.0)
    assert motion_distance([still], [moving]) == pytest.approx(3)
    assert motion_distance([still, moving], [moving, still]) == 0
    assert not motion_lengths(np.stack([waves(5)[0]] * 3)).any()
    assert motion_lengths(waves(5)).shape == (2 * 64 * 64,)


def test_pictures_of_motion():
    motion = np.array([[[0.0, 0.0], [4.0, 0.0], [-4.0, 0.0], [40.0, 0.0]]])
    still, right, left, fast = motion_picture(motion, longest=4)[0].tolist()
    assert still == [255, 255, 255]
    assert right == [255, 0, 0] == fast
    assert left == [0, 255, 255]


def test_grey_pictures_span_black_to_white():
    assert grey_picture(np.array([[-1.0, 0.0, 1.0]]))[0, :, 0].tolist() == [0, 127, 255]
    assert not grey_picture(np.ones((2, 2))).any()


def test_the_wheel_shows_the_colours_of_its_directions():
    wheel = motion_wheel(65)
    (right, down), still = motion_picture(np.array([[[1.0, 0.0], [0.0, 1.0]]]), longest=1)[0], [255, 255, 255]
    assert np.array_equal(wheel[32, 64], right)
    assert np.array_equal(wheel[64, 32], down)
    assert wheel[0, 0].tolist() == wheel[32, 32].tolist() == still


def test_every_group_has_a_panel_beside_the_first():
    groups = {name: [np.geomspace(1, level, 8)] for name, level in (("base", 0.1), ("blur", 0.01), ("noise", 1.0))}
    for figure in (draw_spectra(groups), draw_motion(groups, longest=2)):
        assert [axes.get_title() for axes in figure.axes] == ["blur", "noise"]
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["base", "the panel's"]
        assert png(figure)
    held_to, blurred = (line.get_ydata() for line in draw_spectra(groups).axes[0].lines)
    assert held_to[0] == 0
    assert blurred[-1] == pytest.approx(-20)
