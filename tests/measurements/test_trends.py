"""A trend agrees if the signs do and the interval leaves no doubt."""

import pytest

from cvsr.measurements.results import Estimate, Result, Row
from cvsr.measurements.trends import AGREES, DISAGREES, UNKNOWN, UNTOLD, comparison_of, trends
from cvsr.training.ablations import Comparison, Variant
from cvsr.training.paper_trends import Expected, Published

ROWS = {"full": {"MUSIQ": 62.0}, "windows": {"MUSIQ": 59.0}, "sparse": {"MUSIQ": 61.0}}


def result(*figures):
    rows = [Row(f"{name} minus full, {way}", clips, 3, values) for name, way, clips, values in figures]
    return Result("pair", "?", "none", "0", "2026-01-01", "none", {}, "none", rows)


def comparison(*expected):
    return Comparison("pair", "?", {name: Variant() for name in ROWS}, published=Published("a table", ROWS, expected))


@pytest.mark.parametrize(
    ("ours", "estimate", "verdict"),
    [
        ("psnr", Estimate(-0.2, -0.3, -0.1), AGREES),
        ("psnr", Estimate(0.2, 0.1, 0.3), DISAGREES),
        ("psnr", Estimate(-0.2, -0.5, 0.1), UNTOLD),
        ("psnr", Estimate(-0.2), UNKNOWN),
        ("flicker", Estimate(0.2, 0.1, 0.3), AGREES),  # less is better
        ("flicker", Estimate(-0.2, -0.3, -0.1), DISAGREES),
    ],
)
def test_signs_and_intervals(ours, estimate, verdict):
    measured = result(("windows", "4 steps", "clean", {ours: estimate}))
    (trend,) = trends(comparison(Expected(ours, "MUSIQ")), measured)
    assert (trend.verdict, trend.variant, trend.first, trend.paper) == (verdict, "windows", "full", "MUSIQ -3")
    assert trend.difference == estimate
    assert trend.ours == f"{ours}, clean, 4 steps"


def test_words_clips_and_ways_are_minded():
    good, bad = Estimate(1.0, 0.5, 1.5), Estimate(-1.0, -1.5, -0.5)
    measured = result(
        ("windows", "right references less none, 1 step", "identity", {"psnr": good}),
        ("windows", "wrong references less none, 1 step", "identity", {"psnr": bad}),
        ("windows", "right references less none, 1 step", "editing", {"psnr": bad}),
    )
    said = Expected("psnr", variant="windows", says="better", clips="identity", way="right references less none")
    (trend,) = trends(comparison(said), measured)
    assert (trend.verdict, trend.paper) == (AGREES, "better")
    assert trends(comparison(Expected("psnr", "MUSIQ", clips="nowhere")), measured) == []


def test_each_way_of_sampling_has_its_own_verdict():
    few, many = Estimate(-1.0, -2.0, -0.5), Estimate(-1.0, -2.5, 0.5)
    measured = result(("windows", "2 steps", "clean", {"psnr": few}), ("windows", "16 steps", "clean", {"psnr": many}))
    found = trends(comparison(Expected("psnr", "MUSIQ")), measured)
    assert [trend.verdict for trend in found] == [AGREES, UNTOLD]


def test_only_results_of_comparisons_have_one():
    assert comparison_of("timestep_samplers").name == "timestep_samplers"
    assert comparison_of("autoencoder") is None
