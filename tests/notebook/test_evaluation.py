"""Damages do what they are named after, each fools the figure that the lesson says, and figures are drawn."""

import numpy as np
import pytest
import torch

from cvsr.evaluation.metrics import high_frequency_ratio, psnr
from cvsr.evaluation.naturalness import CleanPictures
from cvsr.measurements.clips import world_clips
from cvsr.measurements.published_restoration import TITLES
from cvsr.measurements.results import Estimate, Result, Row
from cvsr.notebook import evaluation
from cvsr.notebook.evaluation import (
    BETTER,
    agreement,
    damages,
    held,
    judged,
    moved,
    noisy,
    quartered,
    sharpened,
)
from cvsr.notebook.figures import png

CLEAN = CleanPictures(np.zeros(36), np.eye(36))


@pytest.fixture(scope="module")
def truth():
    return world_clips(1, frames=3, crop=64)[0].load()


def test_nothing_is_changed_at_strength_0_and_something_at_1(truth):
    other = truth.flip(-1)
    for name, damage in damages(0, other).items():
        torch.testing.assert_close(damage(truth), truth, rtol=0, atol=1e-5, msg=name)
    for name, damage in damages(1, other).items():
        assert (damage(truth) - truth).abs().max() > 0.1, name
    torch.testing.assert_close(damages(1, other)["another clip"](truth), other)


def test_each_damage_fools_the_figure_that_the_lesson_names(truth):
    found = {
        name: judged(video, truth, CLEAN)
        for name, video in {
            "truth": truth,
            "blurred": quartered(truth),
            "moved": moved(truth, 1),
            "still": held(truth, 3),
            "sharp": sharpened(truth, 1.0),
            "noisy": noisy(truth, 0.1),
        }.items()
    }
    assert list(found["truth"]) == list(BETTER)
    assert found["blurred"]["PSNR (dB) ↑"] > found["moved"]["PSNR (dB) ↑"]
    assert found["still"]["along its own motion ↓"] < 1e-9 < found["truth"]["along its own motion ↓"]
    assert found["still"]["warping error ↓"] > 5 * found["truth"]["warping error ↓"]
    for name in ("sharp", "noisy"):
        assert found[name]["fine detail, of the truth's"] > 1
        assert found[name]["Laplacian variance"] > found["truth"]["Laplacian variance"]
    assert found["blurred"]["fine detail, of the truth's"] < 0.2


def test_held_frames_are_copies():
    video = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(1, 3, 5, 2, 2)
    assert held(video, 2)[0, 0, :, 0, 0].tolist() == [0, 0, 2, 2, 4]
    assert held(video, 1).equal(video)


def test_a_blur_can_be_sharpened_until_its_detail_is_the_truths(truth):
    blur = quartered(truth)
    ratios = [high_frequency_ratio(sharpened(blur, amount), truth).item() for amount in (0, 2, 6)]
    assert ratios == sorted(ratios)
    assert psnr(blur, truth) > psnr(sharpened(blur, 6), truth)


def test_metrics_agree_with_themselves_and_differ_where_the_paper_does():
    assert agreement("psnr", "psnr") == pytest.approx(1)
    assert agreement("psnr", "dover") == agreement("dover", "psnr")
    assert agreement("psnr", "dover") < 0 < agreement("psnr", "ssim")
    assert agreement("lpips", "dists") > 0.7  # less is better in both


def test_figures_are_drawn():
    rows = [
        Row("bicubic", "clips", 8, {"psnr": Estimate(25, 24, 26), "detail": Estimate(0.01)}),
        Row("ours", "clips", 8, {"psnr": Estimate(26, 25, 27), "detail": Estimate(1.0, 0.9, 1.1)}),
        Row("ours", "others", 8, {"psnr": Estimate(26)}),
    ]
    result = Result("name", "?", "command", "0", "today", "a machine", {}, "1 minute", rows)
    drawn = evaluation.draw_intervals(result, "clips", {"psnr": "PSNR", "detail": "detail"})
    assert [axes.get_xscale() for axes in drawn.axes] == ["linear", "log"]
    for figure in (
        drawn,
        evaluation.draw_climb({"up": [(0.5, 20), (0.6, 20)], "down": [(0.5, 20), (0.4, 20)]}),
        evaluation.draw_agreement(),
        evaluation.draw_pair("SPMCS", "psnr", "niqe"),
    ):
        assert png(figure).startswith(b"\x89PNG")
    assert len(drawn.axes[0].containers) == 2
    assert len(evaluation.draw_agreement().axes[0].texts) == len(TITLES) ** 2


def test_better_is_to_the_right_and_above():
    (axes,) = evaluation.draw_pair("SPMCS", "lpips", "psnr").axes
    assert axes.xaxis_inverted()
    assert not axes.yaxis_inverted()
    assert axes.get_xlabel() == "LPIPS, less is better →"
    assert axes.get_ylabel() == "PSNR (dB), more is better →"


def test_a_method_keeps_its_mark_whatever_the_metrics():
    marks = [
        {line.get_label(): line.get_marker() for line in evaluation.draw_pair("SPMCS", *pair).axes[0].lines}
        for pair in (("psnr", "dover"), ("niqe", "ssim"))
    ]
    assert marks[0] == marks[1]
    assert len(set(marks[0].values())) == 8


def test_numbers_of_the_matrix_can_be_read_on_their_cells():
    shades = evaluation.SHADES(np.linspace(0, 1, 9))[:, :3]
    luminance = (((shades + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)  # of sRGB, as WCAG counts
    assert ((luminance + 0.05) / 0.05).min() > 4.5  # black on the cell: what WCAG asks of text
