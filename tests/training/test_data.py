"""Shards that cannot be built are refused before their clips are."""

import json
from copy import deepcopy
from itertools import islice
from types import SimpleNamespace

import pytest
import torch
from jsonargparse import ArgumentParser

from cvsr.data.filtering import QualityFilter
from cvsr.data.pixel_sources import PixelSources
from cvsr.data.reference_augmentation import ReferenceAugmentation
from cvsr.data.stream import Bucket
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video
from cvsr.training.data import ShardData

CAPTIONS = ["a red ball"]


@pytest.fixture
def settings(tmp_path):
    """Of shards in which a base model draws every second input."""
    (tmp_path / "guided.yaml").write_text("- model_guided: {probability: 0.5}")
    paths = {name: str(tmp_path / name) for name in ("clips", "shards")}
    return paths | {
        "degradations": str(tmp_path / "guided.yaml"),
        "train": PixelSources(world=2, frames=5, size=64),
        "buckets": [],
    }


@pytest.fixture
def base():
    torch.manual_seed(0)
    return TextToVideoPipeline(**vars(build_text_to_video(PRESETS["tiny"], CAPTIONS)))


def refused(monkeypatch, tmp_path, data, models, problem):
    monkeypatch.setattr("cvsr.training.shard_models.load", lambda name, weights: models[name])
    with pytest.raises(ValueError, match=problem):
        data.prepare_data()
    assert not (tmp_path / "clips").exists()


def test_a_filter_by_musiq_without_it(monkeypatch, tmp_path, settings):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    data = ShardData(**settings, quality=QualityFilter(musiq=40))
    refused(monkeypatch, tmp_path, data, {}, r"musiq: .*musiq_koniq_ckpt-e95806b9.pth missing")


def test_degradations_by_weights_that_are_no_base_model(monkeypatch, tmp_path, settings, base):
    enlarger = SuperResolutionPipeline(**vars(build_super_resolution(PRESETS["tiny"], CAPTIONS)))
    models = {"autoencoder": base.autoencoder, "seedvr": enlarger}
    data = ShardData(**settings, text_from="seedvr")
    refused(monkeypatch, tmp_path, data, models, "text_from=seedvr: no base model")


def test_degradations_by_a_base_model_of_another_autoencoder(monkeypatch, tmp_path, settings, base):
    other = build_text_to_video(PRESETS["tiny"], CAPTIONS).autoencoder
    models = {"autoencoder": other, "text_to_video": base}
    refused(monkeypatch, tmp_path, ShardData(**settings), models, "draws latents of another autoencoder")


def test_what_passes_is_built_and_scored(monkeypatch, tmp_path, settings, base):
    scores = iter([torch.tensor([39.9]), torch.tensor([40.0])])
    monkeypatch.setattr("cvsr.training.shard_models.Judge.__init__", lambda self, name: None)
    monkeypatch.setattr("cvsr.training.shard_models.Judge.score", lambda self, video: next(scores))
    models = {"autoencoder": base.autoencoder, "text_to_video": base}
    monkeypatch.setattr("cvsr.training.shard_models.load", lambda name, weights: models[name])
    ShardData(**settings, quality=QualityFilter(sharpness=0, musiq=40)).prepare_data()
    manifest = json.loads((tmp_path / "shards" / "manifest.json").read_text())
    assert manifest["outputs"] == {"world-00001": "shard-00000"}
    assert manifest["rejects"] == {"world-00000": "poor: MUSIQ 39.9 under 40"}


def test_batches_have_the_references_of_their_clips(monkeypatch, tmp_path, settings, base):
    (tmp_path / "guided.yaml").write_text("- jpeg: {}")
    models = {"autoencoder": base.autoencoder, "text_to_video": base}
    monkeypatch.setattr("cvsr.training.shard_models.load", lambda name, weights: deepcopy(models[name]))
    sources = PixelSources(identities=1, edits=1, frames=5, size=64, reference_size=32)
    changes = {
        "train": sources,
        "buckets": [Bucket(2, 2, 4)],
        "shares": {"identity": 0.5, "edit": 0.5},
        "augmentation": ReferenceAugmentation(strength=0),
    }
    shapes = set()
    for dropout in (0.0, 1.0):
        data = ShardData(**settings | changes, quality=QualityFilter(sharpness=0), reference_dropout=dropout)
        data.trainer = SimpleNamespace(global_step=0)
        data.prepare_data()
        for (group,) in islice(data.train_dataloader(), 8):
            shapes |= {tuple(each.shape) for row in group.get("references", []) for each in row}
            assert ("references" in group) == (dropout == 0)
    assert shapes == {(4, 1, 4, 4), (4, 2, 4, 4)}
    manifest = json.loads((tmp_path / "shards" / "manifest.json").read_text())
    assert manifest["settings"]["augmentation"]["strength"] == 0


def test_recipes_may_set_how_references_are_changed(settings):
    parser = ArgumentParser()
    parser.add_class_arguments(ShardData, "data")
    train = {"identities": 2, "edits": 1, "reference_size": 64}
    given = {"data": settings | {"train": train, "augmentation": {"strength": 0.5}}}
    given["data"] |= {"reference_dropout": 0.2, "wrong_references": 0.1}
    data = parser.instantiate_classes(parser.parse_object(given)).data
    assert data.settings.augmentation == ReferenceAugmentation(strength=0.5)
    assert data.train == PixelSources(**train)
    assert (data.reference_dropout, data.wrong_references) == (0.2, 0.1)


def test_recipes_may_set_the_filter(settings):
    parser = ArgumentParser()
    parser.add_class_arguments(ShardData, "data")
    given = parser.parse_object({"data": settings | {"train": {"world": 2}, "quality": {"musiq": 40}}})
    data = parser.instantiate_classes(given).data
    assert data.settings.quality == QualityFilter(musiq=40)
