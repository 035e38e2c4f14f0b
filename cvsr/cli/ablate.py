"""`python -m cvsr ablate`: a comparison of trainings within a budget, beside what its paper found."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cvsr.cli.evaluate import target
from cvsr.cli.memory import keep_freed_memory
from cvsr.cli.session import device, quiet_libraries
from cvsr.cli.tables import difference, tables
from cvsr.measurements import ablations
from cvsr.measurements.clips import VALIDATION
from cvsr.measurements.results import Result, current_commit, describe_machine, today, write_result
from cvsr.measurements.trends import Trend, trends
from cvsr.training.ablations import COMPARISONS, Comparison, minutes, read_comparison, within_budget


def ablate(
    *, name: str, budget: float | None, count: int, runs: str, json: str | None, weights: str | None
) -> int:
    """Train what is not trained yet, measure, print the tables and keep them as a result."""
    path = target(name, json)
    comparison = read_comparison(COMPARISONS / f"{name}.yaml")
    keep_freed_memory()
    quiet_libraries()
    if budget is not None:
        comparison = within_budget(comparison, budget, runs, weights)
        sys.stdout.write(f"{name}: {comparison.training_steps} steps a run within {budget:g} minutes\n")
    result = _measure(comparison, budget, count, runs, weights)
    write_result(result, path)
    console = Console()
    for table in [*tables(result), *_published(comparison), *_agreement(trends(comparison, result))]:
        console.print(table)
    sys.stdout.write(f"wrote {path}\n")
    return 0


def _measure(
    comparison: Comparison, budget: float | None, count: int, runs: str, weights: str | None
) -> Result:
    rows = ablations.measure(comparison, runs, count, weights, device())
    number = len(comparison.variants) * len(comparison.seeds)
    steps = f" of {comparison.training_steps} steps" if comparison.training_steps else ""
    asked = f" --budget {budget:g}" if budget is not None else ""
    return Result(
        name=comparison.name,
        question=comparison.question,
        command=f"python -m cvsr ablate {comparison.name}{asked} --count {count}",
        commit=current_commit(),
        date=today(),
        machine=describe_machine(),
        seeds={
            "training": ", ".join(map(str, comparison.seeds)),
            "scenes": f"0 to {count - 1} of the {VALIDATION} split",
            "noise": "0",
        },
        budget=f"{minutes(comparison, Path(runs)):.0f} minutes of training in {number} runs{steps}",
        rows=rows,
    )


def _published(comparison: Comparison) -> list[Table]:
    """The paper's figures, a variant a row; none where it has no table."""
    if not (comparison.published and comparison.published.rows):
        return []
    rows = comparison.published.rows
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = Table("variant", title=f"in the paper: {comparison.published.source}", title_justify="left")
    for name in names:
        table.add_column(name, justify="right")
    for variant, row in rows.items():
        table.add_row(variant, *(f"{row[name]:g}" if name in row else "" for name in names))
    return [table]


def _agreement(found: list[Trend]) -> list[Table]:
    """What the paper says of each variant and ours, and whether they go the same way."""
    if not found:
        return []
    table = Table("variant", "paper", "here", title="trends, against the first variant", title_justify="left")
    table.add_column("difference", justify="right")
    table.add_column("trend", no_wrap=True)
    for trend in found:
        name = f"{trend.variant}\n[dim]minus {trend.first}[/]"
        table.add_row(name, trend.paper, trend.ours, difference(trend.difference), trend.verdict)
    return [table]
