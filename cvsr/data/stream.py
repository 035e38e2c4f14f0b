"""Endless, exactly resumable streams: sample number i is a function of (seed, i) and of nothing else.

A run that stops after n steps goes on with step n, whatever the number of workers, and no state of a random
generator has to be saved. Buckets say which shapes there are: images, short and long clips, small and large ones
train in one run, in turn or, if the network takes clips of different sizes at once, all in every batch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler

Part = tuple[int, int]  # a process's number among how many


@dataclass(frozen=True)
class Bucket:
    """Samples of one shape: how many a batch, of how many frames, size × size (pixels or latent positions).

    A run that grows (SeedVR section 3.3: 5×256², 9×512², 21×768²) has buckets that take part from step `since` on,
    and others that only do before step `until`. One that learns task after task (UniMMVSR section 3.4) has buckets of
    some `sources` only, see `cvsr.data.mixture.Mixture`; others are of all.
    """

    batch: int
    frames: int
    size: int
    since: int = 0
    until: int | None = None
    sources: tuple[str, ...] | None = None

    def takes_part(self, step: int) -> bool:
        """Whether batches of this shape are made in a step."""
        return self.since <= step and (self.until is None or step < self.until)


@dataclass(frozen=True)
class Ticket:
    """What a data set is asked for: sample number `index` in the shape of a bucket."""

    index: int
    bucket: Bucket


class Batches(Sampler[list[Ticket]]):
    """The batches of steps `start`, `start` + 1, … without end.

    The buckets that take part do so in turn, a batch each, or all in every batch if `mixed`. Of several processes,
    each is given its own, equal part of every bucket's samples.

    Args:
        buckets: all there are.
        start: the first step.
        mixed: whether a batch holds all buckets that take part.
        part: number of the process, and of how many.

    Raises:
        ValueError: in some step no bucket takes part; a bucket's samples cannot be shared out evenly.
    """

    def __init__(self, buckets: list[Bucket], start: int, mixed: bool = False, part: Part = (0, 1)):
        self.rank, processes = part
        for bucket in buckets:
            if bucket.batch % processes:
                raise ValueError(
                    f"buckets={bucket}: batch={bucket.batch} for {processes} processes; allowed multiples of their"
                    f" number; try batch={bucket.batch + -bucket.batch % processes}"
                )
        for step in (0, *(bucket.until for bucket in buckets if bucket.until is not None)):
            if not any(bucket.takes_part(step) for bucket in buckets):
                raise ValueError(f"buckets={buckets}: none for step {step}; try since=0 and until=None for one")
        self.buckets, self.start, self.mixed, self.processes = buckets, start, mixed, processes
        sizes = [bucket.batch for bucket in buckets]
        self.stride = sum(sizes) if mixed else max(sizes)  # numbers kept free for a step's samples

    def __iter__(self) -> Iterator[list[Ticket]]:
        step = self.start
        while True:
            active = [bucket for bucket in self.buckets if bucket.takes_part(step)]
            chosen = active if self.mixed else [active[step % len(active)]]
            yield [ticket for share in self._shares(step * self.stride, chosen) for ticket in share]
            step += 1

    def _shares(self, first: int, chosen: list[Bucket]) -> Iterator[list[Ticket]]:
        """The tickets of this process, of each bucket in a batch whose numbers begin with `first`."""
        for bucket in chosen:
            share = bucket.batch // self.processes
            begin = first + self.rank * share
            yield [Ticket(number, bucket) for number in range(begin, begin + share)]
            first += bucket.batch


def random_of(seed: int, index: int) -> np.random.Generator:
    """The random generator of sample `index`."""
    return np.random.default_rng((seed, index))


def stream(
    dataset: Dataset,
    buckets: list[Bucket],
    start: int,
    workers: int,
    collate: Callable | None = None,
    mixed: bool = False,
    part: Part = (0, 1),
) -> DataLoader:
    """Batches from step `start` on; the data set answers every `Ticket`. `collate` is PyTorch's by default."""
    return DataLoader(
        dataset,
        batch_sampler=Batches(buckets, start, mixed, part),
        num_workers=workers,
        collate_fn=collate,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
    )
