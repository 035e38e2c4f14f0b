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


@pytest.mark.parametrize("system", SYSTEMS)
def test_diffusers_own_loader_reads_what_it_saves(system, tmp_path):
    build, kind = SYSTEMS[system]
    saved = kind(**vars(build(PRESETS["tiny"], ["a red ball"])))
    saved.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path, local_files_only=True)
    assert type(loaded.transformer) is type(saved.transformer)
    found, known = (each.transformer.state_dict() for each in (loaded, saved))
    assert found.keys() == known.keys()
    assert all(torch.equal(found[name], weight) for name, weight in known.items())


def test_a_stage_of_the_other_kind_is_refused():
    base = build_text_to_video(PRESETS["tiny"], ["a red ball"])
    with pytest.raises(ValueError, match=r"transformer\.in_channels=4: .*allowed 8"):
        SuperResolutionPipeline(**vars(base)).check_parts()
