"""Figures of the papers, against what their text says of them."""

import pytest

from cvsr.measurements.published_restoration import (
    LESS_IS_BETTER,
    RESTORATION,
    SCORED_TWICE,
    TITLES,
    Scores,
    goodness,
)


def best(clips, metric):
    scores = goodness(clips, metric)
    return max(scores, key=scores.get)


@pytest.mark.parametrize("clips", RESTORATION)
def test_seedvr_is_ahead_in_dover_and_behind_in_psnr_as_its_text_says(clips):
    assert best(clips, "dover") == "SeedVR"
    assert best(clips, "psnr") == "RealViFormer"
    assert len(RESTORATION[clips]) == 8


def test_on_reds30_a_method_that_was_trained_there_has_the_best_perceptual_scores():
    assert {best("REDS30", metric) for metric in ("lpips", "dists", "niqe", "musiq")} == {"MGLD-VSR"}


def test_less_is_better_where_it_is():
    assert goodness("SPMCS", "lpips")["SeedVR"] == -0.341
    assert goodness("SPMCS", "ssim")["SeedVR"] == 0.607
    assert set(TITLES) == set(Scores.__dataclass_fields__)
    assert LESS_IS_BETTER < set(TITLES)


def test_what_two_papers_score_is_what_the_first_one_says():
    for method, papers in SCORED_TWICE.items():
        own = RESTORATION["REDS30"][method]
        assert papers["SeedVR's table"] == {
            TITLES[name]: getattr(own, name) for name in ("psnr", "ssim", "lpips", "musiq", "dover")
        }
        assert papers["PatchVSR's table"].keys() == papers["SeedVR's table"].keys()
