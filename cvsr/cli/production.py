"""From frames to an output file through the legs of a cascade: planned, resumed, watched, compared."""

import importlib.metadata
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from cvsr.cli.budget import memory_budget
from cvsr.cli.comparison import before_and_after
from cvsr.cli.progress import Progress
from cvsr.cli.session import report
from cvsr.data.encoding import to_json
from cvsr.data.files import content_hash
from cvsr.data.footage import Footage
from cvsr.data.images import write_image
from cvsr.data.video import Video, video_output
from cvsr.pipelines.ledger import Ledger, unfinished_run
from cvsr.pipelines.plan import Plan, plan
from cvsr.pipelines.rehearsal import Rehearsal, rehearse
from cvsr.pipelines.relay import Leg
from cvsr.pipelines.tiling import Tiling

PANELS = 4  # the result, and a comparison of three
Enlarge = Callable[[list[Leg], Ledger], Iterator[np.ndarray]]  # uint8 (T, H, W, 3), some frames at a time


@dataclass(frozen=True)
class Job:
    """An output that is to be made.

    Attributes:
        output: its path.
        compared: the path of a comparison with the input, or None.
        like: the video that it keeps rate, timestamps and sound of.
        metadata: settings, kept in the file.
        labels: of the input and of the result in a comparison.
        identity: all that the result depends on; see `cvsr.pipelines.ledger`.
        restart: throw away what another run has left.
        memory: GiB that the process may take; None: what there is.
    """

    output: str
    compared: str | None
    like: Video | Footage
    metadata: dict[str, Any]
    labels: tuple[str, str]
    identity: dict[str, Any]
    restart: bool
    memory: float | None


class Seen:
    """Frames as they pass, remembered until the results of them come."""

    def __init__(self, frames: Iterable[np.ndarray]):
        self.frames, self.waiting = frames, deque()

    def __iter__(self) -> Iterator[np.ndarray]:
        for frame in self.frames:
            self.waiting.append(frame)
            yield frame

    def take(self, count: int) -> np.ndarray:
        """The next `count` frames, uint8 (T, H, W, 3), and forget them."""
        return np.stack([self.waiting.popleft() for _ in range(count)])


def produce(job: Job, legs: list[Leg], scenes: list[range], seen: Seen, enlarge: Enlarge) -> None:
    """Make the output, and the comparison if there is to be one."""
    with unfinished_run(job.output, job.identity, job.restart) as ledger, ExitStack() as stack:
        write = stack.enter_context(video_output(job.output, job.like, metadata=job.metadata))
        if job.compared:
            silent = replace(job.like, audio=None)
            write_both = stack.enter_context(video_output(job.compared, silent, metadata=job.metadata))
        made = planned(legs, scenes, job, ledger)
        sys.stderr.write(f"{made}\n")
        progress = stack.enter_context(Progress(made, len(job.like)))
        for large in enlarge(progress.legs, ledger):
            small = seen.take(len(large))
            write(large)
            if job.compared:
                both = before_and_after(small, large, *job.labels)
                write_both(both)
            if not progress.done:
                _preview(large[0], job, ledger, progress)
            progress.finished(len(large))
    report(job.output, len(job.like), *large.shape[1:3])
    if job.compared:
        report(job.compared, len(job.like), *both.shape[1:3])


def planned(legs: list[Leg], scenes: list[range], job: Job, ledger: Ledger) -> Plan:
    """The plan of a run: that of its beginning, if it goes on, for chunks of other lengths are others."""
    if "tilings" in ledger.about:
        sizes = ledger.about["tilings"]
        legs = [_with_tiling(leg, Tiling(*each)) for leg, each in zip(legs, sizes, strict=True)]
    budget = None if "tilings" in ledger.about else memory_budget(job.memory)
    made = plan(legs, scenes, _rehearsed(legs), budget, PANELS if job.compared else 1)
    tilings = [each.leg.settings.tiling for each in made.legs]
    sizes = [[each.pixels, each.overlap, each.frames, each.frame_overlap] for each in tilings]
    ledger.note(tilings=sizes)
    return made


def identity(settings: dict[str, Any], inputs: Iterable[str], weights: dict[str, str]) -> dict[str, Any]:
    """All that a result depends on.

    Args:
        settings: that were asked for.
        inputs: files or folders, in their order; what counts is what they hold, not where they lie.
        weights: fingerprints of the models.
    """
    versions = {"cvsr": importlib.metadata.version("cvsr"), "torch": torch.__version__}
    software = {**versions, "gpu": torch.cuda.is_available()}
    return {**settings, "inputs": [content_hash(path) for path in inputs], "weights": weights, "software": software}


def _rehearsed(legs: list[Leg]) -> list[Rehearsal]:
    """Of every leg; those that ask the same of the same pipeline share one."""
    known: dict[tuple, Rehearsal] = {}
    rehearsals = []
    for leg in legs:
        asked = leg.settings
        key = (leg.stage.system, asked.detail, asked.consistency, asked.colour_correction)
        if key not in known:
            known[key] = rehearse(leg.pipeline, asked)
        rehearsals.append(known[key])
    return rehearsals


def _with_tiling(leg: Leg, tiling: Tiling) -> Leg:
    return replace(leg, settings=replace(leg.settings, tiling=tiling))


def _preview(frame: np.ndarray, job: Job, ledger: Ledger, progress: Progress) -> None:
    """The first frame, to be looked at while the others are made."""
    chunk = progress.plan.legs[-1].leg.settings.tiling.stride
    if len(job.like) > chunk and ledger.folder is not None:
        path = ledger.folder / "preview.png"
        write_image(path, frame, to_json(job.metadata), ".png")
        progress.say(f"preview: {path}")
