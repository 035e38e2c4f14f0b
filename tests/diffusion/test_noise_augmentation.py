"""Noise augmentation is the flow's interpolation, seeded, in its named ranges."""

import pytest
import torch

from cvsr.diffusion.noise_augmentation import LARGE, MIDDLE, RANGES, SMALL, NoiseRange, augment

LATENTS = torch.randn(3, 4, 2, 8, 8, generator=torch.Generator().manual_seed(0))


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_ranges_are_the_papers():
    assert {name: (r.low, r.high) for name, r in RANGES.items()} == {
        "small": (0.0, 0.3),
        "middle": (0.3, 0.6),
        "large": (0.6, 0.9),
    }


@pytest.mark.parametrize("levels", [SMALL, MIDDLE, LARGE, NoiseRange(0.4, 0.4)], ids=repr)
def test_levels_fill_their_range(levels):
    samples = levels.sample(2000, seeded())
    assert levels.low <= samples.min()
    assert samples.max() <= levels.high
    assert samples.mean().item() == pytest.approx((levels.low + levels.high) / 2, abs=0.01)


def test_level_zero_changes_nothing_and_level_one_leaves_noise_alone():
    assert torch.equal(augment(LATENTS, 0.0, seeded()), LATENTS)
    assert torch.equal(augment(LATENTS, 1.0, seeded()), torch.randn(LATENTS.shape, generator=seeded()))


def test_every_sample_has_its_own_level():
    noisy = augment(LATENTS, torch.tensor([0.0, 0.5, 1.0]), seeded())
    noise = torch.randn(LATENTS.shape, generator=seeded())
    torch.testing.assert_close(noisy[0], LATENTS[0])
    torch.testing.assert_close(noisy[1], (LATENTS[1] + noise[1]) / 2)
    torch.testing.assert_close(noisy[2], noise[2])


def test_equal_seeds_give_equal_noise_in_every_precision():
    single = augment(LATENTS, 0.5, seeded())
    double = augment(LATENTS.double(), 0.5, seeded())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single)
    assert not torch.equal(single, augment(LATENTS, 0.5, seeded(2)))


@pytest.mark.parametrize("level", [-0.1, 300.0, float("nan"), torch.tensor([0.1, 0.2, 1.2])])
def test_levels_outside_the_path_are_refused(level):
    with pytest.raises(ValueError, match=r"level=.*allowed 0 to 1; try dividing timesteps by 1000"):
        augment(LATENTS, level, seeded())


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.3), (-0.1, 0.3), (0.3, 1.1)])
def test_impossible_ranges_are_refused(low, high):
    with pytest.raises(ValueError, match="no range; allowed 0 ≤ low ≤ high ≤ 1"):
        NoiseRange(low, high)
