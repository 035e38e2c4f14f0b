"""A panel a metric, a dot a method, in one order and with the way that is better."""

from cvsr.measurements.results import Estimate, Result, Row
from cvsr.notebook.figures import PALETTE, png
from cvsr.notebook.metric_charts import describe, draw_metrics

ROWS = [
    Row("bicubic", "world", 3, {"psnr": Estimate(22.0, 20.0, 24.0), "niqe": Estimate(11.0)}),
    Row("ours", "world", 3, {"psnr": Estimate(23.0, 21.0, 25.0)}),
]
RESULT = Result("videos", "How close?", "python -m cvsr evaluate", "abc", "2026-01-01", "none", {}, "1 minute", ROWS)


def test_panels_dots_and_intervals():
    figure = draw_metrics(RESULT)
    panels = figure.axes
    assert [panel.get_title() for panel in panels] == ["PSNR, dB", "NIQE of this kit"]
    assert [panel.get_xlabel() for panel in panels] == ["more is better →", "← less is better"]
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ["bicubic", "ours"]
    bars, dots = panels[0].lines[::2], panels[0].lines[1::2]
    assert [list(bar.get_xdata()) for bar in bars] == [[20.0, 24.0], [21.0, 25.0]]
    assert [dot.get_xdata()[0] for dot in dots] == [22.0, 23.0]
    assert {dot.get_color() for dot in dots} <= set(PALETTE.values())
    assert len({dot.get_marker() for dot in dots}) == 2
    assert len(panels[1].lines) == 1  # one method has it, and it has no interval
    assert png(figure).startswith(b"\x89PNG")


def test_the_figure_in_words():
    assert describe(RESULT) == "Dots with confidence intervals; world: bicubic, ours by psnr, niqe."
