"""A whole comparison in small: trained once, measured on equal terms, with the spread over seeds."""

from dataclasses import replace

import pytest
import torch

from cvsr.data.captions import sample_captions
from cvsr.measurements import ablations as room
from cvsr.measurements import cascade
from cvsr.measurements.cascade import PROMPTS
from cvsr.measurements.detail_curve import detail_aware_of
from cvsr.pipelines.store import save
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video
from cvsr.training import ablations
from cvsr.training.ablations import COMPARISONS, Comparison, Variant, minutes, read_comparison
from cvsr.training.cli import train
from cvsr.training.power_cut import Cut, PowerCut
from cvsr.weights import Card, write_card

TINY = {
    "model": {"init_args": {"preset": "tiny"}},
    "data": {
        "init_args": {
            "train": {"world": 2, "frames": 5, "size": 32},
            "buckets": [{"batch": 2, "frames": 2, "size": 4}],
        }
    },
    "trainer": {
        "accelerator": "cpu",
        "enable_progress_bar": False,
        "callbacks": [
            {"class_path": "cvsr.training.budget.Budget", "init_args": {"steps": 2, "warmup": 1}},
            {"class_path": "pytorch_lightning.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.5}},
        ],
    },
}
RATES = {"slow": 1e-9, "fast": 0.03}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    stage = build_super_resolution(PRESETS["tiny"], sample_captions())
    save(stage.autoencoder, folder / "autoencoder")
    save(SuperResolutionPipeline(**vars(stage)), folder / "super_resolution", shared=["autoencoder"])
    base = vars(build_text_to_video(PRESETS["tiny"], sample_captions())) | {"autoencoder": stage.autoencoder}
    save(TextToVideoPipeline(**base), folder / "text_to_video", shared=["autoencoder"])
    for name in ("autoencoder", "super_resolution", "text_to_video"):
        shared = {} if name == "autoencoder" else {"autoencoder": "../autoencoder"}
        write_card(folder / name, Card("tiny", "none", "0", 0, "nothing", 0, "cpu", 0.0, {}, shared))
    return str(folder)


def test_a_comparison_from_the_recipe_to_the_table(weights, tmp_path, monkeypatch):
    data = {"clips": str(tmp_path / "clips"), "latents": str(tmp_path / "latents")}
    comparison = Comparison(
        "rates",
        "Which rate?",
        {
            name: Variant({"model": {"init_args": {"learning_rate": rate}}}, 0.3)
            for name, rate in RATES.items()
        },
        settings=ablations.lay_over(TINY, {"data": {"init_args": data}}),
        start="super_resolution",
        seeds=(0, 1, 2),
        steps=(1, 2),
        inputs=("clean", "planted errors"),
        crop=32,
    )
    rows = {(row.method, row.clips): row for row in room.measure(comparison, tmp_path / "runs", 2, weights)}
    assert len(rows) == 2 * (1 + 2 * 2 + 2)  # bicubic, variants by steps, differences by steps
    slow, fast = rows["slow, 2 steps", "clean"], rows["fast, 2 steps", "clean"]
    gained = rows["fast minus slow, 2 steps", "clean"]
    assert slow.count == fast.count == gained.count == 3
    assert gained.figures["psnr"].mean == pytest.approx(fast.figures["psnr"].mean - slow.figures["psnr"].mean)
    assert slow.figures["psnr"].mean != fast.figures["psnr"].mean
    # equal starts, no training to speak of: the seeds differ in nothing
    assert slow.figures["psnr"].high - slow.figures["psnr"].low < 0.01
    assert rows["bicubic", "clean"].figures["psnr"].mean > 10
    assert "error_left" in rows["slow, 1 step", "planted errors"].figures
    assert "error_left" not in slow.figures
    assert "structure_kept" in slow.figures
    assert minutes(comparison, tmp_path / "runs") >= 0
    followed = detail_aware_of(
        str(ablations.run_folder(comparison, "fast", 0, tmp_path / "runs")), "model", 1, 4, crop=32
    )
    assert followed.knots == pytest.approx([0.375, 0.625, 0.875])
    monkeypatch.setattr(ablations, "fit", lambda _: pytest.fail("trained again"))
    again = {(row.method, row.clips): row for row in room.measure(comparison, tmp_path / "runs", 2, weights)}
    assert again == rows


def of_rates(tmp_path, **others):
    data = {"clips": str(tmp_path / "clips"), "latents": str(tmp_path / "latents")}
    variants = {name: Variant({"model": {"init_args": {"learning_rate": rate}}}) for name, rate in RATES.items()}
    settings = ablations.lay_over(TINY, {"data": {"init_args": data}})
    return Comparison("rates", "Which rate?", variants, settings=settings, **others)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(weights, tmp_path, monkeypatch):
    comparison = of_rates(tmp_path, training_steps=6)
    whole = ablations.train(comparison, "fast", 0, tmp_path / "whole", weights)
    monkeypatch.setattr(ablations, "EVERY", 2)
    monkeypatch.setattr(ablations, "fit", lambda arguments: train(arguments, [Cut(5)]))
    with pytest.raises(PowerCut):
        ablations.train(comparison, "fast", 0, tmp_path / "cut", weights)
    folder = ablations.run_folder(comparison, "fast", 0, tmp_path / "cut")
    assert folder.parent.name == "rates-6-steps"
    assert any((folder / ablations.CHECKPOINTS).glob("last*.ckpt"))
    steps = []
    monkeypatch.setattr(ablations, "fit", lambda arguments: steps.append(train(arguments).trainer.global_step))
    resumed = ablations.train(comparison, "fast", 0, tmp_path / "cut", weights)
    assert steps == [6]
    assert not (folder / ablations.CHECKPOINTS).exists()
    for name, weight in whole.transformer.state_dict().items():
        assert torch.equal(weight, resumed.transformer.state_dict()[name]), name


def test_a_budget_is_tried_out_once(weights, tmp_path, monkeypatch):
    comparison = of_rates(tmp_path)
    made = ablations.within_budget(comparison, 5, tmp_path / "runs", weights)
    assert made.training_steps >= 20
    assert replace(made, training_steps=None) == comparison
    assert [path.name for path in (tmp_path / "runs" / "rates").iterdir()] == ["budget-5-minutes.yaml"]
    monkeypatch.setattr(ablations, "train_recipe", lambda *_: pytest.fail("tried out again"))
    assert ablations.within_budget(comparison, 5, tmp_path / "runs", weights) == made


@pytest.fixture
def four_clean_pictures(monkeypatch):
    monkeypatch.setattr(cascade, "CLEAN", 4)
    cascade.clean_pictures.cache_clear()
    yield
    cascade.clean_pictures.cache_clear()


def test_trainings_on_several_degradations_are_judged_on_what_they_were_made_for(
    weights, tmp_path, four_clean_pictures
):
    shipped = read_comparison(COMPARISONS / "degradations.yaml")
    tiny = ablations.lay_over(shipped.settings, TINY)
    tiny["data"]["init_args"] |= {
        "clips": str(tmp_path / "clips"),
        "train": {"world": 2, "frames": 5, "size": 64},
        "buckets": [{"batch": 2, "frames": 2, "size": 4}],
    }
    variants = {
        name: Variant(
            ablations.lay_over(variant.settings, {"data": {"init_args": {"shards": str(tmp_path / name)}}})
        )
        for name, variant in shipped.variants.items()
    }
    comparison = replace(shipped, variants=variants, settings=tiny, seeds=(0,), steps=(1,), frames=5, crop=64)
    rows = {(row.method, row.clips): row.figures for row in room.measure(comparison, tmp_path, 1, weights)}
    assert len(rows) == len(shipped.inputs) * (1 + 3 + 2)
    first, *others = variants
    for name in others:
        for kind in shipped.inputs:
            gained = rows[f"{name} minus {first}, 1 step", kind]
            for figure, value in rows[f"{name}, 1 step", kind].items():
                assert gained[figure].mean == pytest.approx(
                    value.mean - rows[f"{first}, 1 step", kind][figure].mean
                )
    assert set(rows["bicubic", PROMPTS]) == {"detail", "warping_error", "niqe"}
    assert set(rows["bicubic", "model_guided"]) == {"psnr", "ssim", "high_frequency_ratio", "flicker"}
    assert rows["bicubic", "clean"]["psnr"].mean > rows["bicubic", "first_order"]["psnr"].mean
    assert rows["bicubic", "clean"]["structure_kept"].mean == pytest.approx(1, abs=0.01)
