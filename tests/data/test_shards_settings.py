"""What cannot become shards is refused before anything is built."""

import pytest

from cvsr.data.degradations.pipeline import parse_pipeline
from cvsr.data.shards_settings import ShardSettings

RESIZE = {"resize": {"factor": [0.25, 0.25], "reduce": 1, "enlarge": 0}}
GUIDED = {"model_guided": {"probability": 0.5}}


@pytest.mark.parametrize("steps", [[GUIDED, RESIZE], [GUIDED, GUIDED], [RESIZE, GUIDED, {"jpeg": {}}]])
def test_nothing_comes_after_a_base_model_where_its_latents_are_kept(steps):
    with pytest.raises(ValueError, match=r"degradations=\[.*'model_guided'.*allowed once, as the last"):
        ShardSettings(parse_pipeline(steps), reduction=4)
    assert ShardSettings(parse_pipeline(steps), reduction=1).is_guided


@pytest.mark.parametrize(("steps", "guided"), [([], False), ([RESIZE], False), ([RESIZE, GUIDED], True)])
def test_whether_a_base_model_takes_part(steps, guided):
    assert ShardSettings(parse_pipeline(steps), reduction=4).is_guided is guided


@pytest.mark.parametrize("name", ["variants", "reduction", "clips_per_shard"])
def test_at_least_one_of_each(name):
    with pytest.raises(ValueError, match=f"{name}=0: too few"):
        ShardSettings(parse_pipeline([]), **{name: 0})


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_mistaken_clips_are_drawn_again_by_share(share):
    with pytest.raises(ValueError, match=f"mistaken_redrawn={share}: no share; allowed 0 to 1"):
        ShardSettings(parse_pipeline([]), mistaken_redrawn=share)
    described = [ShardSettings(parse_pipeline([]), mistaken_redrawn=each) for each in (0.0, 0.5)]
    assert "mistaken_redrawn" not in described[0].describe(True)  # folders that were built without stay valid
    assert described[1].describe(True)["mistaken_redrawn"] == 0.5
    assert "mistaken_redrawn" not in described[1].describe(False)


def test_whole_clips_are_those_of_enlarged_inputs():
    with pytest.raises(ValueError, match="whole=64: of inputs that are not enlarged; allowed with reduction=1"):
        ShardSettings(parse_pipeline([]), reduction=4, whole=64)
    described = [ShardSettings(parse_pipeline([]), whole=whole).describe(False) for whole in (None, 64)]
    assert "whole" not in described[0]  # folders that were built without stay valid
    assert described[1]["whole"] == 64
