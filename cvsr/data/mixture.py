"""From which source a training sample comes: the world, its tasks, photographs, videos.

Files bear the name of their source in front (`cvsr.data.pixel_sources`), and shares say how often each is drawn,
however many files it has.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np


class Mixture:
    """Files in groups, each drawn as often as its share says.

    Args:
        files: whose names begin with their source's.
        shares: source → how often, such as {"world": 0.4, "": 0.6}, of any sum; "" takes whatever no other name does.

    Raises:
        ValueError: a share without a file.
    """

    def __init__(self, files: Sequence[Path], shares: dict[str, float] | None = None):
        self.shares = shares or {"": 1.0}
        named = tuple(name for name in self.shares if name)
        self.groups = {
            name: [file for file in files if (file.name.startswith(name) if name else not file.name.startswith(named))]
            for name in self.shares
        }
        for name, group in self.groups.items():
            if not group:
                raise ValueError(
                    f"shares={self.shares}: no file begins with {name!r}; allowed names of the sources; try {{'': 1.0}}"
                )

    def draw(self, rng: np.random.Generator, sources: Sequence[str] | None = None) -> Path:
        """A file of any source, or of those named only, between which the shares stay in proportion.

        Raises:
            ValueError: a source that has no share, or none with one above 0.
        """
        names = list(self.shares if sources is None else sources)
        shares = np.array([self.shares.get(name, np.nan) for name in names], float)
        if not shares.sum() > 0:
            raise ValueError(f"sources={names}: nothing to draw; allowed some of {self.shares}; try others")
        group = self.groups[names[rng.choice(len(names), p=shares / shares.sum())]]
        return group[rng.integers(len(group))]

    def fellow(self, rng: np.random.Generator, file: Path) -> Path:
        """Another file of the same source; the same one if there is no other."""
        group = next(group for group in self.groups.values() if file in group)
        others = [other for other in group if other != file] or group
        return others[rng.integers(len(others))]
