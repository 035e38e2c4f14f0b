"""Streams go on where they stopped, whatever the number of workers."""

from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset

from cvsr.data.stream import Batches, Bucket, random_of, stream

BUCKETS = [Bucket(batch=2, frames=5, size=8), Bucket(batch=3, frames=1, size=16)]


class Draws(Dataset):
    """One random number a ticket."""

    def __getitem__(self, ticket):
        return torch.tensor(random_of(7, ticket.index).random(), dtype=torch.float64)


@given(start=st.integers(0, 1000), length=st.integers(1, 20))
def test_the_batches_from_a_step_on_are_the_end_of_those_from_zero(start, length):
    whole = list(islice(Batches(BUCKETS, 0), start + length))
    assert list(islice(Batches(BUCKETS, start), length)) == whole[start:]
    tickets = [ticket.index for batch in whole for ticket in batch]
    assert len(set(tickets)) == len(tickets)


def test_buckets_take_turns():
    batches = list(islice(Batches(BUCKETS, 0), 4))
    assert [len(batch) for batch in batches] == [2, 3, 2, 3]
    assert all(ticket.bucket == BUCKETS[step % 2] for step, batch in enumerate(batches) for ticket in batch)


def test_a_run_grows_by_buckets_that_come_and_go():
    small, large = Bucket(batch=3, frames=1, size=8, until=2), Bucket(batch=1, frames=5, size=16, since=1)
    batches = list(islice(Batches([small, large], 0), 5))
    assert [len(batch) for batch in batches] == [3, 1, 1, 1, 1]
    assert list(islice(Batches([small, large], 2), 3)) == batches[2:]


def test_mixed_batches_hold_all_buckets_and_no_number_twice():
    late = Bucket(batch=1, frames=5, size=16, since=2)
    batches = list(islice(Batches([*BUCKETS, late], 0, mixed=True), 4))
    assert [len(batch) for batch in batches] == [5, 5, 6, 6]
    assert [ticket.bucket for ticket in batches[2]] == [BUCKETS[0]] * 2 + [BUCKETS[1]] * 3 + [late]
    numbers = [ticket.index for batch in batches for ticket in batch]
    assert len(set(numbers)) == len(numbers)
    assert list(islice(Batches([*BUCKETS, late], 2, mixed=True), 2)) == batches[2:]


def test_no_step_is_left_without_a_bucket():
    with pytest.raises(ValueError, match=r"none for step 5; try since=0"):
        Batches([Bucket(2, 5, 8, until=5), Bucket(2, 5, 8, since=6)], 0)
    with pytest.raises(ValueError, match=r"none for step 0"):
        Batches([Bucket(2, 5, 8, since=1)], 0)


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_nothing(workers):
    batches = list(islice(stream(Draws(), BUCKETS, 3, workers), 4))
    expected = [[random_of(7, ticket.index).random() for ticket in b] for b in islice(Batches(BUCKETS, 3), 4)]
    assert [batch.tolist() for batch in batches] == expected


@given(step=st.integers(0, 50), mixed=st.booleans(), processes=st.sampled_from([1, 2, 3, 6]))
def test_processes_share_every_batch(step, mixed, processes):
    buckets = [Bucket(batch=6, frames=5, size=8), Bucket(batch=12, frames=1, size=16)]
    whole = next(iter(Batches(buckets, step, mixed)))
    parts = [next(iter(Batches(buckets, step, mixed, (rank, processes)))) for rank in range(processes)]
    for bucket in {ticket.bucket for ticket in whole}:
        shares = [[ticket for ticket in part if ticket.bucket == bucket] for part in parts]
        assert [len(share) for share in shares] == [bucket.batch // processes] * processes
        shared = [ticket for share in shares for ticket in share]
        assert shared == [ticket for ticket in whole if ticket.bucket == bucket]


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match=r"batch=3 for 2 processes; allowed multiples .*; try batch=4"):
        Batches(BUCKETS, 0, part=(0, 2))
