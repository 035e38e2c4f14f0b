"""Flow-based degradation: only what moves suffers, and its colours come from the frame before."""

import numpy as np
import pytest

from cvsr.data.degradations.flow_based import FlowBased, RandomFlowBased

COLOURS = FlowBased(threshold=0.01, coverage=3.0, radius=0.1, strength=1.0, exposure=0.0, seed=1)
BLUR = FlowBased(threshold=0.01, coverage=0.0, radius=0.05, strength=1.0, exposure=1.0, seed=1)
REDDER = np.array([60.0, -30.6, 0.0])  # leaves the luma, which flow is estimated on


@pytest.fixture(scope="module")
def patch_moves(texture):
    """A textured patch that moves 3 px a frame to the right over a still ground, red in even frames, else green."""
    ground, patch = texture(96, 96, 0) // 2 + 64, texture(40, 40, 1) // 2 + 64
    frames = np.stack([ground] * 3)
    for t, frame in enumerate(frames):
        frame[28:68, 20 + 3 * t : 60 + 3 * t] = (patch + (-1) ** t * REDDER).round()
    return frames


FAR = np.ones((96, 96), bool)
FAR[20:76, 12:76] = False  # pixels that the patch never comes near


@pytest.mark.parametrize("seed", range(3))
def test_a_still_clip_stays_exactly_as_it_is(texture, seed):
    still = np.stack([texture(40, 56)] * 4)
    drawn = RandomFlowBased().sample(np.random.default_rng(seed), (40, 56))
    assert np.array_equal(drawn.apply(still), still)


def test_colours_of_the_frame_before_in_moving_regions_only(patch_moves):
    degraded = COLOURS.apply(patch_moves).astype(int)
    assert np.array_equal(degraded[0], patch_moves[0])  # has no frame before it
    assert np.array_equal(degraded[:, FAR], patch_moves[:, FAR])
    inside = (slice(36, 60), slice(34, 54))
    redder = (degraded - patch_moves)[..., 0].astype(int)
    assert redder[1][inside].mean() > 20  # green now, red before
    assert redder[2][inside].mean() < -20


def test_blur_in_moving_regions_only(patch_moves):
    degraded = BLUR.apply(patch_moves)
    assert np.array_equal(degraded[:, FAR], patch_moves[:, FAR])
    inside = (slice(None), slice(36, 60), slice(34, 54))
    along, across = (
        np.square(np.diff(degraded[inside].astype(float), axis=axis)).mean()
        / np.square(np.diff(patch_moves[inside].astype(float), axis=axis)).mean()
        for axis in (2, 1)
    )
    assert along < 0.7 * across


def test_more_of_everything_changes_more(patch_moves):
    def change(**settings):
        drawn = FlowBased(**{"threshold": 0.01, "coverage": 1.0, "radius": 0.05, "seed": 1} | settings)
        return np.square(drawn.apply(patch_moves).astype(float) - patch_moves).mean()

    assert change(strength=0.0, exposure=0.0) == 0
    for weak, strong in (
        ({"strength": 0.3, "exposure": 0.0}, {"strength": 0.9, "exposure": 0.0}),
        ({"strength": 0.0, "exposure": 0.5}, {"strength": 0.0, "exposure": 2.0}),
    ):
        assert 0 < change(**weak) < change(**strong)


def test_steps_are_those_of_the_result(patch_moves):
    steps = list(COLOURS.steps(patch_moves))
    assert np.array_equal(np.stack([step.blurred for step in steps]), COLOURS.apply(patch_moves))
    assert steps[1].moving[48, 40] == 1
    assert not steps[1].moving[FAR].any()
    assert np.array_equal(steps[1].blended, steps[1].blurred)  # no exposure
    assert np.abs(steps[1].motion[48, 40] - (-3, 0)).max() < 0.5


def test_a_longer_clip_begins_like_a_shorter_one(patch_moves):
    assert np.array_equal(COLOURS.apply(patch_moves)[:2], COLOURS.apply(patch_moves[:2]))


def test_one_frame_falls_back_and_says_so(patch_moves):
    with pytest.warns(UserWarning, match="frames=1: one frame has no motion"):
        left = COLOURS.apply(patch_moves[:1])
    assert np.array_equal(left, patch_moves[:1])


@pytest.mark.parametrize(
    "wrong", [{"strength": (0.5, 1.5)}, {"threshold": (0, 0.1)}, {"exposure": (2, 1)}, {"radius": 0.1}]
)
def test_mistakes(wrong):
    with pytest.raises(ValueError, match=rf"{next(iter(wrong))}=.*no such range; allowed"):
        RandomFlowBased(**wrong)
