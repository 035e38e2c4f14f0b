"""How much memory a run may take; apart from `cvsr.cli.memory`, which answers where PyTorch is not even installed."""

import torch

from cvsr.cli import memory
from cvsr.pipelines.plan import resident_bytes

SPARE = 0.9  # of what is free: others take some, too


def memory_budget(asked: float | None) -> float | None:
    """Bytes that the process may take, or its tensors on a GPU, what it has among them; None if there is no telling.

    Args:
        asked: GiB; None for nearly all there is.
    """
    if torch.cuda.is_available():
        there = SPARE * (torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved())
    else:
        available = memory.available_memory()
        there = None if available is None else resident_bytes() + SPARE * available
    if asked is None or there is None:
        return there if asked is None else asked * 2**30
    return min(asked * 2**30, there)
