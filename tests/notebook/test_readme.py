from dataclasses import replace

import pytest

from cvsr.measurements.results import Estimate, Result, Row, write_result
from cvsr.notebook.readme import BEGIN, END, README, fill, read_results

RESULT = Result(
    name="codec",
    question="What is lost?",
    command="python -m cvsr evaluate codec",
    commit="abc",
    date="2026-01-01",
    machine="a machine",
    seeds={},
    budget="1 minute",
    rows=[
        Row("bicubic", "world", 32, {"psnr": Estimate(31.254, 30, 32)}),
        Row("model", "world", 32, {"psnr": Estimate(35), "high_frequency_ratio": Estimate(0.41)}),
    ],
)


def test_tables_replace_what_stood_between_the_marks():
    filled = fill(f"above\n{BEGIN}\nold\n{END}\nbelow", [RESULT])
    assert filled.startswith("above\n")
    assert filled.endswith("\nbelow")
    assert "old" not in filled
    assert "| clips | method | psnr | high frequency ratio |\n|---|---|---:|---:|" in filled
    assert "| world (32) | bicubic | 31.3 ± 1.0 |  |" in filled
    assert "| world (32) | model | 35.00 | 0.410 |" in filled
    assert "`python -m cvsr evaluate codec`, commit abc" in filled
    assert filled.count("<details><summary>What is lost?</summary>\n\n|") == filled.count("\n\n</details>") == 1
    assert fill(filled, [RESULT]) == filled


def test_trends_stand_below_the_table_of_a_comparison():
    gained = Row("windows minus full, 4 steps", "clean", 3, {"psnr": Estimate(-0.133, -0.2, -0.1)})
    result = replace(RESULT, name="attention_operators", rows=[*RESULT.rows, gained])
    lines = fill(f"{BEGIN}\n{END}", [result]).splitlines()
    assert "| variant | SimpleGVR, table 2 | here | difference | trend |" in lines
    assert "| windows minus full | MUSIQ -2.86 | psnr, clean, 4 steps | ▼ -0.133 (-0.200 to -0.100) | agrees |" in lines


def test_curves_are_for_lessons(tmp_path):
    for name in ("detail_curve", "detail_curve_other", "codec"):
        write_result(RESULT, tmp_path / f"{name}.json")
    assert read_results(tmp_path) == [RESULT]


def test_a_text_without_marks_is_refused():
    with pytest.raises(ValueError, match="no place for figures"):
        fill("text", [])


def test_the_figures_of_the_readme_are_those_of_the_results():
    text = README.read_text()
    assert text == fill(text, read_results()), "run `make readme`"
