"""Lines along the motion: blurred along it and not across it, sharp where nothing moves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.data.degradations.motion_blur import blur_along, line_kernel


def constant(way, height=48, width=48):
    return np.broadcast_to(np.float32(way), (height, width, 2))


def test_kernels_are_lines():
    assert line_kernel(np.zeros(2), 9) == pytest.approx(np.ones((1, 1)))
    across = np.zeros((5, 5))
    across[2] = 0.2
    assert line_kernel(np.array([4.0, 0.0]), 9) == pytest.approx(across)
    assert line_kernel(np.array([0.0, -4.0]), 9) == pytest.approx(across.T)
    assert line_kernel(np.array([400.0, 0.0]), 4) == pytest.approx(across)  # cut short
    diagonal = line_kernel(np.array([3.0, 3.0]), 9)
    assert diagonal == pytest.approx(diagonal.T)
    assert np.trace(diagonal) > 2 * np.trace(diagonal, offset=1)


@given(x=st.floats(-30, 30), y=st.floats(-30, 30), longest=st.floats(0, 20))
def test_every_kernel_keeps_brightness_and_is_centred(x, y, longest):
    kernel = line_kernel(np.array([x, y]), longest)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert kernel.min() >= 0
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-6)


def test_larger_motion_makes_longer_kernels():
    lengths = [np.count_nonzero(line_kernel(np.array([way, 0.0]), 40)) for way in (0.0, 4.0, 8.0, 16.0, 60.0)]
    assert lengths == [1, 5, 9, 17, 41]


@pytest.mark.parametrize("axis", [0, 1])
def test_along_and_not_across(axis):
    """Stripes across the motion go, stripes along it stay exactly as they are."""
    stripes = np.zeros((48, 48, 3), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 200
    motion = constant((6.0, 0.0))
    ones = np.ones((48, 48))
    if axis:
        stripes, motion = stripes.swapaxes(0, 1), motion[..., ::-1]
    inside = (slice(8, 40), slice(8, 40))
    gone = blur_along(stripes, motion, ones, 1.0)[inside]
    assert gone.std() < 0.25 * stripes[inside].std()
    kept = blur_along(stripes, motion[..., ::-1], ones, 1.0)
    assert np.abs(kept.astype(int) - stripes).max() <= 1


def test_still_pixels_stay_sharp(texture):
    frame = texture(48, 48)
    motion = np.zeros((48, 48, 2), np.float32)
    motion[:, 24:] = (7, 2)
    weight = np.zeros((48, 48))
    weight[:, 24:] = 1
    blurred = blur_along(frame, motion, weight, 1.0)
    assert np.array_equal(blurred[:, :24], frame[:, :24])
    assert not np.array_equal(blurred[:, 24:], frame[:, 24:])
    assert np.array_equal(blur_along(frame, motion, weight, 0.0), frame)


def test_no_borders_between_blocks():
    """Where everything moves alike, blocks give what one kernel for the whole frame gives."""
    ramp = np.zeros((64, 64, 3), np.uint8)
    ramp[:, 20:] = 200
    blurred = blur_along(ramp, constant((4.0, 0.0), 64, 64), np.ones((64, 64)), 1.0)
    assert np.abs(blurred[:, 17:24, 0].astype(int) - [0, 40, 80, 120, 160, 200, 200]).max() <= 1
