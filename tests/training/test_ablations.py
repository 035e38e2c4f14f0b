"""Comparisons are read and checked, runs differ in what is compared and in nothing else, finished ones are kept."""

from pathlib import Path

import pytest
import yaml

from cvsr.cli.ablate_arguments import COMPARISONS as OFFERED
from cvsr.diffusion.noise_augmentation import RANGES
from cvsr.training import ablations
from cvsr.training.ablations import (
    COMPARISONS,
    Comparison,
    Variant,
    lay_over,
    read_comparison,
    settings_of_run,
)

PAIR = {"one": Variant(), "other": Variant({"model": {"init_args": {"t_floor": 0.3}}})}


@pytest.mark.parametrize("name", [file.stem for file in COMPARISONS.glob("*.yaml")])
def test_comparisons_of_the_house(name):
    comparison = read_comparison(COMPARISONS / f"{name}.yaml")
    assert comparison.name == name
    assert name in OFFERED
    assert comparison.question.endswith("?")
    assert len(comparison.seeds) >= 3
    recipes = {v: settings_of_run(comparison, v, 1, Path("run")) for v in comparison.variants}
    compared = [part for part in ("model", "data") if len({str(r[part]) for r in recipes.values()}) > 1]
    assert len(compared) == 1
    assert len({str(recipe[compared[0]]) for recipe in recipes.values()}) == len(recipes)
    *budgets, _export = zip(*(recipe["trainer"]["callbacks"] for recipe in recipes.values()), strict=True)
    assert all(str(each[0]) == str(other) for each in budgets for other in each)


def test_degradations_differ_in_what_is_done_to_the_same_clips():
    comparison = read_comparison(COMPARISONS / "degradations.yaml")
    data = [settings_of_run(comparison, v, 1, Path("run"))["data"]["init_args"] for v in comparison.variants]
    for name in ("degradations", "shards"):
        assert len({each.pop(name) for each in data}) == len(data)
    assert all(each == data[0] for each in data)
    assert (data[0]["train"]["frames"] - 1) // 4 + 1 == data[0]["buckets"][0]["frames"]  # whole clips


def test_the_papers_ranges_are_trained_and_tested_in_their_middle():
    comparison = read_comparison(COMPARISONS / "noise_ranges.yaml")
    for name, variant in comparison.variants.items():
        levels = variant.settings["model"]["init_args"]["noise_range"]
        assert levels == vars(RANGES[name])
        assert variant.strength == pytest.approx((levels["low"] + levels["high"]) / 2)


def test_the_detail_aware_run_follows_the_uniform_one_of_its_seed(tmp_path):
    comparison = read_comparison(COMPARISONS / "timestep_samplers.yaml")
    assert next(iter(comparison.variants)) == "uniform"
    folder = ablations.run_folder(comparison, "detail-aware", 2, tmp_path)
    settings = settings_of_run(comparison, "detail-aware", 2, folder)
    followed = settings["model"]["init_args"]["timesteps"]["init_args"]
    assert followed["weights"] == str(ablations.run_folder(comparison, "uniform", 2, tmp_path))


REFERENCES = [c for c in map(read_comparison, COMPARISONS.glob("*.yaml")) if c.recipe == "ablation_references.yaml"]


def test_comparisons_of_references_share_the_runs_of_the_recipe_as_it_is(tmp_path):
    assert len(REFERENCES) == 6
    plain = []
    for comparison in REFERENCES:
        first, *others = comparison.variants
        folder = ablations.run_folder(comparison, first, 1, tmp_path)
        plain.append((folder, settings_of_run(comparison, first, 1, folder), comparison.variants[first]))
        folders = {ablations.run_folder(comparison, name, 1, tmp_path) for name in others}
        assert len(folders | {folder}) == len(comparison.variants)
        for name in ("exam", "steps", "frames", "crop"):
            assert getattr(comparison, name) == getattr(REFERENCES[0], name)
    assert all(each == plain[0] for each in plain)
    assert plain[0][0] == tmp_path / "ablation_references" / "as-it-is-1"
    (other,) = (c for c in map(read_comparison, COMPARISONS.glob("attention_operators.yaml")))
    assert ablations.run_folder(other, "full", 1, tmp_path) == tmp_path / "attention_operators" / "full-1"


def test_what_references_are_trained_on_differs_in_nothing_but_the_shards():
    for name, compared in {"degradations": "degradations", "augmentation": "augmentation"}.items():
        comparison = read_comparison(COMPARISONS / f"reference_{name}.yaml")
        runs = [settings_of_run(comparison, v, 1, Path("run"))["data"]["init_args"] for v in comparison.variants]
        for differing in ("shards", compared):
            assert len({str(each.pop(differing)) for each in runs}) == len(runs)
        assert all(each == runs[0] for each in runs)


