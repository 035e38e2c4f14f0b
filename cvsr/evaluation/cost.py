"""What a computation costs: floating-point operations counted, or foreseen for attention, and seconds measured.

Machines differ and are shared, so figures are ratios of two sides that ran in turns in one process; of many
rounds the least counts, because whatever disturbs a run makes it longer.
"""

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.autograd.profiler import profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import (
    FlopCounterMode,
    flop_registry,
    sdpa_backward_flop_count,
    sdpa_flop_count,
    shape_wrapper,
)


def count_flops(call: Callable[[], object]) -> int:
    """Floating-point operations of one call: two for a multiplication with its addition; elementwise none."""
    with FlopCounterMode(display=False, custom_mapping=FUSED_ON_CPU) as counter:
        call()
    return counter.get_total_flops()


def _fused(query: torch.Size, key: torch.Size, value: torch.Size, *_, **__) -> int:
    return sdpa_flop_count(query, key, value)


def _fused_backward(gradient: torch.Size, query: torch.Size, key: torch.Size, value: torch.Size, *_, **__) -> int:
    return sdpa_backward_flop_count(gradient, query, key, value)


FUSED_ON_CPU = {  # attention in one kernel, which PyTorch counts on GPUs only
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _fused,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _fused_backward,
}


@dataclass(frozen=True)
class AttentionFlops:
    """Operations of one self-attention layer.

    Attributes:
        core: of the two products, queries with keys and weights with values.
        projections: of the four matrices to queries, keys, values and from what was mixed.
    """

    core: float
    projections: float

    @property
    def layer(self) -> float:
        """Of both: what tables such as SimpleGVR's (table 2) count."""
        return self.core + self.projections


def attention_flops(pairs: float, tokens: int, width: int) -> AttentionFlops:
    """Of a self-attention of so many tokens and query-key pairs: 4·pairs·D and 8·N·D²."""
    return AttentionFlops(core=4 * pairs * width, projections=8 * tokens * width**2)


def pairs_in_segments(lengths: Sequence[int]) -> int:
    """Query-key pairs where segments attend to themselves: one for full attention, windows, temporal units."""
    return sum(length**2 for length in lengths)


def pairs_in_blocks(lengths: Sequence[int], top_k: int) -> float:
    """Query-key pairs of sparse local attention: every block reads itself and `top_k` others, of average length.

    That is exact for blocks of one length, and where `top_k` is all others. The choice itself is left out: with
    2·blocks²·D operations it takes little.
    """
    tokens, others = sum(lengths), len(lengths) - 1
    read = min(top_k, others)
    return sum(n**2 + n * read * (tokens - n) / max(others, 1) for n in lengths)


def peak_bytes(call: Callable[[], object]) -> int:
    """The most memory that tensors made during one call hold at a time, on the CPU; what was there before is left out.

    Counted by PyTorch's profiler at every allocation, so that a fragmented heap or another process changes nothing.
    """
    with profile(profile_memory=True) as profiler:
        call()
    held, most = 0, 0
    for event in profiler.kineto_results.events():
        if event.name() == "[memory]" and event.device_type() == torch.autograd.DeviceType.CPU:
            held += event.nbytes()
            most = max(most, held)
    return most


class Resources(TorchDispatchMode):
    """Counts what is taken in its block: bytes of the tensors made there that live (`now`) and lived at most (`most`),
    and floating-point `operations`.

    What kernels take for themselves and give back is left out, which the profiler behind `peak_bytes` sees at many
    times the cost. Unlike `count_flops`, it does not mind parameters among the arguments of modules.
    """

    FORMULAS: ClassVar = {**flop_registry, **{kind: shape_wrapper(count) for kind, count in FUSED_ON_CPU.items()}}

    def __init__(self):
        super().__init__()
        self.seen, self.now, self.most, self.operations = weakref.WeakSet(), 0, 0, 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        """Run an operation, and count what it makes until that is freed."""
        kwargs = kwargs or {}
        made = operation(*args, **kwargs)
        if (count := self.FORMULAS.get(operation._overloadpacket)) is not None:
            self.operations += count(*args, **kwargs, out_val=made)
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and (storage := tensor.untyped_storage()) not in self.seen:
                self.seen.add(storage)
                self.now += storage.nbytes()
                self.most = max(self.most, self.now)
                weakref.finalize(storage, self._free, storage.nbytes())
        return made

    def _free(self, size: int) -> None:
        self.now -= size


def least_seconds(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least wall time of each side over `rounds` rounds, in each of which every side runs; one warm-up."""
    least = dict.fromkeys(sides, float("inf"))
    for round_ in range(rounds + 1):
        for name, call in sides.items():
            seconds = _seconds(call)
            if round_:
                least[name] = min(least[name], seconds)
    return least


def matrix_product(
    size: int = 1024, device: torch.device | str = "cpu"
) -> tuple[Callable[[], torch.Tensor], int]:
    """A product of two square float32 matrices and its operations: the rate to compare others with."""
    a, b = torch.randn(2, size, size, device=device)
    return lambda: a @ b, 2 * size**3


def _seconds(call: Callable[[], object]) -> float:
    _finish()
    start = time.perf_counter()
    call()
    _finish()
    return time.perf_counter() - start


def _finish() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
