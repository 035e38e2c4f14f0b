"""The reader's training: true labels, colours that survive the roughening, and a loss that falls."""

import pytest
import torch
from pytorch_lightning import Trainer

from cvsr.data.palette import COLOURS
from cvsr.data.pixel_sources import PixelSources
from cvsr.data.pixels import build_pixels
from cvsr.data.scenes import sample_scene
from cvsr.data.shapes import KINDS
from cvsr.data.stream import Bucket, Ticket
from cvsr.training.attribute_reader import (
    AttributeData,
    AttributeReaderTraining,
    LabelledClips,
    labels,
    roughen,
)

SOURCES = PixelSources(world=4, frames=2, size=64, seed=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_pixels(tmp_path_factory.mktemp("clips"), SOURCES)


def test_labels_are_those_of_the_captions(folder):
    clips = LabelledClips(folder, SOURCES)
    assert len(clips) == 4
    for number in range(4):
        clip, (kind, colour) = clips[number]
        assert clip.shape == (3, 2, 64, 64)
        caption = (folder / f"world-{number:05d}.txt").read_text()
        assert f"{list(COLOURS)[colour]} {list(KINDS)[kind]}" in caption.split(" with ")[0]
    assert labels(3, "train") == clips[0][1]
    assert list(KINDS)[labels(5, "test")[0]] == sample_scene(5, "test").objects[0].kind


def test_a_ticket_is_a_frame_and_its_label_again_and_again(folder):
    clips, bucket = LabelledClips(folder, SOURCES), Bucket(1, 1, 64)
    frame, named = clips[Ticket(7, bucket)]
    again, named_again = clips[Ticket(7, bucket)]
    assert torch.equal(frame, again)
    assert named == named_again
    number = clips.labels.index(named)
    whole = clips[number][0]
    assert any(torch.equal(frame, whole[:, i]) for i in range(2))


def test_roughened_frames_stay_in_range_and_keep_their_colour():
    flat = torch.tensor([0.6, -0.4, -0.8]).view(1, 3, 1, 1).expand(16, 3, 64, 64)
    rough = roughen(flat, torch.Generator().manual_seed(0))
    assert rough.shape == flat.shape
    assert rough.abs().max() <= 1
    assert not torch.equal(rough[0], rough[1])
    red, green, blue = rough.mean((2, 3)).T
    assert (red > green).all()
    assert (green > blue).all()
    assert torch.equal(rough, roughen(flat, torch.Generator().manual_seed(0)))


def test_it_learns(tmp_path, folder):
    data = AttributeData(
        str(folder), str(tmp_path / "held_out"), SOURCES, PixelSources(world=2, frames=2, size=64), batch=8
    )
    module = AttributeReaderTraining()
    losses = []
    module.log = lambda name, value, **_: losses.append(value.item()) if name == "train/loss" else None
    trainer = Trainer(
        max_steps=25,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        val_check_interval=25,
        check_val_every_n_epoch=None,
        use_distributed_sampler=False,
    )
    trainer.fit(module, datamodule=data)
    assert len(losses) == 25
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert (tmp_path / "held_out" / "world-00001.npy").exists()
