"""The systems on the command line, and the options that only one of them has."""

from typing import Any

from cvsr.presets import SYSTEMS

__all__ = ["OWNERS", "SYSTEMS", "choose_system", "given"]

OWNERS = {  # option: the only system that has it
    "reference": "unimmvsr",
    "reference_video": "unimmvsr",
    "patch": "patchvsr",
    "magnitude": "patchvsr",
}


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that are neither None nor an empty list."""
    return {name: value for name, value in options.items() if value is not None and value != []}


def choose_system(asked: str | None, **options: Any) -> str:
    """The system asked for, or the one that has the options given, or the usual one.

    Raises:
        ValueError: an option given that the system asked for, or the owner of another option, does not have.
    """
    owners = {name: OWNERS[name] for name in given(options)}
    system = asked or next(iter(owners.values()), "base")
    for name, owner in owners.items():
        if owner != system:
            option = f"--{name.replace('_', '-')}"
            raise ValueError(
                f"system={system}: has no {option}; allowed {owner}; try --system {owner}, or no {option}"
            )
    return system
