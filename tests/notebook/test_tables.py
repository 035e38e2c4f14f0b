import pytest

from cvsr.notebook.tables import table


def test_values_stand_under_their_columns():
    page = table(
        "who <wins>", {"bicubic": {"PSNR": 31.25, "seed": "–"}, "model": {"PSNR": 1, "seed": "7"}}, digits=4
    )
    assert "<caption>who &lt;wins&gt;</caption>" in page
    assert '<th scope="row">bicubic</th><td>31.25</td><td>–</td>' in page
    assert '<th scope="row">model</th><td>1</td><td>7</td>' in page


def test_rows_have_equal_columns():
    with pytest.raises(ValueError, match=r"rows=\['b'\]"):
        table("", {"a": {"x": 1}, "b": {"y": 1}})


def test_large_numbers_are_written_in_full():
    shown = table("t", {"a": {"x": 1123.6, "y": 999.6, "z": float("inf"), "w": 1234567}})
    assert "<td>1,124</td>" in shown
    assert "<td>1,000</td><td>inf</td>" in shown
    assert "<td>1,234,567</td>" in shown
