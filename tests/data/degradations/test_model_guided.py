"""Model-guided degradation: a record of alpha and seed, and a model that comes when it happens."""

from pathlib import Path

import numpy as np
import pytest

from cvsr.data.degradations import pipeline as module
from cvsr.data.degradations.model_guided import ModelGuided, RandomModelGuided
from cvsr.data.degradations.pipeline import degrade, parse_pipeline, read_pipeline, to_record
from cvsr.data.degradations.resizing import Resize


def darker(frames, alpha, seed):
    return (frames * (1 - alpha)).astype(np.uint8)


def test_the_model_is_given_the_frames_and_the_record(moving):
    frames, seen = moving(3, 16, 24), []

    def redraw(*arguments):
        seen.append(arguments)
        return darker(*arguments)

    drawn = [ModelGuided(0.25, 7)]
    assert np.array_equal(degrade(drawn, frames, redraw), darker(frames, 0.25, 7))
    assert np.array_equal(seen[0][0], frames)
    assert seen[0][1:] == (0.25, 7)
    assert to_record(drawn) == [{"model_guided": {"alpha": 0.25, "seed": 7}}]


def test_it_takes_its_place_between_others(moving):
    pipeline = read_pipeline(Path(module.__file__).with_name("model_guided.yaml"))
    drawn = pipeline.sample(np.random.default_rng(0), (64, 96))
    assert 0.3 <= drawn[1].alpha <= 0.4
    assert degrade(drawn, moving(2, 64, 96), darker).shape == (2, 16, 24, 3)


def test_synthetic_damage_follows_in_unimmvsr_s(moving):
    pipeline, asked = read_pipeline(Path(module.__file__).with_name("unimmvsr.yaml")), []

    def redraw(frames, alpha, seed):
        asked.append((frames.shape, alpha))
        return darker(frames, alpha, seed)

    names = set()
    for seed in range(40):
        drawn = pipeline.sample(np.random.default_rng(seed), (64, 96))
        assert isinstance(drawn[0], Resize)
        names |= {tuple(entry) for entry in to_record(drawn[1:])}
        assert degrade(drawn, moving(2, 64, 96), redraw).shape == (2, 16, 24, 3)
    assert names == {("model_guided",), ("blur",), ("noise",), ("jpeg",), ("h264",)}
    assert 25 < len(asked) < 40  # some keep their identity
    assert {shape for shape, _ in asked} == {(2, 16, 24, 3)}
    assert all(0.2 <= alpha <= 0.5 for _, alpha in asked)


def test_draws_are_in_the_paper_s_range_and_have_seeds_of_their_own():
    rng = np.random.default_rng(0)
    drawn = [RandomModelGuided().sample(rng, (8, 8)) for _ in range(50)]
    assert all(0.3 <= guided.alpha <= 0.4 for guided in drawn)
    assert len({guided.seed for guided in drawn}) == 50


def test_mistakes(moving):
    with pytest.raises(ValueError, match=r"^redraw=None: .*; allowed .*; try cvsr\.pipelines\.redrawing"):
        degrade([ModelGuided(0.3, 0)], moving(1, 16, 16))
    for alpha in (-0.1, 1.2, "much"):
        with pytest.raises(ValueError, match=rf"alpha={alpha}: .*allowed 0 to 1; try"):
            ModelGuided(alpha, 0)
    with pytest.raises(ValueError, match=r"alpha=.*allowed 0"):
        parse_pipeline([{"model_guided": {"alpha": [0.3, 1.4]}}])
