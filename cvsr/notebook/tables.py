"""Tables of figures in a page."""

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

WIDEST = 6  # digits of a column's largest figure, so that its smallest has two


def table(caption: str, rows: Mapping[str, Mapping[str, float | str]], digits: int = 3) -> str:
    """HTML of a table: row name -> column name -> value.

    The figures of a column have as many decimals as its largest needs for so many significant `digits`, or its
    smallest for two. Where that would be a wide column of zeros, each figure has `digits` of its own.
    """
    columns = list(next(iter(rows.values())))
    if wrong := [name for name, row in rows.items() if list(row) != columns]:
        raise ValueError(f"rows={wrong}: other columns than the first row; allowed exactly {columns}")
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in ("", *columns))
    cells = [_column([row[column] for row in rows.values()], digits) for column in columns]
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>' + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
        for name, row in zip(rows, zip(*cells, strict=True), strict=True)
    )
    title = html.escape(caption)
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def plain(value: float, digits: int, signed: bool = False) -> str:
    """A number to so many significant digits, never with an exponent; `signed` writes a plus, too."""
    return np.format_float_positional(value, digits, fractional=False, trim="-", sign=signed)


def _column(values: Sequence[float | str], digits: int) -> list[str]:
    figures = [float(value) for value in values if not isinstance(value, str)]
    decimals = _decimals([abs(figure) for figure in figures if figure and math.isfinite(figure)], digits)
    return [
        html.escape(value) if isinstance(value, str) else _figure(float(value), digits, decimals) for value in values
    ]


def _decimals(sizes: Sequence[float], digits: int) -> int | None:
    """Of all figures of a column, None where they have no such number in common."""
    if all(size == int(size) for size in sizes):
        return 0
    largest, smallest = (math.floor(math.log10(size)) for size in (max(sizes), min(sizes)))
    decimals = max(0, digits - 1 - largest, 1 - smallest)
    return decimals if decimals + largest < WIDEST else None


def _figure(value: float, digits: int, decimals: int | None) -> str:
    if decimals is not None or not math.isfinite(value):
        return f"{value:,.{decimals or 0}f}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return plain(value, digits)
