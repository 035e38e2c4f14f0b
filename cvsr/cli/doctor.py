"""`python -m cvsr doctor`: is everything here that cvsr needs, and if not, what helps.

Plain text and the standard library alone, because what it looks for may be a library that is missing.
"""

import json as to_json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from cvsr.cli.checks import CHECKS, FAULT, OK, Finding


def doctor(*, json: str | None, weights: str | None) -> int:
    """Print what was found, the remedy below each fault; 1 if something needed is missing."""
    if json and not Path(json).resolve().parent.is_dir():
        raise ValueError(f"json={json}: no such folder; allowed a file in an existing one; try --json doctor.json")
    found = [finding for topic in CHECKS for finding in examine(topic, weights)]
    sys.stdout.write(report(found))
    if json:
        Path(json).write_text(to_json.dumps([asdict(finding) for finding in found], indent=1) + "\n")
    return 1 if any(finding.state == FAULT for finding in found) else 0


def examine(topic: str, weights: str | None = None) -> list[Finding]:
    """The findings of one topic. A check that cannot even run is a fault that says why."""
    try:
        return list(CHECKS[topic](weights))
    except Exception as error:  # whatever is broken, the other topics are still worth knowing
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return [Finding(topic, "check", f"could not be made ({said})", FAULT, "try `make setup`, or pip install -e .")]


def report(found: Iterable[Finding]) -> str:
    """Findings by topic, a line each, the remedy on the next; at the end how many faults there are."""
    found, lines = list(found), []
    for topic, findings in groupby(found, lambda finding: finding.topic):
        lines.append(topic)
        for finding in findings:
            lines.append(f"  {finding.state:<5}  {finding.name:<24} {finding.said}")
            if finding.remedy:
                lines.append(f"         {'':<24} {finding.remedy}")
    faults = sum(finding.state == FAULT for finding in found)
    fine = sum(finding.state == OK for finding in found)
    closing = f"{faults} fault{'s' * (faults != 1)}" if faults else "all is well"
    return "\n".join([*lines, "", f"{closing} ({fine} of {len(found)} checks ok)"]) + "\n"
