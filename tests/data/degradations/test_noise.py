"""Noise has the variance of its law, is new in every frame and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.degradations.noise import Noise, RandomNoise


def flat(level, frames=2, size=128):
    return np.full((frames, size, size, 3), level, np.uint8)


@pytest.mark.parametrize(
    ("kind", "strength", "level", "variance"),
    [("gaussian", 10.0, 128, 100.0), ("poisson", 0.5, 100, 25.0), ("poisson", 1.5, 60, 135.0)],
)
def test_variance(kind, strength, level, variance):
    noise = Noise(kind, strength, False, 3).apply(flat(level)) - float(level)
    assert noise.mean() == pytest.approx(0, abs=0.2)
    assert noise.var() == pytest.approx(variance + 1 / 12, rel=0.03)  # 1/12 from rounding


def test_every_frame_and_colour_its_own_unless_grey():
    noise = Noise("gaussian", 20.0, False, 0).apply(flat(128)).astype(float) - 128
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.02
    grey = Noise("poisson", 1.0, True, 0).apply(flat(128))
    assert (grey == grey[..., :1]).all()


@given(seed=st.integers(0, 2**32), length=st.integers(1, 4))
def test_a_longer_clip_begins_like_a_shorter_one(seed, length):
    noise = RandomNoise().sample(np.random.default_rng(seed), (8, 8))
    assert np.array_equal(noise.apply(flat(90, 5, 8))[:length], noise.apply(flat(90, length, 8)))


def test_black_has_no_photons_and_nothing_wraps_around():
    assert not Noise("poisson", 3.0, False, 0).apply(flat(0)).any()
    assert Noise("gaussian", 30.0, False, 0).apply(flat(250)).min() > 100
