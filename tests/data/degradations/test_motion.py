"""Flow finds the way to the frame before; a still clip has none at all."""

import numpy as np
import pytest

from cvsr.data.degradations.motion import motion_fields, moving_weight


def shifted(texture, steps):
    """Frames of a texture that moves to the right by so many pixels a frame."""
    return np.stack([np.roll(texture, step, axis=1) for step in steps])


def test_the_way_to_the_frame_before(texture):
    motion = motion_fields(shifted(texture(64, 64), [0, 3, 6, 8]))
    inside = motion[:, 16:48, 16:48]
    assert np.abs(inside[1:3] - (-3, 0)).max() < 0.3
    assert np.abs(inside[3] - (-2, 0)).max() < 0.3
    assert np.abs(inside[0] - (-3, 0)).max() < 0.3  # as it moves to the second frame


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (33, 47)])
def test_a_still_clip_has_no_motion_whatever_its_size(texture, size):
    motion = motion_fields(np.stack([texture(*size)] * 3))
    assert motion.shape == (3, *size, 2)
    assert not motion.any()


def test_weights_rise_from_the_threshold_to_twice_of_it():
    motion = np.array([[[0.0, 0.0], [3.0, 4.0], [0.0, 7.5], [10.0, 0.0], [60.0, 0.0]]])
    assert moving_weight(motion, 5.0) == pytest.approx(np.array([[0, 0, 0.5, 1, 1]]))
