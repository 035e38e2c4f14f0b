"""Whether an ablation went here as it went in its paper: the sign of each difference, if it can be told from none."""

from collections.abc import Iterator
from dataclasses import dataclass

from cvsr.measurements.results import Estimate, Result
from cvsr.training.ablations import COMPARISONS, Comparison, read_comparison
from cvsr.training.paper_trends import SAYS, Expected

AGREES, DISAGREES, UNTOLD, UNKNOWN = "agrees", "disagrees", "cannot be told apart", "no interval"
LESS_IS_BETTER = {"flicker", "warping_error", "error_left", "niqe", "seam_ratio"}


@dataclass(frozen=True)
class Trend:
    """A variant less the first one, in the paper and here.

    Attributes:
        variant, first: what is compared.
        paper: what the paper has, in words or as its difference.
        ours: our figure that stands for it, how and on which clips it was measured.
        difference: of ours, with the interval over training seeds.
        verdict: one of `AGREES`, `DISAGREES`, `UNTOLD` (the interval holds 0) and `UNKNOWN` (too few seeds).
    """

    variant: str
    first: str
    paper: str
    ours: str
    difference: Estimate
    verdict: str


def comparison_of(name: str) -> Comparison | None:
    """The comparison that a result is of; None for other measurements."""
    path = COMPARISONS / f"{name}.yaml"
    return read_comparison(path) if path.exists() else None


def trends(comparison: Comparison, result: Result) -> list[Trend]:
    """Every trend that the comparison's file names and the result can tell something of."""
    published, first = comparison.published, next(iter(comparison.variants))
    found = []
    for expected in published.trends if published else ():
        for variant in [expected.variant] if expected.variant else list(published.rows):
            if variant == first or (expected.paper and expected.paper not in published.rows[variant]):
                continue
            said, sign = _paper(comparison, expected, variant, first)
            for way, difference in _differences(result, expected, variant, first):
                ours = f"{expected.ours.replace('_', ' ')}, {expected.clips}, {way}"
                verdict = _verdict(sign, difference, expected.ours in LESS_IS_BETTER)
                found.append(Trend(variant, first, said, ours, difference, verdict))
    return found


def _paper(comparison: Comparison, expected: Expected, variant: str, first: str) -> tuple[str, int]:
    """What the paper has, and 1 where the variant is better, -1 where it is worse, 0 where they are equal."""
    if expected.says:
        return expected.says, SAYS[expected.says]
    rows = comparison.published.rows
    gained = rows[variant][expected.paper] - rows[first][expected.paper]
    return f"{expected.paper} {gained:+.3g}", (gained > 0) - (gained < 0)


def _differences(
    result: Result, expected: Expected, variant: str, first: str
) -> Iterator[tuple[str, Estimate]]:
    """The way of sampling and the difference, for each that was measured."""
    start = f"{variant} minus {first}, "
    for row in result.rows:
        way = row.method.removeprefix(start)
        asked = row.method.startswith(start) and row.clips == expected.clips and way.startswith(expected.way)
        if asked and expected.ours in row.figures:
            yield way, row.figures[expected.ours]


def _verdict(sign: int, difference: Estimate, less_is_better: bool) -> str:
    if difference.low is None or difference.high is None:
        return UNKNOWN
    if difference.low <= 0 <= difference.high:
        return UNTOLD
    ours = (1 if difference.mean > 0 else -1) * (-1 if less_is_better else 1)
    return AGREES if ours == sign else DISAGREES
