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
    assert picture.shape[0] == 22 + 2 * 154  # under the title, the larger crop's rows twice
    assert (picture[-1] != 255).any(axis=1).mean() > 0.95  # both reach the last row


def test_titles_wider_than_their_picture_are_not_cut():
    assert figures.side_by_side({"a very long name indeed": frame(4, 4)}, height=4).shape[1] > 100


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
