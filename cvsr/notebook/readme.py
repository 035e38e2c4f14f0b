"""The README's figures, read from data/results: `make readme`. None is typed by hand."""

import html
from collections.abc import Sequence
from pathlib import Path

from cvsr.measurements.results import REPOSITORY, RESULTS, Result, read_result
from cvsr.measurements.trends import comparison_of, trends
from cvsr.notebook.comparisons import difference, is_difference, level

README = REPOSITORY / "README.md"
CURVES = "detail_curve"  # and those of other models, detail_curve_…: too long for a table, lessons draw them
BEGIN, END = "<!-- figures: begin (make readme) -->", "<!-- figures: end -->"


def main() -> None:
    """Write the tables of all results into the README."""
    README.write_text(fill(README.read_text(), read_results()))


def read_results(folder: Path = RESULTS) -> list[Result]:
    """Every result of a folder that is a table, by name."""
    return [read_result(path) for path in sorted(folder.glob("*.json")) if not path.stem.startswith(CURVES)]


def fill(text: str, results: Sequence[Result]) -> str:
    """The text with the tables of the results, and nothing else, between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"text={text[:20]!r}…: no place for figures; allowed a text with {BEGIN} and {END}")
    return before + BEGIN + "\n" + "".join(map(section, results)) + END + after


def section(result: Result) -> str:
    """A result in Markdown, folded: what it answers; below, a table, and how to measure it again.

    Levels stand with half of their 95 % interval, differences with all of it.
    """
    figures = list(dict.fromkeys(name for row in result.rows for name in row.figures))
    head = ["clips", "method", *(name.replace("_", " ") for name in figures)]
    summary = f"<summary>{html.escape(result.question)}</summary>"
    lines = [f"\n<details>{summary}\n", _line(head), "|---|---" + "|---:" * len(figures) + "|"]
    for row in result.rows:
        cell = difference if is_difference(row) else level
        cells = (cell(row.figures.get(name)) for name in figures)
        lines.append(_line([f"{row.clips} ({row.count})", row.method, *cells]))
    lines += _beside_the_paper(result)
    lines.append(f"\n`{result.command}`, commit {result.commit}, {result.date}, {result.machine}\n\n</details>")
    return "\n".join(lines) + "\n"


def _beside_the_paper(result: Result) -> list[str]:
    """Whether the differences go as in the paper; nothing where none is named."""
    compared = comparison_of(result.name)
    found = trends(compared, result) if compared else []
    if not found:
        return []
    head = ["variant", compared.published.source, "here", "difference", "trend"]
    lines = ["", _line(head), "|---|---|---|---:|---|"]
    for trend in found:
        name = f"{trend.variant} minus {trend.first}"
        lines.append(_line([name, trend.paper, trend.ours, difference(trend.difference), trend.verdict]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
