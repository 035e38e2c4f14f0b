"""Several processes train as one would on the whole batch: each takes its rows of it, and of every draw.

    batch      rows (r) b/n … (r + 1) b/n of process r of n, of each shape in it (`cvsr.data.stream.Batches`)
    draws      made for the whole batch by every process, which keeps its own rows
    means      over all processes

The mean of n equal parts' gradients, which DDP and FSDP compute, is then the whole batch's.
"""

from collections.abc import Callable

import torch
from torch import Tensor, distributed


def part() -> tuple[int, int]:
    """The number of this process and how many there are: (0, 1) for one on its own."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def own_rows(draw: Callable[[int], Tensor], count: int) -> Tensor:
    """The `count` rows of this process among those that `draw` makes for the batches of all processes."""
    rank, processes = part()
    return draw(count * processes)[rank * count : (rank + 1) * count]


def own_noise(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard normal noise for this process's tensor (B, …), drawn on the CPU whatever its device."""
    return own_rows(lambda n: torch.randn((n, *like.shape[1:]), generator=generator), len(like)).to(like)


@torch.no_grad()
def mean_over_processes(values: Tensor) -> Tensor:
    """The mean () of all values, of which every process has as many."""
    mean, (_, processes) = values.mean(), part()
    if processes > 1:
        distributed.all_reduce(mean)
        mean /= processes
    return mean
