"""The smallest pipelines of the real classes, with random weights."""

import pytest
import torch

from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video
from cvsr.systems.patchvsr import build_patchvsr

CAPTIONS = ["a red ball on grass", "a blue cube turning"]


def stir(model: torch.nn.Module, size: float = 0.05) -> None:
    """Move every weight a little: layers that start at zero would hide what lies before them."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * size)


@pytest.fixture
def base() -> TextToVideoPipeline:
    torch.manual_seed(0)
    stage = build_text_to_video(PRESETS["tiny"], CAPTIONS)
    stir(stage.transformer)
    return quiet(TextToVideoPipeline(**vars(stage)))


@pytest.fixture
def fresh() -> SuperResolutionPipeline:
    """Super-resolution whose network predicts exactly 0."""
    torch.manual_seed(0)
    preset = PRESETS["tiny"]
    stage = build_super_resolution(preset, CAPTIONS)
    return quiet(SuperResolutionPipeline(**vars(stage)))


@pytest.fixture
def enlarger(fresh) -> SuperResolutionPipeline:
    """Super-resolution whose network predicts something."""
    stir(fresh.transformer)
    return fresh


@pytest.fixture
def patchwise() -> PatchVSRPipeline:
    torch.manual_seed(0)
    stage = build_patchvsr(PRESETS["tiny"], CAPTIONS)
    stir(stage.transformer)
    return quiet(PatchVSRPipeline(**vars(stage)))


def quiet(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def video() -> torch.Tensor:
    """A smooth video (2, 3, 5, 16, 24), so that bicubic enlargement makes sense."""
    coarse = torch.rand(2, 3, 2, 3, 4, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8
    return torch.nn.functional.interpolate(coarse, (5, 16, 24), mode="trilinear")
