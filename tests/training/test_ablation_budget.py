"""Minutes become equal steps, once; what is counted in steps keeps its share of a run."""

from types import SimpleNamespace

import pytest
import yaml

from cvsr.training.ablation_budget import (
    AVERAGING,
    BUDGET,
    FEWEST,
    WARMUP,
    StepSeconds,
    planned_steps,
    steps_within,
    with_steps,
)
from cvsr.training.ablations import COMPARISONS, RECIPES, read_comparison, settings_of_run


def test_all_runs_together_take_the_time():
    seconds = {"full": 0.6, "windows": 0.4}
    steps = steps_within(30, seeds=3, seconds=seconds)
    assert steps == 600
    assert steps * 3 * sum(seconds.values()) <= 30 * 60 < (steps + 1) * 3 * sum(seconds.values())


def test_too_little_time_is_refused_with_what_would_do():
    with pytest.raises(ValueError, match=r"budget=0\.5: 10 steps for each of 6 runs; .* 1\.0 minutes here") as error:
        steps_within(0.5, seeds=3, seconds={"full": 0.6, "windows": 0.4})
    assert "\n" not in str(error.value)
    assert steps_within(1.0, 3, {"full": 0.6, "windows": 0.4}) == FEWEST


def test_what_was_tried_out_once_is_kept(tmp_path):
    file, tried = tmp_path / "pair" / "budget-30-minutes.yaml", []

    def try_out():
        tried.append(1)
        return {"one": 0.5, "other": 0.5}

    assert planned_steps(30, 3, file, try_out) == planned_steps(30, 3, file, try_out) == 600
    assert len(tried) == 1
    assert yaml.safe_load(file.read_text()) == {"minutes": 30, "steps": 600, "seconds": {"one": 0.5, "other": 0.5}}


@pytest.mark.parametrize("recipe", sorted(path.name for path in RECIPES.glob("ablation*.yaml")))
def test_a_recipe_of_its_own_length_is_the_recipe(recipe):
    known = yaml.safe_load((RECIPES / recipe).read_text())
    steps = next(c for c in known["trainer"]["callbacks"] if c["class_path"] == BUDGET)["init_args"]["steps"]
    same = with_steps(known, steps)
    for callback in (*known["trainer"]["callbacks"], *same["trainer"]["callbacks"]):
        if callback["class_path"] == AVERAGING:
            callback["init_args"]["decay"] = round(callback["init_args"]["decay"], 12)
    assert same == known
    assert with_steps(known, 2 * steps) != known


def test_stages_warm_up_and_average_shrink_along(tmp_path):
    comparison = read_comparison(COMPARISONS / "training_order.yaml")
    whole = settings_of_run(comparison, "difficult to easy", 0, tmp_path)
    part = with_steps(whole, 270)
    budget, average = (
        next(c["init_args"] for c in part["trainer"]["callbacks"] if c["class_path"] == name)
        for name in (BUDGET, AVERAGING)
    )
    assert budget == {"steps": 270, "warmup": 15, "cooldown": 0.5}
    assert average["decay"] == pytest.approx(0.96)  # reaches back 25 steps in place of 50
    edges = [(bucket.get("since"), bucket.get("until")) for bucket in part["data"]["init_args"]["buckets"]]
    assert edges == [(None, 90), (90, 180), (180, None)]
    assert whole["data"]["init_args"]["buckets"][0]["until"] == 180  # the given recipe is left as it was


def test_seconds_of_a_step_are_the_median_after_the_first_ones(monkeypatch):
    moments = iter([0, 100, 101, *(101 + 2 * n for n in range(1, 6)), 200])
    monkeypatch.setattr("cvsr.training.ablation_budget.time", SimpleNamespace(perf_counter=lambda: next(moments)))
    timer = StepSeconds()
    for _ in range(9):
        timer.on_train_batch_end(None, None)
    assert WARMUP == 3
    assert timer.median() == 2
