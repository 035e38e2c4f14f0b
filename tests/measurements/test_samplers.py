"""Samplers are compared by how near they come to where the network's path ends."""

import pytest
import torch

from cvsr.diffusion.schedulers import euler_scheduler
from cvsr.measurements import samplers
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_text_to_video
from cvsr.systems.unimmvsr import build_unimmvsr

TINY = PRESETS["tiny"]
STAGES = ["text to video", "super-resolution"]


@pytest.fixture(scope="module")
def pipelines():
    torch.manual_seed(0)
    base = TextToVideoPipeline(**vars(build_text_to_video(TINY, ["a red ball"])))
    enlarger = UniMMVSRPipeline(**vars(build_unimmvsr(TINY, ["a red ball"])))
    for pipeline in (base, enlarger):
        pipeline.set_progress_bar_config(disable=True)
        pipeline.predict = predict_normal
    return base, enlarger


def predict_normal(x, t, **_):
    """The mean of normal data of variance 1/4, given noisy ones: a smooth path, as a fresh network's is not."""
    noisy, t = x[:, : TINY.autoencoder.latent_channels], t.view(-1, 1, 1, 1, 1)
    return noisy * (1 - t) / 4 / ((1 - t) ** 2 / 4 + t**2)


@pytest.fixture(scope="module")
def rows(pipelines):
    return samplers.measure(*pipelines, count=2, calls=(3, 9), end=24)


def distance(rows, method, stage):
    (row,) = [row for row in rows if (row.method, row.clips) == (method, stage)]
    assert row.count == 2
    return row.figures["distance"].mean


def test_every_sampler_is_measured_in_both_stages(rows):
    expected = [f"{name}, {calls} calls" for name in samplers.SAMPLERS for calls in (3, 9)]
    assert [(row.clips, row.method) for row in rows] == [(stage, name) for stage in STAGES for name in expected]


@pytest.mark.parametrize("stage", STAGES)
def test_more_calls_come_nearer_and_higher_order_nearest(rows, stage):
    for name in samplers.SAMPLERS:
        assert distance(rows, f"{name}, 9 calls", stage) < distance(rows, f"{name}, 3 calls", stage)
    assert distance(rows, "flow-PNDM, 9 calls", stage) < distance(rows, "Euler, 9 calls", stage)


def test_the_end_is_where_its_own_sampler_ends(pipelines):
    rows = samplers.measure(*pipelines, count=1, calls=(3,), end=3)
    (row,) = [row for row in rows if (row.method, row.clips) == ("flow-PNDM, 3 calls", STAGES[0])]
    assert row.figures["distance"].mean == 0


def test_pipelines_keep_their_samplers(pipelines, rows):
    assert [type(pipeline.scheduler) for pipeline in pipelines] == [type(euler_scheduler())] * 2
