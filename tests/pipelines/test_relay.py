"""Frames go through all stages, scene by scene, and a run that goes on makes what it would have made."""

import numpy as np
import pytest
import torch

from cvsr.data.video import to_frames, to_tensor
from cvsr.models.autoencoder import decode_from_latents
from cvsr.pipelines.ledger import Ledger
from cvsr.pipelines.relay import enlarge, ready, relay_latents, whole
from cvsr.pipelines.stages import Stage

FRAMES = np.random.default_rng(0).integers(0, 256, (14, 8, 12, 3), dtype=np.uint8)
SHORT = {"steps": 1, "tile": 64, "frames": 5}


@pytest.fixture
def load(enlarger, patchwise):
    return {"base": enlarger, "patchvsr": patchwise}.__getitem__


def run(load, stages, scenes=(range(14),), ledger=None, scale=None, seed=0) -> np.ndarray:
    legs = ready(stages, (8, 12), load, scale=scale, seed=seed)
    return np.concatenate(list(enlarge(FRAMES, scenes, legs, ledger)))


def test_one_stage_is_its_pipeline(load, enlarger):
    legs = ready([Stage(**SHORT)], (8, 12), load, scale=2, seed=5)
    expected = torch.cat(list(enlarger.stream([to_tensor(FRAMES)[None]], legs[0].settings)), dim=2)
    found = run(load, [Stage(**SHORT)], scale=2, seed=5)
    assert np.array_equal(found, to_frames(expected[0]))
    assert not np.array_equal(found, run(load, [Stage(**SHORT)], scale=2, seed=6))


def test_stages_follow_each_other_and_each_draws_noise_of_its_own(load):
    stages = [Stage(**SHORT, strength=1.0), Stage("patchvsr", **SHORT, strength=0.2)]
    legs = ready(stages, (8, 12), load, scale=5)
    assert [leg.size for leg in legs] == [(8, 12), (18, 27)]
    seeds = [leg.settings.generator.initial_seed() for leg in legs]
    assert seeds[0] != seeds[1]
    assert run(load, stages, scale=5).shape == (14, 40, 60, 3)


def test_scenes_know_nothing_of_each_other(load):
    changed = FRAMES.copy()
    changed[:6] = 255 - changed[:6]
    scenes, legs = (range(6), range(6, 14)), lambda: ready([Stage(**SHORT)] * 2, (8, 12), load, scale=4)
    first, second = (np.concatenate(list(enlarge(frames, scenes, legs()))) for frames in (FRAMES, changed))
    assert np.array_equal(first[6:], second[6:])
    assert not np.array_equal(first[:6], second[:6])
    together = np.concatenate(list(enlarge(FRAMES, [range(14)], legs())))
    assert not np.array_equal(first[5:7], together[5:7])


def test_broken_off_between_stages_and_scenes_it_goes_on_to_the_same_bits(load, enlarger, tmp_path):
    stages, scenes = [Stage(**SHORT), Stage(**SHORT, scale=2)], (range(6), range(6, 14))
    undisturbed = run(load, stages, scenes, Ledger(tmp_path).within("undisturbed"))
    assert len(undisturbed) == 14
    calls = []

    def sometimes(*_):
        calls.append(1)
        if len(calls) % 3 == 0:
            raise KeyboardInterrupt

    watch = enlarger.transformer.register_forward_pre_hook(sometimes)
    ledger, attempts = Ledger(tmp_path).within("broken"), 0
    while True:
        try:
            result = run(load, stages, scenes, ledger)
            break
        except KeyboardInterrupt:
            attempts += 1
            assert attempts < 20
    watch.remove()
    assert attempts > 2
    assert np.array_equal(result, undisturbed)


def test_frames_are_read_only_as_they_are_needed(load):
    read = []

    def camera():
        for number in range(200):
            read.append(number)
            yield FRAMES[0]

    made = enlarge(camera(), [range(200)], ready([Stage(**SHORT)] * 2, (8, 12), load, scale=4))
    next(made)
    assert len(read) < 40


def test_latents_go_on_through_all_stages(load, enlarger):
    latents = torch.randn(1, 4, 2, 2, 2, generator=torch.Generator().manual_seed(0))
    legs = ready([Stage(**SHORT), Stage(**SHORT)], (16, 16), load, scale=8)
    assert whole(legs[0], 33) is legs[0]  # it takes pixels, however many
    small, pieces = relay_latents(latents, 5, legs)
    assert torch.equal(small, decode_from_latents(enlarger.autoencoder, latents).clamp(-1, 1))
    assert torch.cat(list(pieces), dim=2).shape == (1, 3, 5, 128, 128)
