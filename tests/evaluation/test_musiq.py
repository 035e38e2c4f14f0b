"""MUSIQ gets what pyiqa's asks for, and what is missing is named at once, never downloaded."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
import torch

from cvsr.evaluation.musiq import WEIGHTS, Musiq


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Torch's hub folder, empty."""
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    return tmp_path


@pytest.fixture
def packages(monkeypatch):
    """Stand-ins for pyiqa and torchvision; what pyiqa was asked to create is in `pyiqa.asked`."""
    for name in ("pyiqa", "torchvision"):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    pyiqa = sys.modules["pyiqa"]

    def create_metric(name, **settings):
        pyiqa.asked = {"name": name} | settings
        return mean_level

    pyiqa.create_metric = create_metric
    return pyiqa


def mean_level(picture):
    """For one picture (1, 3, H, W) in [0, 1], as pyiqa checks it: (1, 1), from 0 to 100."""
    assert picture.shape[:2] == (1, 3)
    assert picture.min() >= 0
    assert picture.max() <= 1
    return 100 * picture.mean(dim=(1, 2, 3))[:, None]


def test_scores_are_means_over_frames_of_pictures_in_0_to_1(hub, packages):
    weights = hub / "pyiqa" / WEIGHTS
    weights.parent.mkdir()
    weights.touch()
    musiq = Musiq("cpu")
    assert packages.asked == {
        "name": "musiq",
        "pretrained_model_path": str(weights),  # named, so that pyiqa looks nowhere else
        "device": "cpu",
    }
    levels = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 0.5, 1.5]])  # of two videos' frames; one is out of range
    video = levels[:, None, :, None, None].expand(2, 3, 3, 8, 12)
    torch.testing.assert_close(musiq.score(video), torch.tensor([50.0, 75.0]))


def test_missing_weights_are_named_with_their_place(hub, packages):
    with pytest.raises(ValueError, match="missing") as error:
        Musiq()
    assert str(error.value).startswith(f"musiq: {hub / 'pyiqa' / WEIGHTS} missing;")
    assert not hasattr(packages, "asked")


def test_everything_that_is_missing_is_named_at_once(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(
        ValueError, match=rf"musiq: pyiqa, torchvision, .*{WEIGHTS} missing; .*pip install .*musiq"
    ):
        Musiq()
