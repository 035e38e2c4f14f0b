"""A plan foretells what runs take, and makes them small enough; rehearsals are small and say how the large ones go."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from cvsr.evaluation.cost import Resources
from cvsr.pipelines.plan import GIB, plan
from cvsr.pipelines.rehearsal import Rehearsal, _small, rehearse
from cvsr.pipelines.relay import ready
from cvsr.pipelines.stages import Stage
from cvsr.pipelines.tiling import Tiling

REHEARSAL = Rehearsal(
    canvas=(24.0, 1200.0),
    tile=(100.0, 5000.0, 2e7),
    codec=(1e5, 0.0),
    network=(6e6, 4e3),
    rate=1e10,
    correcting=(60.0, 1e-7),
)


@pytest.fixture
def load(enlarger, patchwise):
    return {"base": enlarger, "patchvsr": patchwise}.__getitem__


@pytest.mark.parametrize("system", ["base", "patchvsr"])
def test_small_rehearsals_say_what_larger_pieces_take(load, system):
    pipeline = load(system)
    settings = pipeline.asked(scale=4).completed(pipeline.sampling)
    rehearsal = rehearse(pipeline, settings)
    for pixels, frames, down, across in ((96, 9, 1, 1), (64, 9, 2, 1)):
        with Resources() as taken:
            _small(pipeline, settings, pixels, frames, down, across)()
        bytes_ = rehearsal.drawing_bytes(frames, down * across * pixels**2, pixels**2)
        assert taken.most == pytest.approx(bytes_, rel=0.15)
        if system == "base":
            operations = down * across * rehearsal.drawing_seconds(frames, pixels**2, 1) * rehearsal.rate
            assert taken.operations == pytest.approx(operations, rel=0.05)
    assert rehearsal.rate > 0


def made(load, stages, size=(540, 960), scale=4.0, frames=40, budget=None):
    legs = ready(stages, size, load, scale=scale)
    return plan(legs, [range(frames)], [REHEARSAL] * len(legs), budget)


def test_a_plan_counts_chunks_tiles_bytes_and_seconds(load):
    whole = made(load, [Stage()])
    (leg,) = whole.legs
    assert leg.chunks == Tiling().chunks(40)
    assert leg.tiles == len(Tiling().cover(2160, 3840)) == 170
    pixels = 2160 * 3840
    assert leg.working > 17 * pixels * 24
    assert whole.disk == pytest.approx(3 * 40 * pixels + 12 * 5 * pixels)
    tile = 17 * 256**2 * 1e5 + 5120 * 6e6 + 5120**2 * 4e3
    assert leg.seconds == pytest.approx((leg.chunks * 170 * tile) / 1e10 + 40 * pixels * 1e-7)
    assert "base: 960x540 to 3840x2160, chunks: 3 of up to 17 frames, tiles of 256: 170; about" in str(whole)


def test_two_stages_take_the_larger_s_work_and_what_both_hold(load):
    one, two = made(load, [Stage()]), made(load, [Stage(scale=2), Stage(scale=2)])
    assert two.legs[1].working == pytest.approx(one.legs[0].working)
    assert two.peak > one.peak
    assert two.seconds > one.seconds


def test_it_does_not_grow_with_the_length(load):
    short, long = (made(load, [Stage()], frames=frames) for frames in (100, 10_000))
    assert short.peak == long.peak
    assert long.seconds == pytest.approx(100 * short.seconds, rel=0.1)


@pytest.mark.parametrize("gib", [6.0, 4.0, 3.5])
def test_chunks_and_tiles_shrink_until_they_fit(load, gib):
    base = made(load, [Stage()], size=(8, 8), frames=1).base
    budget = base + gib * GIB
    small = made(load, [Stage(), Stage(scale=2)], scale=4, budget=budget)
    assert small.peak <= budget
    assert small.legs[1].leg.settings.tiling.frames < 17
    assert small.legs[0].leg.settings.tiling == Tiling()  # the one that takes less stays as it was


def test_what_cannot_fit_is_refused_with_what_it_needs(load):
    with pytest.raises(
        ValueError,
        match=r"^memory=0\.1: too little for 5 frames in tiles of 64 pixels, the least, which need .* GiB; allowed",
    ):
        made(load, [Stage()], budget=0.1 * GIB)


def test_patches_are_as_many_at_once_as_there_is_room_for(load):
    free, tight = made(load, [Stage("patchvsr")]), None
    assert free.legs[0].leg.settings.memory == pytest.approx(0.5)
    tight = made(load, [Stage("patchvsr")], budget=free.peak - 0.4 * GIB)
    assert tight.legs[0].leg.settings.memory < 0.5
    pipeline, settings = tight.legs[0].leg.pipeline, tight.legs[0].leg.settings
    assert pipeline.patches_at_once(torch.empty(1, 3, 17, 540, 960, device="meta"), settings) >= 1


def test_scenes_are_cut_into_chunks_each(load):
    legs = ready([Stage()], (540, 960), load, scale=4)
    scenes = [range(17), range(17, 18), range(18, 40)]
    assert plan(legs, scenes, [REHEARSAL]).legs[0].chunks == 1 + 1 + 2
    only = plan(legs, [range(1)], [REHEARSAL])
    assert only.legs[0].working < plan(legs, scenes, [REHEARSAL]).legs[0].working / 3


def test_a_rehearsal_s_time_is_that_of_its_machine():
    twice = replace(REHEARSAL, rate=2 * REHEARSAL.rate)
    assert math.isclose(
        REHEARSAL.drawing_seconds(5, 256**2, 3), 2 * twice.drawing_seconds(5, 256**2, 3), rel_tol=1e-9
    )
    assert np.isclose(REHEARSAL.drawing_seconds(5, 256**2, 0), 5 * 256**2 * 1e-5)
