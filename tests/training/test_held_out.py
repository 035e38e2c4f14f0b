"""Held-out losses: of the task that is named, from the same noise every time, before the first step and after some."""

from unittest.mock import patch

import pytest
import torch

from cvsr.data.stream import Bucket, Ticket
from cvsr.presets import PRESETS
from cvsr.systems.unimmvsr import build_unimmvsr
from cvsr.training.held_out import HeldOut, batches_of, losses
from cvsr.training.reference_super_resolution import ReferenceSuperResolutionTraining


class Clips:
    """Answers tickets with what they say."""

    def __getitem__(self, ticket: Ticket) -> dict:
        size = ticket.bucket.size
        shape = (4, ticket.bucket.frames, size, size)
        latents = torch.full(shape, float(ticket.index))
        (source,) = ticket.bucket.sources
        sample = {"latents": latents, "low": latents + 1, "subject": latents[:1], "text": torch.zeros(1, 16)}
        return sample | {"caption": source, "references": []}


@pytest.fixture
def batches():
    return batches_of(Clips(), {"text": "world", "editing": "edit"}, Bucket(2, 1, 4), count=2)


@pytest.fixture
def module():
    autoencoder = build_unimmvsr(PRESETS["tiny"], ["a ball"]).autoencoder
    with patch("cvsr.training.flow_matching.load", lambda *_: autoencoder):
        return ReferenceSuperResolutionTraining(preset="tiny", start=None)


def test_batches_are_of_their_task_and_in_order(batches):
    assert {task: len(groups) for task, groups in batches.items()} == {"text": 2, "editing": 2}
    assert batches["editing"][1]["caption"] == ["edit", "edit"]
    assert batches["text"][1]["latents"][:, 0, 0, 0, 0].tolist() == [2.0, 3.0]


def test_the_same_weights_have_the_same_losses(module, batches):
    first = losses(module, batches)
    assert losses(module, batches) == first
    assert first["text"] == pytest.approx(first["editing"])  # the same clips by another name, and an untrained network
    assert losses(module, batches, seed=7) != first


def test_a_run_is_watched_from_before_its_first_step(module, batches):
    class Trainer:
        global_step = 0

    watch = HeldOut(batches, every=2)
    watch.on_train_start(Trainer, module)
    for Trainer.global_step in (1, 2, 3, 4):
        watch.on_train_batch_end(Trainer, module, None, None, 0)
    assert list(watch.history) == [0, 2, 4]
    assert set(watch.history[4]) == {"text", "editing"}
