"""`python -m cvsr weights`."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cvsr.weights import Weights, list_weights


def weights(*, weights: str | None) -> int:
    """Print every model's card and verdict; 1 if a file is not what its card says."""
    found = list_weights(weights)
    table = Table(title=f"weights in {found[0].folder.parent}", title_justify="left")
    for column in ("model", "MB", "trained", "held out", "files"):
        table.add_column(column, justify="right" if column == "MB" else "left", overflow="fold")
    for entry in found:
        table.add_row(
            entry.folder.name, f"{entry.size / 1e6:.1f}", *map(escape, _card(entry)), _verdict(entry)
        )
    Console().print(table)
    return 1 if any(entry.problems for entry in found) else 0


def _card(entry: Weights) -> tuple[str, str]:
    card = entry.card
    if card is None:
        return "", ""
    trained = f"{card.steps} steps on {card.data}\n{card.minutes:.0f} min on {card.device}\n{card.command}"
    return trained, "\n".join(f"{name} {value:g}" for name, value in card.held_out.items())


def _verdict(entry: Weights) -> str:
    return "\n".join(f"[red]{escape(problem)}[/]" for problem in entry.problems) or "[green]as in the card[/]"
