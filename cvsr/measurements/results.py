"""Measured tables as files, `data/results/<name>.json`: README and lessons take their numbers there."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import torch

REPOSITORY = Path(__file__).resolve().parent.parent.parent
RESULTS = REPOSITORY / "data" / "results"


@dataclass(frozen=True)
class Estimate:
    """A mean and its 95 % confidence interval; None where there are too few values for one."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """What one method reached on one group of clips: figure → estimate over its `count` clips."""

    method: str
    clips: str
    count: int
    figures: dict[str, Estimate]


@dataclass(frozen=True)
class Result:
    """One measured table and all that is needed to measure it again."""

    name: str
    question: str  # what it answers
    command: str  # measures it again
    commit: str
    date: str  # ISO 8601
    machine: str
    seeds: dict[str, str]  # what is drawn -> from which seeds
    budget: str  # what was spent
    rows: list[Row]

    def row(self, method: str, clips: str) -> Row:
        """The row of a method on a group of clips; ValueError if there is none."""
        for row in self.rows:
            if (row.method, row.clips) == (method, clips):
                return row
        known = ", ".join(f"{row.method!r} on {row.clips!r}" for row in self.rows)
        raise ValueError(
            f"method={method!r}, clips={clips!r}: not measured; allowed {known}; try one of them"
        )


def results_file(name: str) -> Path:
    """Where the result of a measurement is kept."""
    return RESULTS / f"{name}.json"


def check_result_file(path: str | Path) -> Path:
    """The path of a result to be written; ValueError if it cannot be. Call it before the long work."""
    path = Path(path)
    if path.suffix != ".json" or path.is_dir():
        raise ValueError(
            f"json={path}: no name of a result; allowed files that end with .json; try result.json"
        )
    if not os.access(path.parent, os.W_OK):
        raise ValueError(
            f"json={path}: the folder {path.parent} is missing or refuses writing; allowed folders of yours;"
            " try result.json"
        )
    return path


def write_result(result: Result, path: str | Path) -> None:
    """Write it whole or not at all."""
    path, text = check_result_file(path), json.dumps(asdict(result), indent=1, allow_nan=False)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(f"{text}\n")
    unfinished.replace(path)


def read_result(path: str | Path) -> Result:
    """A result that `write_result` has written.

    Raises:
        ValueError: the file is missing or holds something else.
    """
    try:
        contents = json.loads(Path(path).read_text())
        rows = [
            Row(**row | {"figures": {name: Estimate(**figure) for name, figure in row["figures"].items()}})
            for row in contents["rows"]
        ]
        return Result(**contents | {"rows": rows})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"path={path}: no readable result ({type(error).__name__}); allowed files that"
            " `python -m cvsr evaluate` has written; try measuring again"
        ) from error


def describe_machine() -> str:
    """Processor, cores and GPU, in words."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    words = [names[0] if names else platform.processor() or platform.machine()]
    words.append(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    if torch.cuda.is_available():
        words.append(torch.cuda.get_device_name())
    return ", ".join(words)


def current_commit() -> str:
    """The checkout's commit, or "unknown" outside of one."""
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unknown"


def today() -> str:
    """The date in ISO 8601."""
    return date.today().isoformat()
