"""Parsers of single values of the command line, each with an error that says what is allowed."""

import math
from collections.abc import Callable, Sequence


class UsageError(Exception):
    """The command line makes no sense. No ValueError, because argparse would put its own words for it."""


def real(
    name: str, example: float, *, above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> Callable[[str], float]:
    """A parser of finite numbers within bounds, for argparse."""
    allowed = _range(above=above, least=least, most=most)

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise UsageError(
                f"{name}={text}: not a number; allowed {allowed}; try --{name} {example}"
            ) from None
        if not (math.isfinite(value) and value > above and least <= value <= most):
            raise UsageError(f"{name}={text}: out of range; allowed {allowed}; try --{name} {example}")
        return value

    return convert


def whole(name: str, example: int, *, least: int, most: float = math.inf) -> Callable[[str], int]:
    """A parser of whole numbers within bounds, for argparse."""
    allowed = _range(kind="whole numbers", least=least, most=most)

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise UsageError(
                f"{name}={text}: not a whole number; allowed {allowed}; try --{name} {example}"
            ) from None
        if not least <= value <= most:
            raise UsageError(f"{name}={text}: out of range; allowed {allowed}; try --{name} {example}")
        return value

    return convert


def one_of(name: str, known: dict[str, str]) -> Callable[[str], str]:
    """A parser of known names, for argparse."""

    def convert(text: str) -> str:
        if text not in known:
            raise UsageError(f"{name}={text}: unknown; allowed {', '.join(known)}; try {next(iter(known))}")
        return text

    return convert


def names(name: str, known: Sequence[str] | None = None) -> Callable[[str], list[str]]:
    """A parser of names with commas between them, of any or of known ones, for argparse."""

    def convert(text: str) -> list[str]:
        found = [word.strip() for word in text.split(",") if word.strip()]
        unknown = [word for word in found if known is not None and word not in known]
        if unknown or not found:
            allowed = ", ".join(known or ["names with commas between them"])
            raise UsageError(f"{name}={text}: unknown; allowed {allowed}; try {(known or ['a,b'])[0]}")
        return list(dict.fromkeys(found))

    return convert


def _range(
    kind: str = "numbers", above: float = -math.inf, least: float = -math.inf, most: float = math.inf
) -> str:
    low = f"above {above:g}" if above > -math.inf else f"from {least:g}"
    return f"{kind} {low}" + (f" to {most:g}" if most < math.inf else "")
