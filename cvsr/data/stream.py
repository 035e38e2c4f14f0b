"""Endless, exactly resumable streams: sample number i is a function of (seed, i) and of nothing else.

A run that stops after n steps goes on with step n, whatever the number of workers, and no state of a random
generator has to be saved. Batches follow a cycle of buckets, so that images, short and long clips, small and
large ones train in one run, each batch of one shape.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler


@dataclass(frozen=True)
class Bucket:
    """Batches of one shape: how many samples of how many frames, size × size (pixels or latent positions)."""

    batch: int
    frames: int
    size: int


@dataclass(frozen=True)
class Ticket:
    """What a data set is asked for: sample number `index` in the shape of a bucket."""

    index: int
    bucket: Bucket


class Batches(Sampler[list[Ticket]]):
    """The batches of steps `start`, `start` + 1, … without end; step s takes bucket s modulo their number."""

    def __init__(self, buckets: list[Bucket], start: int):
        self.buckets, self.start = buckets, start
        self.stride = max(bucket.batch for bucket in buckets)  # numbers kept free for a step's samples

    def __iter__(self) -> Iterator[list[Ticket]]:
        step = self.start
        while True:
            bucket = self.buckets[step % len(self.buckets)]
            yield [Ticket(step * self.stride + number, bucket) for number in range(bucket.batch)]
            step += 1


def random_of(seed: int, index: int) -> np.random.Generator:
    """The random generator of sample `index`."""
    return np.random.default_rng((seed, index))


def stream(dataset: Dataset, buckets: list[Bucket], start: int, workers: int) -> DataLoader:
    """Batches from step `start` on; the data set answers every `Ticket`."""
    return DataLoader(
        dataset,
        batch_sampler=Batches(buckets, start),
        num_workers=workers,
        persistent_workers=workers > 0,
        prefetch_factor=4 if workers else None,
    )
