"""One long video on many machines: chunks are drawn ahead by Ray workers, over the ledger that resuming uses.

    spread = Spread(load("seedvr"), partial(load, "seedvr"), workers=8, gpus=1)
    with unfinished_run("large.mp4", identity) as ledger:
        for frames in spread.stream(pieces, settings, ledger=ledger):
            write(frames)

What a chunk looks like depends on nothing but its frames, their numbers and the settings, so that any worker may draw
it: it puts the tiles, or groups of patches, into the ledger, as a run that was killed would have left them. The run
here finds them there, blends, corrects and writes. A worker that is killed is started again and goes on behind its last
tile; what a worker cannot draw, the run draws by itself. So the result is, bit for bit, that of one process on such a
machine. All must see the ledger's folder under the same path. Chunks of a single piece are the run's own work.
"""

import itertools
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from uuid import uuid4

import torch
from torch import Tensor
from tqdm import tqdm

from cvsr.pipelines.enlargement import Enlargement
from cvsr.pipelines.ledger import Keep, Ledger
from cvsr.pipelines.resuming import drawing_name
from cvsr.pipelines.streaming import Chunk, Cutter, draw_key
from cvsr.pipelines.super_resolution import SuperResolutionPipeline

AHEAD = 2  # chunks given to each worker before the one that is waited for is done


class Spread:
    """A pipeline whose chunks others draw; it needs the extra `cvsr[ray]`, and starts Ray unless it runs.

    Args:
        pipeline: blends what they have drawn.
        make_pipeline: called once in each worker for one of its own, with the same weights, on its device.
        workers: how many.
        gpus: of each worker; a half lets two share one.

    Raises:
        ValueError: less than one worker.
    """

    def __init__(
        self,
        pipeline: SuperResolutionPipeline,
        make_pipeline: Callable[[], SuperResolutionPipeline],
        workers: int,
        gpus: float = 0,
    ):
        if workers < 1:
            raise ValueError(f"workers={workers}: none to draw; allowed 1 or more; try 4")
        import ray  # only here: the extra may not be installed

        again = {"max_restarts": -1, "max_task_retries": -1}  # whoever is killed, however often
        worker = ray.remote(num_gpus=gpus, **again)(Worker)
        self.pipeline, self.workers = pipeline, [worker.remote(make_pipeline) for _ in range(workers)]

    def stream(
        self,
        pieces: Iterable[Tensor],
        settings: Enlargement = Enlargement(),  # noqa: B008 (frozen)
        num_frames: int | None = None,
        start: int = 0,
        ledger: Ledger = Ledger(),  # noqa: B008 (refused)
    ) -> Iterator[Tensor]:
        """`SuperResolutionPipeline.stream`, to the same bits; the ledger has to be one that keeps.

        Raises:
            ValueError: as there, or a ledger that keeps nothing.
        """
        if ledger.folder is None:
            raise ValueError("ledger.folder=None: nothing to share; allowed a folder that all see; try unfinished_run")
        settings = settings.completed(self.pipeline.sampling)
        if settings.generator is None:
            settings = replace(settings, generator=torch.Generator().manual_seed(draw_key(None)))
        here, ahead = itertools.tee(pieces)
        shared = SharedLedger(ledger, Cutter(ahead, start), settings, self.workers)
        yield from self.pipeline.stream(here, settings, num_frames, start, shared)


class SharedLedger(Ledger):
    """A ledger that others put the pieces of chunks into, before they are asked for here.

    Args:
        ledger: whose pieces these are.
        cutter: of the same video, which runs ahead.
        settings: complete, with a generator.
        workers: actors of `Worker`.
    """

    def __init__(self, ledger: Ledger, cutter: Cutter, settings: Enlargement, workers: list):
        super().__init__(ledger.folder, ledger.prefix, ledger.about)
        self.cutter, self.tiling, self.workers = cutter, settings.tiling, itertools.cycle(workers)
        self.most = AHEAD * len(workers)
        self.under_way: deque = deque()  # names of chunks, in their order, and what is promised of them
        self.asked = (uuid4().hex, replace(settings, generator=None, callback_on_step_end=None), _states(settings))
        self.first: Tensor | None = None

    def in_order(self, name: str) -> Keep:
        """Wait for the pieces of a chunk that was given to a worker; those before it are done."""
        import ray

        while self.under_way and self.under_way[0][0] < name:
            self.under_way.popleft()
        while not self.cutter.finished and len(self.under_way) < self.most:
            self._give(name)
        if self.under_way and self.under_way[0][0] == name:
            try:
                ray.get(self.under_way.popleft()[1])
            except ray.exceptions.RayTaskError as error:
                warnings.warn(f"a worker failed with a chunk, which is drawn here: {error.cause!r}", stacklevel=2)
        return super().in_order(name)

    def _give(self, least: str) -> None:
        """Give the next chunk to a worker, unless it lies before the one that is wanted."""
        chunk = self.cutter.cut(self.tiling)
        self.cutter.advance(chunk)
        self.first = chunk.video if self.first is None else self.first
        if (name := drawing_name(chunk.start, self.tiling)) >= least:
            folder = (self.folder, self.prefix)
            promised = next(self.workers).draw.remote(*self.asked, self.first, chunk, folder, name)
            self.under_way.append((name, promised))


class Worker:
    """Draws chunks with a pipeline of its own, tile by tile into the ledger."""

    def __init__(self, make_pipeline: Callable[[], SuperResolutionPipeline]):
        self.pipeline, self.stream, self.drawing = make_pipeline(), None, None

    @torch.no_grad()
    def draw(
        self,
        stream: str,
        settings: Enlargement,
        states: list[Tensor],
        first: Tensor,
        chunk: Chunk,
        folder: tuple,
        name: str,
    ) -> None:
        """Draw a chunk of a stream, whose first one is given, under a name."""
        if self.stream != stream:
            generators = [torch.Generator() for _ in states]
            for generator, state in zip(generators, states, strict=True):
                generator.set_state(state)
            settings = replace(settings, generator=generators if len(generators) > 1 else generators[0])
            self.drawing = self.pipeline.drawing(first, settings, tqdm(disable=True))
            self.stream = stream
        self.drawing(chunk, settings.tiling, Ledger(*folder).in_order(name))


def _states(settings: Enlargement) -> list[Tensor]:
    """Of the generators, one or one for each video."""
    given = settings.generator if isinstance(settings.generator, list) else [settings.generator]
    return [generator.get_state() for generator in given]
