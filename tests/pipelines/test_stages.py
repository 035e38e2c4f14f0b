"""Stages share what is left of an enlargement, and a YAML file says what Python would."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvsr.pipelines.stages import SYSTEMS, Stage, cascade_names, in_steps, load_stages, sizes
from cvsr.pipelines.tiling import Tiling

OPEN = Stage()


@pytest.mark.parametrize(
    ("stages", "scale", "expected"),
    [
        ([OPEN], None, [(400, 640)]),
        ([OPEN], 2.5, [(250, 400)]),
        ([OPEN, OPEN], 16, [(400, 640), (1600, 2560)]),
        ([OPEN, OPEN], None, [(400, 640), (1600, 2560)]),
        ([Stage(scale=4), OPEN], 6, [(400, 640), (600, 960)]),
        ([OPEN, Stage(scale=1.5)], 6, [(400, 640), (600, 960)]),
        ([Stage(scale=2), Stage(height=300)], None, [(200, 320), (300, 480)]),
        ([OPEN, Stage(height=900)], None, [(300, 480), (900, 1440)]),
        ([Stage(height=300), OPEN], None, [(300, 480), (1200, 1920)]),
        ([Stage(height=200), OPEN, OPEN], 18, [(200, 320), (600, 960), (1800, 2880)]),
        ([Stage(scale=0.5), OPEN], None, [(50, 80), (200, 320)]),
    ],
)
def test_sizes_on_the_way(stages, scale, expected):
    assert sizes(stages, (100, 160), scale) == expected


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 4), st.floats(0.8, 40))
def test_the_last_size_is_what_is_asked_for_and_no_stage_does_most_of_it(height, width, count, scale):
    made = sizes([OPEN] * count, (height, width), scale)
    assert made[-1] == (max(1, round(height * scale)), max(1, round(width * scale))) or min(made[-1]) == 1
    for number, (rows, columns) in enumerate(made, 1):
        assert abs(rows - height * scale ** (number / count)) <= 0.51
        assert abs(columns - width * scale ** (number / count)) <= 0.51


@pytest.mark.parametrize("height", [97, 540, 2160])
def test_a_height_that_is_no_multiple_is_met_and_the_width_follows(height):
    ((rows, columns),) = sizes([OPEN], (130, 240), height / 130)
    assert rows == height
    assert math.isclose(columns / rows, 240 / 130, abs_tol=0.6 / height)


@pytest.mark.parametrize(
    ("stages", "scale", "said"),
    [
        ([Stage(scale=2), Stage(scale=2)], 8, "scale=8: the stages make 4; allowed 4; try"),
        ([Stage(height=200)], 4, "scale=4: the stages make 2; allowed 2; try"),
        ([Stage(scale=0.001)], None, r"scale=0\.001: nothing is left of 160x100; try"),
    ],
)
def test_sizes_that_cannot_be(stages, scale, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        sizes(stages, (100, 160), scale)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"system": "seedvr9"}, "system=seedvr9: unknown; allowed base"),
        ({"scale": 2, "height": 200}, "two sizes; allowed one"),
        ({"scale": -1}, "scale=-1: no enlargement"),
        ({"height": 0}, "height=0: no height"),
        ({"patch": 64}, "system=base: has no patches"),
        ({"colour_correction": "lab"}, "colour_correction='lab': unknown"),
        ({"tile": 100}, "pixels=100: no tile's size"),
        ({"frames": 16}, "frames=16: no tile's length"),
    ],
)
def test_stages_that_make_no_sense(settings, said):
    with pytest.raises(ValueError, match=said):
        Stage(**settings)


def test_the_most_at_once_is_a_tiling():
    assert OPEN.tiling(Tiling()) == Tiling()
    assert OPEN.tiling(Tiling(64, 16, 5, 1)) == Tiling(64, 16, 5, 1)
    assert Stage(tile=64, frames=5).tiling(Tiling()) == Tiling(64, 32, 5, 1)


def test_a_file_says_what_python_would(tmp_path):
    path = tmp_path / "cascade.yaml"
    path.write_text("- system: seedvr\n  scale: 4\n  strength: 0.2\n- height: 2160\n  frames: 5\n")
    assert load_stages(path) == [Stage("seedvr", scale=4, strength=0.2), Stage(height=2160, frames=5)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- scal: 4\n", "1: no setting scal; allowed system, scale"),
        ("- {}\n- system: none\n", "2: system=none: unknown"),
        ("- scale: big\n", "1: "),
        ("scale: 4\n", "no list of stages"),
        ("[]\n", "no list of stages"),
        ("", "no list of stages"),
        ("- [", "cannot be read"),
    ],
)
def test_files_that_are_none(tmp_path, text, said):
    path = tmp_path / "cascade.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"^stages={path}.*{said}"):
        load_stages(path)


def test_a_file_that_is_not_there_names_those_that_come_with_the_kit():
    with pytest.raises(ValueError, match=r"^stages=absent: no such file; allowed a YAML file, or .*one_stage"):
        load_stages("absent")


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(0.5, [0.5]), (4, [4]), (5.3, [5.3]), (8, [4, 2]), (16, [4, 4]), (33.75, [4, 4, 33.75 / 16]), (64, [4, 4, 4])],
)
def test_far_enlargements_go_in_steps_of_what_was_trained(scale, expected):
    stages = in_steps(Stage("seedvr", detail=1.0), scale)
    assert {(stage.system, stage.detail) for stage in stages} == {("seedvr", 1.0)}
    heights = [1000, *(height for height, _ in sizes(stages, (1000, 1000), scale))]
    assert [after / before for before, after in itertools.pairwise(heights)] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", cascade_names())
def test_the_kit_s_cascades_can_be_had_at_any_size(name):
    stages = load_stages(name)
    assert {stage.system for stage in stages} <= set(SYSTEMS)
    assert sizes(stages, (60, 100), 12)[-1] == (720, 1200)
