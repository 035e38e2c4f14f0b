"""A comparison is shown with its spread, or says how it is made."""

from dataclasses import replace

from cvsr.measurements.results import Estimate, Result, Row, write_result
from cvsr.notebook.comparisons import comparison, difference, level, measurement

LABELS = {"psnr": "PSNR", "error_left": "error left"}
ROWS = [
    Row("bicubic", "clean", 1, {"psnr": Estimate(20.0)}),
    Row(
        "one, 2 steps",
        "clean",
        3,
        {"psnr": Estimate(21.0, 20.5, 21.5), "error_left": Estimate(0.5, 0.4, 0.6)},
    ),
    Row("other minus one, 2 steps", "clean", 3, {"psnr": Estimate(0.3, 0.1, 0.5)}),
]
RESULT = Result(
    "pair", "Which?", "python -m cvsr ablate pair", "abc", "2026-01-01", "none", {}, "9 minutes", ROWS
)


def test_what_is_not_measured_says_how_to(tmp_path):
    shown = comparison("pair", LABELS, tmp_path / "pair.json")
    assert "Not measured here yet" in shown
    assert "python -m cvsr ablate pair" in shown


def test_levels_and_differences_stand_apart(tmp_path):
    path = tmp_path / "pair.json"
    write_result(RESULT, path)
    levels, differences = comparison("pair", LABELS, path).split("</table>")[:2]
    assert "21.00 ± 0.50" in levels
    assert "minus" not in levels
    assert "▲ +0.30 (+0.10 to +0.50)" in differences
    assert "9 minutes" in comparison("pair", LABELS, path)


def test_differences_of_a_measurement_are_paired_by_clip(tmp_path):
    path = tmp_path / "model.json"
    assert "evaluate pair</code> does" in measurement("pair", LABELS, path)
    rows = [*ROWS[:2], Row("one less bicubic", "clean", 3, {"psnr": Estimate(1.0, 0.5, 1.5)})]
    write_result(replace(RESULT, rows=rows), path)
    levels, differences = measurement("pair", LABELS, path).split("</table>")[:2]
    assert "less" not in levels
    assert "interval over clips" in differences
    assert "▲ +1.00 (" in differences


def test_without_differences_levels_stand_alone(tmp_path):
    path = tmp_path / "model.json"
    write_result(replace(RESULT, rows=ROWS[:2]), path)
    assert measurement("pair", LABELS, path).count("<table>") == 1


def test_every_kind_of_input_has_its_tables_and_the_first_is_open(tmp_path):
    path = tmp_path / "pair.json"
    dirty = [replace(row, clips="dirty", figures={"psnr": row.figures["psnr"]}) for row in ROWS]
    write_result(replace(RESULT, rows=[row for pair in zip(dirty, ROWS, strict=True) for row in pair]), path)
    shown = comparison("pair", LABELS, path)
    first, second = shown.split("</details>")[:2]
    assert first.endswith("</table>")
    assert "<details open><summary>dirty</summary><table><caption>dirty: ±" in first
    assert second.startswith("<details><summary>clean</summary><table><caption>clean: ±")
    for kind in (first, second):
        levels, differences = kind.split("</table>")[:2]
        assert levels.index("bicubic") < levels.index("one, 2 steps")
        assert "other minus one, 2 steps" in differences
    assert "error left" not in first  # a column that would be empty
    assert "error left" in second


def test_no_difference_is_claimed_where_the_interval_holds_zero():
    assert difference(Estimate(0.1, -0.1, 0.3)).startswith("≈")
    assert difference(Estimate(-0.2, -0.3, -0.1)).startswith("▼")
    assert difference(Estimate(0.2)) == "+0.200"
    assert difference(None) == level(None) == ""
    assert difference(Estimate(0.000123456, -0.5, 0.0)) == "≈ +0.00 (-0.50 to +0.00)"
    assert level(Estimate(0.0021, 0.00195, 0.00225)) == "0.00210 ± 0.00015"
    assert level(replace(Estimate(1.0), low=0.5, high=1.5)) == "1.00 ± 0.50"
    assert level(Estimate(31.25, 31.25 - 1e-9, 31.25 + 1e-9)) == "31.250 ± 0.000"
    assert level(Estimate(0.000021)) == "0.000021"


def test_the_papers_figures_stand_beside_ours(tmp_path):
    gained = {"ssim": Estimate(0.02, 0.01, 0.03), "high_frequency_ratio": Estimate(-0.1, -0.3, 0.1)}
    rows = [*ROWS[:2], Row("detail-aware minus uniform, 2 steps", "clean", 3, gained)]
    write_result(replace(RESULT, rows=rows), tmp_path / "table.json")
    shown = comparison("timestep_samplers", LABELS, tmp_path / "table.json")
    assert "In the paper (SimpleGVR, figure 6)" in shown
    assert "<td>68.94</td>" in shown
    agrees, untold = shown.split("Does it go as in the paper")[1].split("<tr>")[2:4]
    assert "DOVER overall +0.7" in agrees
    assert "▲ +0.02" in agrees
    assert "agrees" in agrees
    assert "cannot be told apart" in untold
