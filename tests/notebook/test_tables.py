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
