"""Losses of held-out clips while a model trains, task by task (UniMMVSR, section 3.4 and figure 12).

They are of the same batches with the same times and noise, so that two of them differ by the weights alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer

from cvsr.data.shards_reading import Group, ShardClips, collate
from cvsr.data.stream import Bucket, Ticket
from cvsr.training.flow_matching import FlowMatching

Batches = Mapping[str, Sequence[Group]]  # by task
Losses = dict[str, float]  # by task
History = dict[int, Losses]  # by step


def batches_of(clips: ShardClips, tasks: Mapping[str, str], bucket: Bucket, count: int = 1) -> dict[str, list[Group]]:
    """`count` batches of each task, by its name; `tasks` has the source of its clips (`cvsr.data.mixture`)."""
    found = {}
    for task, source in tasks.items():
        own = Bucket(bucket.batch, bucket.frames, bucket.size, sources=(source,))
        starts = range(0, count * bucket.batch, bucket.batch)
        tickets = [[Ticket(start + number, own) for number in range(bucket.batch)] for start in starts]
        found[task] = [collate([clips[ticket] for ticket in row])[0] for row in tickets]
    return found


@torch.no_grad()
def losses(module: FlowMatching, batches: Batches, seed: int = 0) -> Losses:
    """The mean training loss of each task's batches."""
    found = {}
    for task, groups in batches.items():
        errors = []
        for number, group in enumerate(groups):
            noised = module.noise(group, torch.Generator().manual_seed(seed + number))
            errors.append(module.error(group, noised, module.predict([noised])[0]).mean().item())
        found[task] = sum(errors) / len(errors)
    return found


class HeldOut(Callback):
    """Keeps `losses` from before the first step on, every so many steps: `history`.

    Args:
        batches: of each task.
        every: steps from one figure to the next.
    """

    def __init__(self, batches: Batches, every: int):
        self.batches, self.every = batches, every
        self.history: History = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.history[trainer.global_step] = losses(pl_module, self.batches)

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.global_step % self.every == 0:
            self.history[trainer.global_step] = losses(pl_module, self.batches)
