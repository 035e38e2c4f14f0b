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


def test_the_wheel_has_each_colour_where_such_motion_leads():
    wheel = motion_wheel(41)
    for x, y in ((0, 0), (12, 0), (0, -12), (-10, 10)):
        colour = motion_picture(np.array([[[x, y]]]) / 20, longest=1)[0, 0].astype(int)
        assert np.abs(wheel[20 + y, 20 + x] - colour).max() <= 2
    assert (wheel[0, 0] == wheel[-1, -1]).all()
    assert np.ptp(wheel[0, 0]) == 0  # no direction has this colour


def test_grey_pictures_span_black_to_white():
    assert grey_picture(np.array([[-2.0, 0.0, 1.0]]), black=-1, white=1)[0, :, 0].tolist() == [0, 127, 255]
    assert (grey_picture(np.ones((2, 2)), black=0, white=1) == 255).all()  # not stretched


def test_spectra_stand_above_the_first_in_decibels():
    spectra = {"base model": [np.ones(8)], "louder": [np.full(8, 10.0)]} | {name: [np.ones(8)] for name in "abc"}
    figure = draw_spectra(spectra)
    assert [axes.get_title() for axes in figure.axes] == ["louder: 10.0 dB", "a: 0.0 dB", "b: 0.0 dB", "c: 0.0 dB"]
    _, line = figure.axes[0].lines
    assert line.get_ydata() == pytest.approx(np.full(8, 10))
    assert "base model" in figure.get_supylabel()
    assert png(figure)


def test_motion_is_drawn_as_far_as_a_hundredth_of_the_pixels_goes():
    far = np.concatenate([np.linspace(0, 2, 990), np.full(5, 50.0)])
    lengths = {"base model": [np.zeros(100)], "moving": [far]}
    figure = draw_motion(lengths)
    (axes,), (legend,) = figure.axes, figure.legends
    before, share = (line.get_ydata() for line in axes.lines)
    assert not before.any()
    assert (np.diff(share) <= 0).all()
    assert share[0] > 0.99
    assert share[-1] == pytest.approx(0.01, abs=0.002)
    assert axes.get_xlim()[1] == pytest.approx(2, abs=0.02)
    assert axes.get_title() == f"moving: {motion_distance([far], [np.zeros(100)]):.2f} pixels"
    assert [text.get_text() for text in legend.get_texts()] == ["base model", "with the damage"]
