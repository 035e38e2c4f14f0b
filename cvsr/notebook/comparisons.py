"""Comparisons and measurements in a page: the table that was measured, or the command that measures it."""

import html
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from cvsr.measurements.results import Estimate, Result, Row, read_result, results_file
from cvsr.measurements.trends import comparison_of, trends
from cvsr.notebook.tables import plain, table

LEGEND = "▲ above, ▼ below, ≈ not told apart: the 95 % interval over training seeds holds 0"
APART = (" minus ", " less ")  # in the names of rows that are differences
NOTHING = 1e-6  # what is smaller is rounding


def comparison(name: str, labels: Mapping[str, str], path: Path | None = None) -> str:
    """HTML of a comparison's result: what each variant reached, and its differences from the first, by kind of input.

    Args:
        name: of the comparison, as for `python -m cvsr ablate`.
        labels: figure → head of its column, for the figures to show.
        path: of the result; the repository's by default.
    """
    path = path or results_file(name)
    if not path.exists():
        return (
            f"<p><b>Not measured here yet.</b> <code>python -m cvsr ablate {html.escape(name)}</code> trains and"
            " measures it in about an hour on one CPU core; stopped, it goes on where it was."
            " Then run this cell again.</p>"
        )
    result = read_result(path)
    return _tables(result, labels, LEGEND) + beside_the_paper(name, result)


def beside_the_paper(name: str, result: Result) -> str:
    """HTML of the paper's figures and of whether ours go the same way; empty where no paper is named."""
    compared = comparison_of(name)
    if compared is None or compared.published is None:
        return ""
    published, shown = compared.published, ""
    if published.rows:
        heads = dict.fromkeys(figure for row in published.rows.values() for figure in row)
        rows = {
            variant: {head: f"{row[head]:g}" if head in row else "" for head in heads}
            for variant, row in published.rows.items()
        }
        shown = table(f"In the paper ({published.source})", rows)
    found = {
        f"{trend.variant} minus {trend.first}: {trend.ours}": {
            "paper": trend.paper,
            "here": difference(trend.difference),
            "trend": trend.verdict,
        }
        for trend in trends(compared, result)
    }
    return shown + (table(f"Does it go as in the paper ({published.source})?", found) if found else "")


def measurement(name: str, labels: Mapping[str, str], path: Path | None = None) -> str:
    """HTML of what was measured of a model, and of the differences that were paired by clip, by kind of clips.

    Args: as for `comparison`.
    """
    path = path or results_file(name)
    if not path.exists():
        return (
            f"<p><b>Not measured here yet.</b> <code>python -m cvsr evaluate {html.escape(name)}</code> does."
            " Then run this cell again.</p>"
        )
    return _tables(read_result(path), labels, LEGEND.replace("training seeds", "clips"))


def _tables(result: Result, labels: Mapping[str, str], legend: str) -> str:
    """Two tables a kind of clips, those of the first kind open, others folded: see `_of_a_kind`."""
    kinds = list(dict.fromkeys(row.clips for row in result.rows))
    shown = {
        kind: _of_a_kind(kind, [row for row in result.rows if row.clips == kind], labels, legend)
        for kind in kinds
    }
    if len(kinds) > 1:
        for kind, tables in shown.items():
            state = " open" if kind == kinds[0] else ""
            shown[kind] = f"<details{state}><summary>{html.escape(kind)}</summary>{tables}</details>"
    return f"<p><b>{html.escape(result.question)}</b></p>" + "".join(shown.values()) + _provenance(result)


def _of_a_kind(kind: str, rows: Sequence[Row], labels: Mapping[str, str], legend: str) -> str:
    """What each method reached, and the rows that are differences."""
    heads = {key: head for key, head in labels.items() if any(key in row.figures for row in rows)}
    reached = [row for row in rows if not is_difference(row)]
    gained = [row for row in rows if is_difference(row)]
    shown = ""
    halves = (reached, level, "± half of the 95 % interval"), (gained, difference, f"differences, {legend}")
    for said, cell, told in halves:
        if said:
            cells = {row.method: {head: cell(row.figures.get(key)) for key, head in heads.items()} for row in said}
            shown += table(f"{kind}: {told}", cells)
    return shown


def is_difference(row: Row) -> bool:
    """Whether a row holds what one method has more than another, by its name."""
    return any(mark in row.method for mark in APART)


def level(figure: Estimate | None) -> str:
    """The mean, with half of its interval where there is one, to as many decimals as give that two digits."""
    if figure is None:
        return ""
    if figure.low is None:
        return _number(figure.mean)
    decimals = _decimals(figure)
    return f"{figure.mean:z.{decimals}f} ± {(figure.high - figure.low) / 2:.{decimals}f}"


def difference(figure: Estimate | None) -> str:
    """A mark that says whether it is one, the mean and the interval, to as many decimals as a level."""
    if figure is None:
        return ""
    if figure.low is None:
        return _number(figure.mean, "+")
    mark = "▲" if figure.low > 0 else "▼" if figure.high < 0 else "≈"
    form = f"+z.{_decimals(figure)}f"
    return f"{mark} {figure.mean:{form}} ({figure.low:{form}} to {figure.high:{form}})"


def _decimals(figure: Estimate) -> int:
    half = (figure.high - figure.low) / 2
    return max(0, 1 - math.floor(math.log10(half))) if half > NOTHING else 3


def _number(value: float, sign: str = "") -> str:
    """Two decimals from ten on, three from a tenth on, three digits of what is smaller; `sign` as in a format."""
    if NOTHING < abs(value) < 0.1:
        return plain(value, 3, bool(sign))
    return f"{value:{sign}z.2f}" if abs(value) >= 10 else f"{value:{sign}z.3f}"


def _provenance(result: Result) -> str:
    text = f"{result.command}, commit {result.commit}, {result.date}, {result.budget}"
    return f"<p><small>{html.escape(text)}</small></p>"
