"""Ranges that the parameters of a degradation are drawn from, as they stand in YAML: [low, high]."""

from numpy.random import Generator

Range = tuple[float, float]


def check_range(name: str, span: Range, low: float, high: float) -> None:
    """Raise ValueError unless low ≤ span[0] ≤ span[1] ≤ high."""
    numbers = isinstance(span, tuple) and len(span) == 2 and all(isinstance(end, int | float) for end in span)
    if not (numbers and low <= span[0] <= span[1] <= high):
        raise ValueError(
            f"{name}={span}: no such range; allowed {low} ≤ low ≤ high ≤ {high}; try [low, high]"
        )


def check_probabilities(**probabilities: float) -> None:
    """Raise ValueError unless each is in [0, 1] and together they are at most 1."""
    numbers = all(isinstance(value, int | float) for value in probabilities.values())
    if not numbers or min(probabilities.values()) < 0 or sum(probabilities.values()) > 1:
        given = ", ".join(f"{name}={value}" for name, value in probabilities.items())
        raise ValueError(f"{given}: no probabilities; allowed 0 to 1, together at most 1; try smaller ones")


def uniform(rng: Generator, span: Range) -> float:
    """A number between both ends."""
    return float(rng.uniform(*span))


def uniform_integer(rng: Generator, span: Range) -> int:
    """A whole number between both ends, which can be drawn themselves."""
    return int(rng.integers(span[0], span[1], endpoint=True))
