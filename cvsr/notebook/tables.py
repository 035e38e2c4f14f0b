"""Tables of figures in a page."""

import html
from collections.abc import Mapping


def table(caption: str, rows: Mapping[str, Mapping[str, float | str]], digits: int = 3) -> str:
    """HTML of a table: row name -> column name -> value, with so many significant digits."""
    columns = list(next(iter(rows.values())))
    if wrong := [name for name, row in rows.items() if list(row) != columns]:
        raise ValueError(f"rows={wrong}: other columns than the first row; allowed exactly {columns}")
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in ("", *columns))
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{_cell(value, digits)}</td>" for value in row.values())
        + "</tr>"
        for name, row in rows.items()
    )
    title = html.escape(caption)
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: float | str, digits: int) -> str:
    if isinstance(value, str):
        return html.escape(value)
    text = f"{float(value):.{digits}g}"
    return f"{float(value):,.0f}" if "e+" in text else text  # large numbers in full
