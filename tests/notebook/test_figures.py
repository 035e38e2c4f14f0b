import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from cvsr.notebook import figures

RNG = np.random.default_rng(0)


def frame(height, width):
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_png_is_lossless():
    picture = frame(13, 17)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(figures.png(picture)))), picture)


def test_png_of_a_matplotlib_figure():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    assert figures.png(figure).startswith(b"\x89PNG")


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))
def test_crop_is_the_same_place_at_every_resolution(height, width, scale):
    small = frame(height, width)
    large = small.repeat(scale, 0).repeat(scale, 1)
    box = (0.25, 0.25, 0.5, 0.5)
    difference = np.array(figures.crop(large, box).shape[:2]) - scale * np.array(
        figures.crop(small, box).shape[:2]
    )
    assert np.abs(difference).max() <= scale  # rounding to whole pixels
    assert np.array_equal(figures.crop(small, (0, 0, 1, 1)), small)


@pytest.mark.parametrize("box", [(0.6, 0, 0.5, 1), (-0.1, 0, 0.5, 1), (0, 0, 0, 1)])
def test_crop_outside_the_frame(box):
    with pytest.raises(ValueError, match=r"box=.*try"):
        figures.crop(frame(8, 8), box)


def test_side_by_side_repeats_pixels_and_invents_none():
    small, large = frame(8, 8), frame(32, 32)
    picture = figures.side_by_side({"small": small, "large": large}, height=32)
    titled = picture[-32:]
    assert np.array_equal(titled[::4, : 4 * 8 : 4][:8, :8], small)
    assert any(np.array_equal(titled[:, x : x + 32], large) for x in range(titled.shape[1] - 31))


def test_the_same_crop_has_the_same_height_whatever_the_resolution():
    small, large = frame(96, 160), frame(384, 640)
    picture = figures.compare({"small": small, "large": large}, (0.35, 0.1, 0.4, 0.4), height=256)
    assert picture.shape[0] == figures.GAP + 20 + 2 * 154  # under a line of names, the larger crop's rows twice
    assert (picture[-1] != 255).any(axis=1).mean() > 0.95  # both reach the last row


def test_names_are_broken_into_lines_and_none_is_cut():
    name = "a very long name indeed"
    picture = figures.side_by_side({name: np.zeros((60, 60, 3), np.uint8)}, height=60)
    assert picture.shape[1] == 60
    lines = (picture[:-60].min(axis=(1, 2)) < 128).astype(int)
    assert (np.diff(lines) == 1).sum() + lines[0] >= 3
    assert figures.side_by_side({"indeed": frame(4, 4)}, height=4).shape[1] > 40


@given(st.integers(1, 12), st.integers(100, 300))
def test_names_are_as_large_as_others_on_a_page(count, width):
    picture = figures.side_by_side(
        {f"x{'x' * number}": np.zeros((40, width, 3), np.uint8) for number in range(count)}, height=40
    )
    names = picture[:-40]
    ink = np.flatnonzero(names.min(axis=(1, 2)) < 128)  # rows
    on_page = (ink[-1] - ink[0] + 1) * min(1, figures.PAGE / picture.shape[1])
    assert 6.5 <= on_page <= 9  # an x of 14 pixels' type is 8 high


def test_columns_of_a_grid_are_as_wide_as_their_widest():
    above = {"a": np.zeros((40, 100, 3), np.uint8), "b": np.zeros((40, 40, 3), np.uint8)}
    below = {"c": np.zeros((40, 40, 3), np.uint8), "d": np.zeros((40, 40, 3), np.uint8)}
    picture = figures.grid([above, below], height=40)
    assert (picture[-40:, 106:146] == 0).all()
    assert (picture[-40:, 40:106] == 255).all()
    assert np.array_equal(figures.grid([above], 40), figures.side_by_side(above, 40))


def test_a_colour_bar_runs_through_the_map():
    above = frame(20, 600)
    picture = figures.with_colour_bar(above, "gray", "-4", "+4 levels", "difference")
    assert np.array_equal(picture[:20], above)
    middle = picture[20 + figures.GAP + 9, :, 0].astype(int)
    bar = middle[np.flatnonzero(middle == 0)[0] :][:140]
    assert set(bar) >= {0, 128, 255}
    assert (np.diff(bar[:-1]) >= 0).all()
    assert (picture[20 : 20 + figures.GAP] == 255).all()


def test_strip_shows_first_and_last():
    video = np.stack([np.full((8, 8, 3), 10 * t, np.uint8) for t in range(17)])
    colours = set(np.unique(figures.strip(video, count=3, height=8)[-4:]))
    assert {0, 80, 160} <= colours


def test_stack_aligns_different_widths():
    picture = figures.stack([frame(4, 10), frame(6, 3)])
    assert picture.shape == (10, 10, 3)
    assert (picture[4:, 3:] == 255).all()


@pytest.mark.parametrize(
    "bad", [np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((3, 8, 8), np.uint8)]
)
def test_what_is_no_frame_is_refused(bad):
    with pytest.raises(ValueError, match="allowed uint8"):
        figures.png(bad)


def test_pictures_need_words():
    assert 'alt="a &quot;b&quot;"' in figures.picture_html(figures.png(frame(2, 2)), 'a "b"')
    with pytest.raises(ValueError, match="alt"):
        figures.picture_html(b"", " ")


def test_palette_is_told_apart_in_grey():
    from matplotlib.colors import to_rgb

    grey = sorted(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) for colour in figures.PALETTE.values())
    assert len(grey) == 8
    assert grey[-1] - grey[0] > 0.8


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.6, 12], ["1", "2", "5", "10"]), ([0.3, 2e3], ["1", "10", "100", "1,000"]), ([2e-3, 9e-3], ["0.002", "0.005"])],
)
def test_a_logarithmic_axis_has_numbers_without_exponents(values, expected):
    axes = Figure(figsize=(7, 2.8)).subplots()
    axes.plot(values)
    axes.set_yscale("log")
    figures.plain_ticks(axes.yaxis)
    axes.figure.draw_without_rendering()
    low, high = axes.get_ylim()
    shown = [tick.label1.get_text() for tick in axes.yaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert [text for text in shown if text] == expected
    assert not list(axes.yaxis.get_minorticklocs())
