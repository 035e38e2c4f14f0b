"""What videos were judged to be, as a figure: a panel a metric, a dot with its interval a method."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from cvsr.measurements.results import Result, Row
from cvsr.measurements.video_metrics import METRICS
from cvsr.measurements.video_tables import by_group, names
from cvsr.notebook.figures import PALETTE

COLOURS = ("black", "blue", "orange", "green", "vermilion", "purple", "sky", "yellow")
SHAPES = "osD^vP*X"  # beside the colours, for those who cannot tell them apart
ACROSS = 3  # panels in a row
WAYS = {"more": "more is better →", "less": "← less is better", "": "an amount: compare"}


def draw_metrics(result: Result) -> Figure:
    """Panels of every group of clips, one below the other; methods stand in the same order in all."""
    groups = {group: (rows, names(rows)) for group, rows in by_group(result).items()}
    lines = sum(-(-len(metrics) // ACROSS) for _, metrics in groups.values())
    methods = max(len(rows) for rows, _ in groups.values())
    figure = Figure(figsize=(3.1 * ACROSS, lines * (1.1 + 0.27 * methods)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)  # a panel's title is not the one above's label
    grid, line = figure.add_gridspec(lines, ACROSS), 0
    for rows, metrics in groups.values():
        for number, metric in enumerate(metrics):
            place = grid[line + number // ACROSS, number % ACROSS]
            _panel(figure.add_subplot(place), metric, rows, labelled=number % ACROSS == 0)
        line += -(-len(metrics) // ACROSS)
    counted = [f"{group}: {rows[0].count} clip{'s' * (rows[0].count > 1)}" for group, (rows, _) in groups.items()]
    figure.supxlabel(f"{', then '.join(counted)}; bars are 95 % intervals over clips", fontsize=9)
    return figure


def describe(result: Result) -> str:
    """The figure's content in words, for those who cannot see it."""
    groups = by_group(result).items()
    told = [f"{group}: {', '.join(row.method for row in rows)} by {', '.join(names(rows))}" for group, rows in groups]
    return f"Dots with confidence intervals; {'; '.join(told)}."


def _panel(axes, metric: str, rows: Sequence[Row], labelled: bool) -> None:
    for place, row in enumerate(rows):
        if figure := row.figures.get(metric):
            colour, shape = PALETTE[COLOURS[place % len(COLOURS)]], SHAPES[place % len(SHAPES)]
            if figure.low is not None:
                axes.plot([figure.low, figure.high], [place, place], color=colour, linewidth=1.6)
            axes.plot(figure.mean, place, shape, color=colour, markersize=6)
    axes.set_title(METRICS[metric].title, fontsize=9.5)
    axes.set_xlabel(WAYS[METRICS[metric].better], fontsize=8)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [row.method for row in rows] if labelled else [""] * len(rows), fontsize=9)
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
