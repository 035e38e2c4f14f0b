import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.notebook.tables import table


def cells(values, digits=3):
    page = table("t", {str(number): {"x": value} for number, value in enumerate(values)}, digits)
    return re.findall("<td>(.*?)</td>", page)


def test_values_stand_under_their_columns():
    page = table(
        "who <wins>", {"bicubic": {"PSNR": 31.25, "seed": "–"}, "model": {"PSNR": 1, "seed": "7"}}, digits=4
    )
    assert "<caption>who &lt;wins&gt;</caption>" in page
    assert '<th scope="row">bicubic</th><td>31.25</td><td>–</td>' in page
    assert '<th scope="row">model</th><td>1.00</td><td>7</td>' in page


def test_rows_have_equal_columns():
    with pytest.raises(ValueError, match=r"rows=\['b'\]"):
        table("", {"a": {"x": 1}, "b": {"y": 1}})


def test_large_numbers_are_written_in_full():
    assert cells([1123.6, 1234567]) == ["1,124", "1,234,567"]
    assert cells([999.6, float("inf")]) == ["1,000", "inf"]


def test_figures_of_a_column_have_one_number_of_decimals():
    assert cells([25.0, 25.21]) == ["25.0", "25.2"]
    assert cells([0.0685, 0.38, 1]) == ["0.069", "0.380", "1.000"]
    assert cells([4.16e-5, 0.000559]) == ["0.000042", "0.000559"]
    assert cells([3, -12, 0]) == ["3", "-12", "0"]


def test_figures_far_from_each_other_have_digits_of_their_own():
    assert cells([1.234e-7, 12.34, 56789.1]) == ["0.000000123", "12.3", "56,789"]


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6), min_size=1), st.integers(2, 5))
def test_every_figure_is_seen_to_two_digits(values, digits):
    shown = [float(cell.replace(",", "")) for cell in cells(values, digits)]
    assert np.allclose(shown, values, rtol=0.05001)
    assert not any("e" in cell for cell in cells(values, digits))
