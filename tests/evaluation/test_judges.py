"""Judges get what pyiqa asks for, and what is missing is named at once, never downloaded."""

import socket
import sys
import urllib.request
from contextlib import suppress
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
import torch

from cvsr.evaluation.judges import JUDGES, Judge, JudgeMissing, no_downloads


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
        return difference if JUDGES[name].compares else mean_level

    pyiqa.create_metric = create_metric
    return pyiqa


def mean_level(picture):
    """For one picture (1, 3, H, W) in [0, 1], as pyiqa checks it: (1, 1), from 0 to 100."""
    assert picture.shape[:2] == (1, 3)
    assert picture.min() >= 0
    assert picture.max() <= 1
    return 100 * picture.mean(dim=(1, 2, 3))[:, None]


def difference(picture, reference):
    return (picture - reference).abs().mean().reshape(1, 1, 1, 1)  # as LPIPS returns it


def put(hub, name):
    """Empty files where a judge's weights should be; the first of them."""
    for file in JUDGES[name].files:
        (hub / file).parent.mkdir(exist_ok=True)
        (hub / file).touch()
    return hub / next(iter(JUDGES[name].files))


def test_scores_are_means_over_frames_of_pictures_in_0_to_1(hub, packages):
    weights = put(hub, "musiq")
    musiq = Judge("musiq", "cpu")
    assert packages.asked == {
        "name": "musiq",
        "pretrained_model_path": str(weights),  # named, so that pyiqa looks nowhere else
        "device": "cpu",
    }
    levels = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 0.5, 1.5]])  # of two videos' frames; one is out of range
    video = levels[:, None, :, None, None].expand(2, 3, 3, 8, 12)
    torch.testing.assert_close(musiq.score(video), torch.tensor([50.0, 75.0]))


@pytest.mark.parametrize("name", ["lpips", "dists"])
def test_some_compare_with_a_reference_frame_by_frame(hub, packages, name):
    weights = put(hub, name)
    judge = Judge(name)
    assert packages.asked["pretrained_model_path"] == str(weights)
    video = torch.zeros(2, 3, 4, 8, 12)
    truth = torch.tensor([0.5, 1.0])[:, None, None, None, None].expand_as(video)
    torch.testing.assert_close(judge.score(video, truth), torch.tensor([0.25, 0.5]))


def test_what_pyiqa_finds_by_itself_it_is_not_told(hub, packages):
    put(hub, "clipiqa")
    Judge("clipiqa", "cpu")
    assert packages.asked == {"name": "clipiqa", "device": "cpu"}


@pytest.mark.parametrize("name", JUDGES)
def test_missing_weights_are_named_with_their_place_and_source(hub, packages, monkeypatch, name):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(JudgeMissing, match=f"^{name}: ") as error:
        Judge(name)
    assert "\n" not in str(error.value)
    assert not hasattr(packages, "asked")
    for file, source in JUDGES[name].files.items():
        assert f"{hub / file}" in str(error.value)
        assert source in str(error.value)
    if JUDGES[name].model:
        assert f"{JUDGES[name].model} missing" in str(error.value)


def test_everything_that_is_missing_is_named_at_once(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(
        JudgeMissing, match=r"musiq: pyiqa, torchvision, .*musiq_koniq.* missing; .*pip install .*musiq"
    ):
        Judge("musiq")


def test_nothing_is_downloaded():
    with pytest.raises(JudgeMissing, match="clipiqa: its library asks for more from"), no_downloads("clipiqa"):
        urllib.request.urlopen("http://127.0.0.1:9/weights.pth")
    with pytest.raises(OSError, match="refused"):  # by the machine itself: the world is as it was
        socket.create_connection(("127.0.0.1", 9), timeout=1)


def test_a_library_that_does_without_the_network_goes_on_and_its_own_errors_stay():
    with no_downloads("qalign"), suppress(OSError):
        urllib.request.urlopen("http://127.0.0.1:9/newer")
    with pytest.raises(RuntimeError, match="of its own"), no_downloads("qalign"):
        raise RuntimeError("of its own")
