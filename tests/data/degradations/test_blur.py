"""Kernels have the shapes of their formulas, and one blurs the whole clip."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.degradations.blur import Blur, RandomBlur


def test_a_round_gaussian_is_the_product_of_two():
    line = cv2.getGaussianKernel(21, 1.7)
    np.testing.assert_allclose(Blur("gaussian", 21, 1.7, 1.7, 0.8, 1.0).kernel(), line @ line.T, atol=1e-12)


def test_the_covariance_is_stretched_along_the_angle():
    kernel = Blur("gaussian", 41, 4.0, 1.5, np.pi / 6, 1.0).kernel()
    reach = np.arange(41) - 20
    x, y = np.meshgrid(reach, reach)
    turn = np.array([[np.cos(np.pi / 6), -np.sin(np.pi / 6)], [np.sin(np.pi / 6), np.cos(np.pi / 6)]])
    expected = turn @ np.diag([16.0, 2.25]) @ turn.T
    measured = [[(kernel * a * b).sum() for b in (x, y)] for a in (x, y)]
    np.testing.assert_allclose(measured, expected, atol=1e-3)


def test_families_along_a_line():
    """At distance d from the centre, over the centre."""
    d = np.arange(5) / 2.0
    for family, beta, shape in (
        ("generalised", 1.0, np.exp(-(d**2) / 2)),
        ("generalised", 0.5, np.exp(-d / 2)),
        ("plateau", 2.0, 1 / (1 + d**4)),
    ):
        kernel = Blur(family, 9, 2.0, 2.0, 0.0, beta).kernel()
        np.testing.assert_allclose(kernel[4, 4:] / kernel[4, 4], shape)


def test_a_point_becomes_the_kernel_in_every_frame():
    frames = np.zeros((3, 15, 15, 3), np.uint8)
    frames[:, 7, 7] = 255
    blur = Blur("gaussian", 7, 1.5, 0.7, 0.4, 1.0)
    expected = np.zeros((15, 15))
    expected[4:11, 4:11] = 255 * blur.kernel()
    blurred = blur.apply(frames)
    assert np.abs(blurred - expected[None, ..., None]).max() <= 0.51


@given(seed=st.integers(0, 2**32))
def test_drawn_kernels_keep_brightness(seed):
    blur = RandomBlur().sample(np.random.default_rng(seed), (64, 64))
    kernel = blur.kernel()
    assert kernel.shape == (blur.size, blur.size)
    assert blur.size in range(7, 22, 2)
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-15)  # centred


def test_how_often():
    rng = np.random.default_rng(0)
    drawn = [RandomBlur().sample(rng, (64, 64)) for _ in range(4000)]
    counts = [
        np.mean([blur.family == family for blur in drawn])
        for family in ("gaussian", "generalised", "plateau")
    ]
    np.testing.assert_allclose(counts, [0.7, 0.15, 0.15], atol=0.02)
    assert np.mean([blur.sigma_x == blur.sigma_y for blur in drawn]) == pytest.approx(0.69, abs=0.02)


def test_mistakes():
    with pytest.raises(ValueError, match=r"sigma=.*allowed 0\.05"):
        RandomBlur(sigma=(3.0, 0.2))
    with pytest.raises(ValueError, match="together at most 1"):
        RandomBlur(generalised=0.8, plateau=0.3)
