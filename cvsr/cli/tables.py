"""Results as tables in a terminal."""

from rich.table import Table

from cvsr.measurements.results import Estimate, Result


def tables(result: Result) -> list[Table]:
    """A table for each group of clips: a method a row, a figure a column; below the means their intervals."""
    made = []
    for group in dict.fromkeys(row.clips for row in result.rows):
        rows = [row for row in result.rows if row.clips == group]
        names = list(dict.fromkeys(name for row in rows for name in row.figures))
        table = Table(title=f"{result.name}: {group} ({rows[0].count})", title_justify="left")
        table.add_column("method")
        for name in names:
            table.add_column(name.replace("_", " "), justify="right")
        for row in rows:
            table.add_row(row.method, *(_cell(row.figures.get(name)) for name in names))
        made.append(table)
    return made


def _cell(figure: Estimate | None) -> str:
    if figure is None:
        return ""
    if figure.low is None:
        return _digits(figure.mean)
    return f"{_digits(figure.mean)}\n[dim]{_digits(figure.low)} to {_digits(figure.high)}[/]"


def difference(figure: Estimate) -> str:
    """With its sign, the interval in the next line."""
    if figure.low is None:
        return f"{figure.mean:+.3g}"
    return f"{figure.mean:+.3g}\n[dim]{figure.low:+.3g} to {figure.high:+.3g}[/]"


def _digits(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"
