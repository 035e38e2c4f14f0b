"""A pipeline is described, drawn, recorded and replayed without a difference."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvsr.data.degradations import pipeline as module
from cvsr.data.degradations.blur import RandomBlur
from cvsr.data.degradations.pipeline import (
    NAMES,
    RANGES,
    degrade,
    from_record,
    parse_pipeline,
    read_pipeline,
    stages,
    to_record,
)

FOLDER = Path(module.__file__).parent
FIRST_ORDER = read_pipeline(FOLDER / "first_order.yaml")
SECOND_ORDER = read_pipeline(FOLDER / "second_order.yaml")
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 41), st.integers(1, 41))


def noise(shape, grey):
    """Random frames (T, H, W, 3), grey ones on request."""
    frames = np.random.default_rng(1).integers(0, 256, (*shape, 1 if grey else 3), np.uint8)
    return np.ascontiguousarray(np.broadcast_to(frames, (*shape, 3)))


def mirrored(frames, alpha, seed):
    """In the place of a base model."""
    return frames[:, :, ::-1]


def test_the_file_describes_what_the_code_then_does():
    steps = FIRST_ORDER.steps
    assert [NAMES[type(step.degradation)] for step in steps] == [
        "blur",
        "resize",
        "noise",
        "jpeg",
        "resize",
        "h264",
    ]
    assert steps[0].degradation == RandomBlur()
    assert steps[-1].probability == 0.8
    assert parse_pipeline(json.loads(json.dumps(FIRST_ORDER.describe()))) == FIRST_ORDER


def test_shards_of_light_degradations_stay_valid():
    """Shards record these settings; another description would build them all anew."""
    blur, resize, noise, jpeg, h264 = read_pipeline(FOLDER / "light.yaml").describe()
    assert list(blur["blur"]) == [
        "probability",
        "generalised",
        "plateau",
        "isotropic",
        "size",
        "sigma",
        "beta",
        "plateau_beta",
    ]
    assert list(resize["resize"]) == ["probability", "factor", "reduce", "enlarge", "interpolations"]
    assert list(noise["noise"]) == ["probability", "poisson", "grey", "sigma", "scale"]
    assert jpeg == {"jpeg": {"probability": 0.15, "quality": [70, 95]}}
    assert h264 == {"h264": {"probability": 0.25, "crf": [16, 26]}}


@pytest.mark.parametrize("pipeline", [FIRST_ORDER, SECOND_ORDER], ids=["first order", "second order"])
@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32),
    shape=SHAPES,
    grey=st.booleans(),
)
def test_a_record_replays_exactly(pipeline, seed, shape, grey):
    frames = noise(shape, grey)
    drawn = pipeline.sample(np.random.default_rng(seed), shape[1:])
    again = from_record(json.loads(json.dumps(to_record(drawn))))
    assert again == drawn
    result = degrade(drawn, frames)
    assert np.array_equal(degrade(again, frames), result)
    assert result.dtype == np.uint8
    assert result.shape == (shape[0], *(max(1, round(side / 4)) for side in shape[1:]), 3)


@pytest.mark.filterwarnings("ignore:frames=1")
@pytest.mark.parametrize("name", [name for name in RANGES if name != "resize"])
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), shape=SHAPES, grey=st.booleans())
def test_every_kind_keeps_the_shape_and_replays_from_its_record(name, seed, shape, grey):
    frames = noise(shape, grey)
    drawn = parse_pipeline([{name: {}}]).sample(np.random.default_rng(seed), shape[1:])
    result = degrade(drawn, frames, mirrored)
    assert result.shape == frames.shape
    assert result.dtype == np.uint8
    replayed = from_record(json.loads(json.dumps(to_record(drawn))))
    assert np.array_equal(degrade(replayed, frames, mirrored), result)


def test_the_pictures_in_between(moving):
    frames = moving(3, 32, 48)
    drawn = FIRST_ORDER.sample(np.random.default_rng(0), (32, 48))
    left = list(stages(drawn, frames))
    assert [name for name, _ in left] == [NAMES[type(degradation)] for degradation in drawn]
    assert np.array_equal(left[0][1], drawn[0].apply(frames))
    assert np.array_equal(left[-1][1], degrade(drawn, frames))
    assert np.array_equal(degrade([], frames), frames)


def test_probabilities():
    both = parse_pipeline([{"blur": {"probability": 0.25}}, {"jpeg": {"probability": 0}}, {"noise": None}])
    rng = np.random.default_rng(0)
    names = [[NAMES[type(d)] for d in both.sample(rng, (8, 8))] for _ in range(2000)]
    assert np.mean(["blur" in happened for happened in names]) == pytest.approx(0.25, abs=0.03)
    assert all("noise" in happened and "jpeg" not in happened for happened in names)


def test_a_second_order_is_a_longer_list():
    names = [NAMES[type(step.degradation)] for step in SECOND_ORDER.steps]
    round_ = ["blur", "sinc", "resize", "noise", "jpeg"]
    assert names == [*round_, "compression", *round_, "resize", "sinc", "compression"]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (
            [{"fog": {}}],
            "'fog'.*unknown; allowed .'blur', 'sinc', .*'compression', 'flow_based', 'model_guided'",
        ),
        ([{"blur": {"sigmas": [1, 2]}}], "'sigmas'. unknown or missing; allowed .*'sigma'"),
        ([{"blur": {"sigma": 2}}], "sigma=2: no such range"),
        ([{"jpeg": {"quality": ["low", "high"]}}], "quality=.*no such range"),
        ([{"jpeg": {"probability": 2}}], "probability=2"),
        ({"blur": {}}, "no list of them"),
        (["blur"], "no list of them"),
        ([{"jpeg": 30}], "no list of them"),
    ],
)
def test_mistakes_in_a_description(description, message):
    with pytest.raises(ValueError, match=message):
        parse_pipeline(description)


def test_mistakes_in_a_record():
    with pytest.raises(ValueError, match="unknown or missing"):
        from_record([{"h264": {}}])
    assert RANGES.keys() == module.DRAWN.keys()
