"""What a paper says of an ablation: the figures of its table, and which of ours stand for them.

In a comparison's file:

    published:
      source: SimpleGVR, table 2
      rows:
        full: {MUSIQ: 62.19, DOVER overall: 69.64}
        windows: {MUSIQ: 59.33, DOVER overall: 67.95}
      trends:
        - {paper: MUSIQ, ours: psnr}                                       # of every variant that has a row
        - {variant: windows, says: worse, ours: psnr, clips: clean}        # where the paper has words or pictures only

A variant's figure less the first one's has a sign; the trend is whether ours has the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SAYS = {"better": 1, "worse": -1}


@dataclass(frozen=True)
class Expected:
    """One trend of a paper, and the figure of ours that it is looked for in.

    Attributes:
        ours: the figure.
        paper: a figure of the rows; more of it is better.
        variant, says: instead of it, a variant and "better" or "worse" than the first.
        clips: the kind of clips.
        way: how the way of sampling begins; "" is every way.
    """

    ours: str
    paper: str = ""
    variant: str = ""
    says: str = ""
    clips: str = "clean"
    way: str = ""


@dataclass(frozen=True)
class Published:
    """A paper's ablation.

    Attributes:
        source: the paper and its table, figure or section.
        rows: variant → figure → value; without those of which it shows pictures only.
        trends: what is looked for in ours.

    Raises:
        ValueError: a trend of an unknown figure or variant, or neither of figures nor of words.
    """

    source: str
    rows: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    trends: tuple[Expected, ...] = ()

    def __post_init__(self):
        figures = {name for row in self.rows.values() for name in row}
        for trend in self.trends:
            if bool(trend.paper) == bool(trend.says) or (trend.says and not trend.variant):
                raise ValueError(f"published={trend}: allowed a figure of the paper, or a variant and what it says")
            if (trend.paper and trend.paper not in figures) or (trend.says and trend.says not in SAYS):
                raise ValueError(f"published={trend}: unknown; allowed {sorted(figures)}, or says: {list(SAYS)}")


def read_published(contents: Mapping[str, Any] | None, variants: Sequence[str]) -> Published | None:
    """From a comparison's file; ValueError for rows and trends of other variants than it has."""
    if contents is None:
        return None
    trends = tuple(Expected(**trend) for trend in contents.get("trends", ()))
    published = Published(**dict(contents) | {"trends": trends})
    named = {*published.rows, *(trend.variant for trend in trends if trend.variant)}
    if unknown := sorted(named - set(variants)):
        raise ValueError(f"published={unknown}: no variants; allowed {list(variants)}; try one of them")
    return published
