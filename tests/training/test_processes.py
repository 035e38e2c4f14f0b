"""What processes draw and average together; whole runs of several are in test_wan_super_resolution.py."""

import torch

from cvsr.training import processes
from cvsr.training.processes import mean_over_processes, own_noise, own_rows, part


def test_one_process_does_all():
    assert part() == (0, 1)
    values = torch.arange(6.0).view(2, 3)
    assert mean_over_processes(values) == 2.5
    assert torch.equal(own_rows(torch.arange, 4), torch.arange(4))


def test_the_rows_of_all_processes_are_those_of_one(monkeypatch):
    def draw(rank, count, own):
        monkeypatch.setattr(processes, "part", lambda: (rank, count))
        return own_noise(torch.empty(own, 3, dtype=torch.float64), torch.Generator().manual_seed(7))

    whole = draw(0, 1, 6)
    assert whole.dtype == torch.float64
    assert torch.equal(torch.cat([draw(rank, 3, 2) for rank in range(3)]), whole)
    assert torch.equal(torch.cat([draw(rank, 2, 3) for rank in range(2)]), whole)
