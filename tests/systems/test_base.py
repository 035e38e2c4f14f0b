"""The parts of every system fit each other."""

import pytest
import torch

from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video
from cvsr.training.flow_matching import SYSTEMS


@pytest.mark.parametrize("name", PRESETS)
def test_parts_of_a_stage_fit(name):
    with torch.device("meta"):  # sizes only: the large presets need not fit in memory
        base = build_text_to_video(PRESETS[name], ["a red ball"])
        sr = build_super_resolution(PRESETS[name], ["a red ball"])
    TextToVideoPipeline(**vars(base)).check_parts()
    SuperResolutionPipeline(**vars(sr)).check_parts()
    assert sr.autoencoder.config == base.autoencoder.config


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("system", SYSTEMS)
def test_parts_fit(system, name):
    build, pipeline = SYSTEMS[system]
    with torch.device("meta"):
        stage = build(PRESETS[name], ["a red ball"])
    pipeline(**vars(stage)).check_parts()


def test_a_stage_of_the_other_kind_is_refused():
    base = build_text_to_video(PRESETS["tiny"], ["a red ball"])
    with pytest.raises(ValueError, match=r"transformer\.in_channels=4: .*allowed 8"):
        SuperResolutionPipeline(**vars(base)).check_parts()
