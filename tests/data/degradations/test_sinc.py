"""A sinc filter keeps what lies below its cutoff, removes what lies above, and rings at edges."""

import numpy as np
import pytest

from cvsr.data.degradations.sinc import RandomSinc, Sinc


def gain(kernel, frequency):
    """What the kernel makes of a horizontal cosine of so many radians a pixel."""
    reach = np.arange(len(kernel)) - len(kernel) // 2
    return (kernel * np.cos(frequency * reach)).sum()


def test_low_frequencies_pass_and_high_ones_do_not():
    kernel = Sinc(101, 1.5).kernel()
    assert kernel.sum() == pytest.approx(1)
    assert all(gain(kernel, frequency) == pytest.approx(1, abs=0.1) for frequency in (0, 0.5, 1.0))
    assert all(gain(kernel, frequency) == pytest.approx(0, abs=0.1) for frequency in (2.0, 2.5, 3.0))


def test_the_centre_is_the_limit_of_the_formula():
    kernel = Sinc(21, 2.0).kernel()
    assert kernel[10, 10] / kernel[10, 11] == pytest.approx((4 / (4 * np.pi)) / (2 * 0.5767248 / (2 * np.pi)))


def test_edges_ring_and_flat_places_stay():
    frames = np.full((2, 32, 32, 3), 60, np.uint8)
    frames[:, :, 16:] = 180
    filtered = Sinc(21, 1.2).apply(frames).astype(int)
    assert filtered.max() > 185  # overshoot
    assert filtered.min() < 55
    assert np.array_equal(Sinc(21, 1.2).apply(frames[..., :8, :]), frames[..., :8, :])


def test_draws():
    rng = np.random.default_rng(0)
    drawn = [RandomSinc().sample(rng, (8, 8)) for _ in range(200)]
    assert {sinc.size for sinc in drawn} == set(range(7, 22, 2))
    assert all(np.pi / 3 <= sinc.cutoff <= np.pi for sinc in drawn)
    with pytest.raises(ValueError, match=r"cutoff=.*allowed 0\.1"):
        RandomSinc(cutoff=(1.0, 4.0))
