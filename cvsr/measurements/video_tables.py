"""What `cvsr.measurements.videos` has measured as Markdown and CSV: a metric a row, a method a column."""

import csv
import io
from collections.abc import Mapping, Sequence

from cvsr.measurements.results import Estimate, Result, Row
from cvsr.measurements.video_metrics import METRICS

MARKS = {"more": "↑", "less": "↓", "": ""}
LEGEND = "↑ more is better, ↓ less is better; in brackets 95 % confidence intervals over clips"
COLUMNS = ("clips", "method", "metric", "better", "mean", "low", "high", "count")


def by_group(result: Result) -> dict[str, list[Row]]:
    """The rows of each group of clips, a method each."""
    groups = dict.fromkeys(row.clips for row in result.rows)
    return {group: [row for row in result.rows if row.clips == group] for group in groups}


def names(rows: Sequence[Row]) -> list[str]:
    """The metrics that any of the rows has, in the order of `METRICS`."""
    return [name for name in METRICS if any(name in row.figures for row in rows)]


def title(name: str) -> str:
    """A metric's title with the mark of its better way."""
    return f"{METRICS[name].title} {MARKS[METRICS[name].better]}".rstrip()


def best(name: str, rows: Sequence[Row]) -> str | None:
    """The method that a metric puts first, if it has a better way and there are two to compare."""
    means = {row.method: row.figures[name].mean for row in rows if name in row.figures}
    if len(means) < 2 or not METRICS[name].better:
        return None
    return (max if METRICS[name].better == "more" else min)(means, key=means.get)


def markdown(result: Result, left_out: Mapping[str, str]) -> str:
    """A table for each group of clips, what was not measured and why, and how to measure it again."""
    lines = [f"**{result.question}**", ""]
    for group, rows in by_group(result).items():
        lines += [_line([f"{group} ({rows[0].count})", *(row.method for row in rows)])]
        lines += ["|---" + "|---:" * len(rows) + "|"]
        for name in names(rows):
            first = best(name, rows)
            cells = [cell(row.figures.get(name)) for row in rows]
            cells = [f"**{text}**" if row.method == first else text for text, row in zip(cells, rows, strict=True)]
            lines.append(_line([title(name), *cells]))
        lines.append("")
    lines += [f"{LEGEND}.", ""]
    lines += [f"- {line}" for line in not_measured(left_out)] + [""] * bool(left_out)
    lines.append(f"`{result.command}`, commit {result.commit}, {result.date}, {result.machine}")
    return "\n".join(lines) + "\n"


def not_measured(left_out: Mapping[str, str]) -> list[str]:
    """A line for each reason: the metrics that were left out for it."""
    reasons = dict.fromkeys(left_out.values())
    return [
        f"not measured: {', '.join(name for name, why in left_out.items() if why == reason)}: {reason}"
        for reason in reasons
    ]


def to_csv(result: Result) -> str:
    """A line for each figure; intervals are empty where there are too few clips."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in result.rows:
        for name, figure in row.figures.items():
            better = METRICS[name].better
            writer.writerow([row.clips, row.method, name, better, figure.mean, figure.low, figure.high, row.count])
    return text.getvalue()


def cell(figure: Estimate | None) -> str:
    """The mean to four digits, and its interval where there is one."""
    if figure is None:
        return ""
    if figure.low is None:
        return f"{figure.mean:.4g}"
    return f"{figure.mean:.4g} ({figure.low:.4g} to {figure.high:.4g})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
