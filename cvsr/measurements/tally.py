"""From figures of single clips to means with confidence intervals."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import stats

from cvsr.measurements.results import Estimate, Row

CONFIDENCE = 0.95
FEWEST = 3  # values below which an interval says nothing


class Tally:
    """Collects figures clip by clip, for several methods and groups of clips."""

    def __init__(self):
        self.figures: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, method: str, clips: str, figures: dict[str, float]) -> None:
        """Figures of one clip; True and False count as a share."""
        for name, value in figures.items():
            self.figures[method, clips][name].append(value)

    def rows(self) -> list[Row]:
        """One row for every method on every group, in the order of their first clip."""
        return [
            Row(method, clips, len(next(iter(lists.values()))), {k: estimate(v) for k, v in lists.items()})
            for (method, clips), lists in self.figures.items()
        ]


def estimate(values: Sequence[float]) -> Estimate:
    """The mean with Student's interval; of truth values the share with Wilson's, sound near 0 and 1."""
    mean = float(np.mean(values))
    if len(values) < FEWEST:
        return Estimate(mean)
    if all(isinstance(value, bool) for value in values):
        low, high = stats.binomtest(sum(values), len(values)).proportion_ci(CONFIDENCE, "wilson")
    else:
        reach = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values)
        low, high = mean - reach, mean + reach
    return Estimate(mean, float(low), float(high))
