"""Judges of whole videos that live in installations of their own: DOVER and VBench.

What they ask for (older NumPy and transformers, torchvision) cannot be installed beside this package, so each runs as
a program of its own, on a video file. Where it is says an environment variable:

    CVSR_DOVER    a checkout of github.com/VQAssessment/DOVER with pretrained_weights/DOVER.pth; run by the Python of
                  its .venv, or by this one
    CVSR_VBENCH   the Python of an environment with vbench (pip install vbench); its weights where VBench keeps
                  them, in VBENCH_CACHE_DIR or ~/.cache/vbench

DOVER (Wu et al. 2023) foretells people's opinion of a video, here both of its scores in one, 0 to 1. VBench's
dimensions (Huang et al. 2024) are its own, 0 to 1 each. Nothing is downloaded: weights are looked for first, and the
programs run without a way to the network.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from cvsr.evaluation.judges import JudgeMissing, shown

DIMENSIONS = {  # files of weights in VBench's cache
    "subject_consistency": ("dino_model/facebookresearch_dino_main", "dino_model/dino_vitbase16_pretrain.pth"),
    "background_consistency": ("clip_model/ViT-B-32.pt",),
    "aesthetic_quality": ("clip_model/ViT-L-14.pt", "aesthetic_model/emb_reader"),
    "imaging_quality": ("pyiqa_model/musiq_spaq_ckpt-358bb6af.pth",),
    "motion_smoothness": ("amt_model/amt-s.pth",),
    "temporal_flickering": (),
    "dynamic_degree": ("raft_model/models/raft-things.pth",),
    "overall_consistency": ("ViCLIP/ViClip-InternVid-10M-FLT.pth",),
}
NOWHERE = "http://127.0.0.1:9"  # a proxy that is not there
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
OFFLINE = dict.fromkeys(PROXIES, NOWHERE) | {"HF_HUB_OFFLINE": "1"}
ASK_VBENCH = """
import sys
import vbench
path, folder, dimension, prompt, device = sys.argv[1:]
judge = vbench.VBench(device, vbench.__path__[0] + "/VBench_full_info.json", folder)
judge.evaluate(path, "cvsr", prompt_list=[prompt], dimension_list=[dimension], local=True, mode="custom_input")
"""


class Dover:
    """DOVER's overall score; JudgeMissing where CVSR_DOVER names no checkout with weights."""

    def __init__(self):
        self.folder = _named("dover", "CVSR_DOVER", "a checkout of github.com/VQAssessment/DOVER")
        for file in ("evaluate_one_video.py", "pretrained_weights/DOVER.pth"):
            if not (self.folder / file).is_file():
                raise JudgeMissing(
                    f"dover: {self.folder / file} missing; allowed a checkout with its weights, nothing is downloaded;"
                    " try those of github.com/VQAssessment/DOVER/releases"
                )

    def score(self, path: Path) -> float:
        """Of a video file, 0 to 1; more is better."""
        own = self.folder / ".venv" / "bin" / "python"
        python = own if own.exists() else sys.executable
        said = _run("dover", [python, "evaluate_one_video.py", "-v", path, "-d", _device(), "-f"], self.folder)
        found = re.search(r"overall score.*?:\s*([0-9.eE+-]+)", said)
        if not found:
            raise ValueError(f"dover: said no score; allowed its evaluate_one_video.py; try it by hand on {path}")
        return float(found[1])


class VBench:
    """One dimension of VBench.

    Raises:
        JudgeMissing: CVSR_VBENCH names no Python, or the dimension's weights are missing.
    """

    def __init__(self, dimension: str):
        self.dimension, self.python = dimension, _named(dimension, "CVSR_VBENCH", "the Python of vbench's environment")
        cache = Path(os.environ.get("VBENCH_CACHE_DIR") or Path.home() / ".cache" / "vbench")
        if missing := [shown(cache / file) for file in DIMENSIONS[dimension] if not (cache / file).exists()]:
            raise JudgeMissing(
                f"{dimension}: {', '.join(missing)} missing; allowed where VBench keeps its weights, nothing is"
                " downloaded; try VBench itself once, where there is a network"
            )

    def score(self, path: Path, prompt: str = "") -> float:
        """Of a video file and what it is to show, 0 to 1; more is better."""
        with tempfile.TemporaryDirectory() as folder:
            _run(
                self.dimension,
                [self.python, "-c", ASK_VBENCH, path, folder, self.dimension, prompt, _device()],
                Path(folder),
            )
            results = json.loads((Path(folder) / "cvsr_eval_results.json").read_text())
        return float(results[self.dimension][0])


def _named(judge: str, variable: str, what: str) -> Path:
    named = os.environ.get(variable)
    if not named or not Path(named).exists():
        problem = f"{variable}={named}: no such file" if named else f"{variable} is not set"
        raise JudgeMissing(f"{judge}: {problem}; allowed {what}; try export {variable}=/path/to/it")
    return Path(named).absolute()  # links stay: the Python of an environment is one


def _run(judge: str, command: list, folder: Path) -> str:
    """What a program says; ValueError with its last line if it fails."""
    environment = os.environ | OFFLINE
    words = [str(word) for word in command]
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if ran.returncode:
        last = (ran.stderr.strip() or ran.stdout.strip() or f"exit code {ran.returncode}").splitlines()[-1]
        raise ValueError(f"{judge}: its program failed ({last}); allowed one that runs; try it by hand")
    return ran.stdout


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"