def test_orders_of_training_are_stages_of_a_third_each():
    comparison = read_comparison(COMPARISONS / "training_order.yaml")
    settings = settings_of_run(comparison, "all at once", 1, Path("run"))
    (budget,) = (c["init_args"] for c in settings["trainer"]["callbacks"] if c["class_path"].endswith("Budget"))
    shapes = [{"batch": 5, "frames": 1, "size": 8}]
    assert settings["data"]["init_args"]["buckets"] == shapes
    stages = {}
    for name in ("difficult to easy", "easy to difficult"):
        buckets = settings_of_run(comparison, name, 1, Path("run"))["data"]["init_args"]["buckets"]
        assert [{k: bucket[k] for k in shapes[0]} for bucket in buckets] == 3 * shapes
        edges = [(bucket.get("since", 0), bucket.get("until", budget["steps"])) for bucket in buckets]
        assert [end - start for start, end in edges] == pytest.approx([budget["steps"] / 3] * 3, abs=1)
        assert [end for _, end in edges[:-1]] == [start for start, _ in edges[1:]]
        stages[name] = [bucket.get("sources") for bucket in buckets]
    assert stages["difficult to easy"] == [["world"], ["world", "identity"], None]
    assert stages["easy to difficult"] == [["edit"], ["edit", "identity"], None]


def test_settings_are_laid_over_and_another_class_brings_its_own():
    base = {"a": {"class_path": "X", "init_args": {"u": 1, "v": 2}}, "b": 3}
    assert lay_over(base, {"a": {"init_args": {"v": 5}}}) == {
        "a": {"class_path": "X", "init_args": {"u": 1, "v": 5}},
        "b": 3,
    }
    assert lay_over(base, {"a": {"class_path": "Y"}, "c": 4}) == {"a": {"class_path": "Y"}, "b": 3, "c": 4}
    assert base["a"]["init_args"] == {"u": 1, "v": 2}


def test_a_run_has_its_seed_everywhere_its_start_and_its_weights(tmp_path):
    settings = settings_of_run(
        Comparison("c", "?", PAIR, start="super_resolution"), "other", 7, tmp_path, "some/weights"
    )
    assert settings["seed_everything"] == 7
    assert settings["model"]["init_args"]["seed"] == settings["data"]["init_args"]["seed"] == 7
    assert settings["model"]["init_args"]["t_floor"] == 0.3
    *_, start, export = settings["trainer"]["callbacks"]
    assert start["init_args"] == {"name": "super_resolution", "folder": "some/weights"}
    assert export["init_args"]["folder"] == str(tmp_path)


def test_recipes_that_ship_their_weights_are_refused(tmp_path):
    with pytest.raises(ValueError, match="would ship what it trains; allowed a recipe without Export"):
        settings_of_run(Comparison("c", "?", PAIR, recipe="super_resolution.yaml"), "one", 0, tmp_path)


def test_finished_runs_are_kept_and_others_refused(tmp_path, monkeypatch):
    trained = []

    def fit(arguments):
        settings = yaml.safe_load(Path(arguments[1]).read_text())
        trained.append(settings["seed_everything"])
        (Path(settings["trainer"]["default_root_dir"]) / "model").mkdir()

    monkeypatch.setattr(ablations, "fit", fit)
    monkeypatch.setattr(ablations, "load", lambda name, folder: folder.name)
    comparison = Comparison("c", "?", PAIR)
    for seed in (0, 1, 0):
        assert ablations.train(comparison, "other", seed, tmp_path) == f"other-{seed}"
    assert trained == [0, 1]
    changed = Comparison("c", "?", PAIR, settings={"model": {"init_args": {"learning_rate": 0.5}}})
    with pytest.raises(
        ValueError, match="holds a run of other settings; allowed the same; try another folder"
    ):
        ablations.train(changed, "other", 0, tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("question: What?", "no comparison"),
        ("question: What?\nvariants: {one: {}}", "nothing to compare; allowed two or more"),
        ("question: What?\nvariants: {one: {}, two: {strength: 1.5}}", "two.strength=1.5: allowed 0 to 1"),
        (
            "question: What?\nvariants: {one: {}, two: {}}\ninput: [dirty]",
            "unexpected keyword argument 'input'",
        ),
        ("question: What?\nvariants: {one: {}, two: {noise: 1}}", "unexpected keyword argument 'noise'"),
        ("a: [", "no comparison"),
        ("", "no comparison"),
    ],
)
def test_what_is_no_comparison_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words) as error:
        read_comparison(path)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="allowed a file like those of attention_operators, degradations"):
        read_comparison(tmp_path / "missing.yaml")
