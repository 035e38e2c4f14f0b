"""DOVER and VBench are asked as programs of their own, offline; what is missing is said before."""

import sys

import pytest

from cvsr.evaluation.judges import JudgeMissing
from cvsr.evaluation.programs import DIMENSIONS, Dover, VBench

DOVER = """
import os, sys
assert os.environ["HF_HUB_OFFLINE"] == "1" and os.environ["https_proxy"] == "http://127.0.0.1:9"
assert sys.argv[1] == "-v" and sys.argv[-1] == "-f" and os.path.exists("pretrained_weights/DOVER.pth")
print("dict_keys(['technical', 'aesthetic'])")
print("Normalized fused overall score (scale in [0,1]): 0.625")
"""
VBENCH = """
import json
class VBench:
    def __init__(self, device, info, folder):
        self.folder = folder
    def evaluate(self, path, name, prompt_list, dimension_list, local, mode):
        assert local and mode == "custom_input" and path.endswith("a.mp4")
        found = {each: [0.5 + len(prompt_list[0]) / 100, []] for each in dimension_list}
        json.dump(found, open(f"{self.folder}/{name}_eval_results.json", "w"))
"""


@pytest.fixture
def dover(tmp_path, monkeypatch):
    (tmp_path / "pretrained_weights").mkdir()
    (tmp_path / "pretrained_weights" / "DOVER.pth").touch()
    (tmp_path / "evaluate_one_video.py").write_text(DOVER)
    monkeypatch.setenv("CVSR_DOVER", str(tmp_path))
    return tmp_path


@pytest.fixture
def vbench(tmp_path, monkeypatch):
    """A stand-in for the package, and an empty cache of weights."""
    (tmp_path / "vbench").mkdir()
    (tmp_path / "vbench" / "__init__.py").write_text(VBENCH)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CVSR_VBENCH", sys.executable)
    monkeypatch.setenv("VBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_score_that_dover_prints(dover):
    assert Dover().score(dover / "a.mp4") == 0.625


def test_a_dover_that_fails_says_why(dover):
    (dover / "evaluate_one_video.py").write_text("raise RuntimeError('no CUDA')")
    with pytest.raises(ValueError, match=r"dover: its program failed \(RuntimeError: no CUDA\)"):
        Dover().score(dover / "a.mp4")
    (dover / "evaluate_one_video.py").write_text("print('done')")
    with pytest.raises(ValueError, match="dover: said no score"):
        Dover().score(dover / "a.mp4")


def test_a_dover_that_is_not_there(dover, monkeypatch):
    (dover / "pretrained_weights" / "DOVER.pth").unlink()
    with pytest.raises(JudgeMissing, match=r"DOVER\.pth missing"):
        Dover()
    monkeypatch.setenv("CVSR_DOVER", str(dover / "elsewhere"))
    with pytest.raises(JudgeMissing, match="no such file"):
        Dover()
    monkeypatch.delenv("CVSR_DOVER")
    with pytest.raises(JudgeMissing, match="CVSR_DOVER is not set"):
        Dover()


def test_a_dimension_of_vbench(vbench, tmp_path):
    for file in DIMENSIONS["motion_smoothness"]:
        (vbench / file).parent.mkdir(parents=True)
        (vbench / file).touch()
    assert VBench("motion_smoothness").score(tmp_path / "a.mp4", "a ball") == pytest.approx(0.56)


@pytest.mark.parametrize("dimension", [name for name, files in DIMENSIONS.items() if files])
def test_weights_that_vbench_would_download_are_asked_for_before(vbench, dimension):
    with pytest.raises(JudgeMissing, match=f"^{dimension}: .*{DIMENSIONS[dimension][0]}.* missing") as error:
        VBench(dimension)
    assert "\n" not in str(error.value)
