"""The smallest models that references are measured with: what must hold whatever they have learnt."""

import pytest
import torch

from cvsr.models.attribute_reader import AttributeReader
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_text_to_video
from cvsr.systems.unimmvsr import build_unimmvsr


@pytest.fixture(scope="module")
def reference_models():
    """Parts of UniMMVSR whose weights were moved, a base model and a reader."""
    torch.manual_seed(0)
    stage = build_unimmvsr(PRESETS["tiny"], ["a red ball"])
    base = TextToVideoPipeline(**vars(build_text_to_video(PRESETS["tiny"], ["a red ball"])))
    for weight in stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.05)  # fresh networks predict 0
    return stage, base, AttributeReader(["ball"], ["red"]).eval()
