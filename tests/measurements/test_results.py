"""Results survive the way to a file and back, whole or not at all; intervals are those of the textbooks."""

import json
from dataclasses import replace

import pytest

from cvsr.measurements.results import Estimate, Result, Row, check_result_file, read_result, write_result
from cvsr.measurements.tally import Tally, estimate

RESULT = Result(
    name="sharpness",
    question="How sharp?",
    command="python -m cvsr evaluate sharpness",
    commit="abc1234",
    date="2026-11-21",
    machine="an abacus",
    seeds={"scenes": "0 to 1 of the test split"},
    budget="1.0 minutes",
    rows=[Row("ours", "world", 2, {"psnr": Estimate(31.5, 30.0, 33.0), "seconds": Estimate(2.0)})],
)


def test_a_result_survives_its_file(tmp_path):
    path = tmp_path / "sharpness.json"
    write_result(RESULT, path)
    assert read_result(path) == RESULT
    assert [file.name for file in tmp_path.iterdir()] == ["sharpness.json"]
    assert json.loads(path.read_text())["rows"][0]["figures"]["psnr"]["mean"] == 31.5


def test_rows_are_found_by_method_and_clips():
    assert RESULT.row("ours", "world").count == 2
    with pytest.raises(ValueError, match="not measured; allowed 'ours' on 'world'"):
        RESULT.row("theirs", "world")


def test_figures_that_are_no_numbers_leave_the_old_file(tmp_path):
    path = tmp_path / "sharpness.json"
    write_result(RESULT, path)
    broken = replace(RESULT, rows=[Row("ours", "world", 1, {"psnr": Estimate(float("nan"))})])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_result(broken, path)
    assert read_result(path) == RESULT


@pytest.mark.parametrize("content", [None, "", "[]", '{"rows": [{}]}', '{"rows": []}'])
def test_files_of_something_else_are_refused(tmp_path, content):
    path = tmp_path / "odd.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match="no readable result"):
        read_result(path)


def test_places_of_results_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"allowed files that end with \.json"):
        check_result_file(tmp_path / "result.txt")
    with pytest.raises(ValueError, match="is missing or refuses writing"):
        check_result_file(tmp_path / "nowhere" / "result.json")


def test_intervals():
    assert estimate([1.0, 2.0]) == Estimate(1.5)
    student = estimate([1.0, 2.0, 3.0, 4.0])  # 2.5 ± 3.182 · 1.291 / 2
    assert student.low == pytest.approx(0.446, abs=1e-3)
    assert student.high == pytest.approx(4.554, abs=1e-3)
    share = estimate([True] * 8 + [False] * 2)  # Wilson (1927)
    assert (share.mean, share.low, share.high) == pytest.approx((0.8, 0.490, 0.943), abs=1e-3)
    assert estimate([True] * 20).low > 0.8


def test_a_tally_has_a_row_for_every_method_and_group():
    tally = Tally()
    for value in (1.0, 3.0):
        tally.add("ours", "world", {"psnr": value})
    tally.add("bicubic", "bbb", {"psnr": 7.0, "ssim": 0.5})
    assert tally.rows() == [
        Row("ours", "world", 2, {"psnr": Estimate(2.0)}),
        Row("bicubic", "bbb", 1, {"psnr": Estimate(7.0), "ssim": Estimate(0.5)}),
    ]
