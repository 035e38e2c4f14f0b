"""Trainings of PatchVSR without one part or another are told apart by the same scenes, patch by patch."""

from dataclasses import replace

import pytest
import torch

from cvsr.data.captions import sample_captions
from cvsr.evaluation.metrics import psnr
from cvsr.evaluation.seams import seam_ratio
from cvsr.measurements import ablations as room
from cvsr.measurements import inputs
from cvsr.measurements.clips import eight_bit
from cvsr.measurements.patch_exam import PatchExam
from cvsr.pipelines.patchvsr import PatchVSRPipeline
from cvsr.pipelines.store import save
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution
from cvsr.systems.patchvsr import build_patchvsr
from cvsr.training import ablations
from cvsr.training.ablations import COMPARISONS, read_comparison
from cvsr.weights import Card, write_card

SHIPPED = read_comparison(COMPARISONS / "patch_components.yaml")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    stage = build_super_resolution(PRESETS["tiny"], sample_captions())
    save(stage.autoencoder, folder / "autoencoder")
    save(SuperResolutionPipeline(**vars(stage)), folder / "super_resolution", shared=["autoencoder"])
    for name, shared in {"autoencoder": {}, "super_resolution": {"autoencoder": "../autoencoder"}}.items():
        write_card(folder / name, Card("tiny", "none", "0", 0, "nothing", 0, "cpu", 0.0, {}, shared))
    return str(folder)


@pytest.fixture
def exam(weights, monkeypatch):
    monkeypatch.setattr(inputs, "PIXELS", 64)
    return PatchExam(replace(SHIPPED, crop=64), 2, weights)


def test_every_joining_is_judged_under_the_captions(exam):
    torch.manual_seed(1)
    stage = build_patchvsr(PRESETS["tiny"], ["a red ball"])
    for weight in stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    pipeline = PatchVSRPipeline(**vars(stage))
    found = exam.take(pipeline, 0.3)
    assert list(found) == [("joint, 1 step", "clean"), ("stitched, 1 step", "clean")]
    asked = {"strength": 0.3, "num_inference_steps": 1, "detail": 1.0, "consistency": 0, "joining": "stitched"}
    asked |= {"prompt": exam.captions}
    small, noise = exam.small["clean"], [torch.Generator().manual_seed(0) for _ in range(2)]
    made = pipeline(small, generator=noise[0], **asked).frames
    del asked["joining"]
    whole = exam.base(small, generator=noise[1], **asked).frames
    figures = found["stitched, 1 step", "clean"]
    assert figures["psnr"] == pytest.approx(float(psnr(eight_bit(made), exam.truth).mean()), abs=1e-3)
    assert figures["seam_ratio"] == pytest.approx(float(seam_ratio(made, [32], [32], 8, whole).mean()), rel=1e-4)
    assert figures["psnr"] != found["joint, 1 step", "clean"]["psnr"]
    assert exam.bicubic()["clean"].keys() == {"psnr", "ssim", "high_frequency_ratio"}


def test_a_comparison_from_the_recipe_to_the_table(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "PIXELS", 64)
    network = {"sample_size": 4, "patch_depth": 1, "global_depth": 1, "lora_rank": 2}
    tiny = {
        "model": {"init_args": {"preset": "tiny", "network": network}},
        "data": {
            "init_args": {
                "clips": str(tmp_path / "clips"),
                "shards": str(tmp_path / "shards"),
                "train": {"world": 2, "size": 64},
                "whole": 32,
                "buckets": [{"batch": 2, "frames": 1, "size": 4}],
            }
        },
        "trainer": {
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "callbacks": [{"class_path": "cvsr.training.budget.Budget", "init_args": {"steps": 2, "warmup": 1}}],
        },
    }
    comparison = replace(SHIPPED, settings=tiny, seeds=(0,), crop=64)
    rows = {(row.method, row.clips): row.figures for row in room.measure(comparison, tmp_path / "runs", 1, weights)}
    way = "stitched, 1 step"
    for name in list(SHIPPED.variants)[1:]:
        difference = rows[f"{name} minus all parts, {way}", "clean"]
        reached, whole = (rows[f"{each}, {way}", "clean"] for each in (name, "all parts"))
        for figure in ("psnr", "high_frequency_ratio", "seam_ratio"):
            assert difference[figure].mean == pytest.approx(reached[figure].mean - whole[figure].mean)
    parts = {
        name: ablations.train(comparison, name, 0, tmp_path / "runs", weights).transformer for name in SHIPPED.variants
    }
    assert [name for name, each in parts.items() if each.global_branch is None] == ["no global branch"]
    assert [name for name, each in parts.items() if each.prompt is None] == ["no fixed prompt"]
    adapted = {name: any("lora_A" in weight for weight in each.state_dict()) for name, each in parts.items()}
    assert [name for name, has in adapted.items() if not has] == ["no LoRA"]
    places = {name: "crop_top" in each.config.micro_conditions for name, each in parts.items()}
    assert [name for name, has in places.items() if not has] == ["no place"]
