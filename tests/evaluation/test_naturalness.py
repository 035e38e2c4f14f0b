"""NIQE: distributions are recovered, and damage of every kind moves a video away from clean ones."""

import cv2
import numpy as np
import pytest
import torch
from scipy import stats

from cvsr.data.scenes import sample_scene
from cvsr.data.video import to_frames, to_tensor
from cvsr.data.world import render
from cvsr.evaluation.naturalness import PATCH, RATIOS, features, fit_asymmetric, fit_clean_pictures, normalise


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0, 4.0])
def test_shape_and_scale_of_a_distribution_are_recovered(shape):
    rng = np.random.default_rng(0)
    values = stats.gennorm.rvs(shape, scale=1.5, size=(2, 200_000), random_state=rng)
    found, left, right = fit_asymmetric(values)
    np.testing.assert_allclose(found, shape, rtol=0.03)
    np.testing.assert_allclose([left, right], 1.5, rtol=0.03)


def test_both_sides_of_an_asymmetric_distribution_are_recovered():
    values = stats.gennorm.rvs(2.0, size=(1, 400_000), random_state=np.random.default_rng(1))
    magnitude, is_left = np.abs(values), np.random.default_rng(2).random(values.shape) < 1 / 4
    skewed = np.where(is_left, -0.5 * magnitude, 1.5 * magnitude)  # its density has no jump at 0
    shape, left, right = fit_asymmetric(skewed)
    np.testing.assert_allclose([shape[0], left[0], right[0]], [2.0, 0.5, 1.5], rtol=0.03)


def test_ratios_rise_with_the_shape():
    assert (np.diff(RATIOS) > 0).all()


def test_local_contrast_is_divided_out():
    rng = np.random.default_rng(0)
    noise = torch.from_numpy(rng.normal(128, 20, (1, 1, 256, 256)))
    normalised, deviation = normalise(noise)
    assert deviation.mean() == pytest.approx(20, rel=0.15)
    brighter, _ = normalise(2 * noise + 30)
    torch.testing.assert_close(normalised, brighter, atol=0.1, rtol=0.1)


@pytest.fixture(scope="module")
def clips():
    return [to_tensor(render(sample_scene(i, "validation"), 1, 256, 256).frames)[None] for i in range(40)]


def test_damage_moves_a_video_away_from_clean_ones(clips):
    clean = fit_clean_pictures(clips[:30])

    def mean_score(damage):
        return np.mean([clean.score(damage(clip)).item() for clip in clips[30:]])

    def blurred(clip):
        frames = [cv2.GaussianBlur(frame, (0, 0), 2) for frame in to_frames(clip[0])]
        return to_tensor(np.stack(frames))[None]

    def noisy(clip):
        return clip + 0.15 * torch.randn(clip.shape, generator=torch.Generator().manual_seed(0))

    def blocky(clip):
        small = torch.nn.functional.interpolate(clip, scale_factor=(1, 1 / 4, 1 / 4))
        return torch.nn.functional.interpolate(small, scale_factor=(1, 4, 4))

    untouched = mean_score(lambda clip: clip)
    for damage in (blurred, noisy, blocky):
        assert mean_score(damage) > 1.2 * untouched, damage.__name__


def test_scores_are_finite_for_a_flat_video_and_one_each(clips):
    clean = fit_clean_pictures(clips[:5])
    scores = clean.score(torch.cat([torch.zeros(1, 3, 1, 256, 256), clips[5]]))
    assert scores.shape == (2,)
    assert scores.isfinite().all()
    assert scores[0] > scores[1]


def test_a_video_smaller_than_a_patch_is_refused():
    with pytest.raises(ValueError, match=f"smaller than a patch; allowed {PATCH}"):
        features(torch.zeros(3, 1, PATCH, PATCH - 1))
