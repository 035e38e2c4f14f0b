"""Ranges that the parameters of a degradation are drawn from, as they stand in YAML: [low, high]."""

from numpy.random import Generator

Range = tuple[float, float]


def check_range(name: str, range: Range, low: float, high: float) -> None:
    """Raise ValueError unless low ≤ range[0] ≤ range[1] ≤ high."""
    numbers = (
        isinstance(range, tuple) and len(range) == 2 and all(isinstance(end, int | float) for end in range)
    )
    if not (numbers and low <= range[0] <= range[1] <= high):
        raise ValueError(
            f"{name}={range}: no such range; allowed {low} ≤ low ≤ high ≤ {high}; try [low, high]"
        )


def check_probabilities(**probabilities: float) -> None:
    """Raise ValueError unless each is in [0, 1] and together they are at most 1."""
    numbers = all(isinstance(value, int | float) for value in probabilities.values())
    if not numbers or min(probabilities.values()) < 0 or sum(probabilities.values()) > 1:
        given = ", ".join(f"{name}={value}" for name, value in probabilities.items())
        raise ValueError(f"{given}: no probabilities; allowed 0 to 1, together at most 1; try smaller ones")


def uniform(rng: Generator, range: Range) -> float:
    """A number between both ends."""
    return float(rng.uniform(*range))


def uniform_integer(rng: Generator, range: Range) -> int:
    """A whole number between both ends, which can be drawn themselves."""
    return int(rng.integers(range[0], range[1], endpoint=True))
