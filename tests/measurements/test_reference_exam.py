"""Trainings with references are told apart by the same clips, and what is compared is only what differs."""

from dataclasses import replace

import pytest
import torch

from cvsr.data.captions import sample_captions
from cvsr.measurements import ablations as room
from cvsr.measurements import reference_exam
from cvsr.measurements.reference_exam import ReferenceExam
from cvsr.measurements.references import judge
from cvsr.models.attribute_reader import AttributeReader
from cvsr.pipelines.store import save
from cvsr.pipelines.super_resolution import SuperResolutionPipeline
from cvsr.pipelines.text_to_video import TextToVideoPipeline
from cvsr.pipelines.unimmvsr import UniMMVSRPipeline
from cvsr.presets import PRESETS
from cvsr.systems.base import build_super_resolution, build_text_to_video
from cvsr.systems.unimmvsr import build_unimmvsr
from cvsr.training import ablations
from cvsr.training.ablations import COMPARISONS, Variant, lay_over, read_comparison
from cvsr.weights import Card, write_card

SHOWN = ("right references", "cross-pair references", "wrong references")
CONDITIONING = read_comparison(COMPARISONS / "reference_conditioning.yaml")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    stage = build_super_resolution(PRESETS["tiny"], sample_captions())
    base = vars(build_text_to_video(PRESETS["tiny"], sample_captions())) | {"autoencoder": stage.autoencoder}
    save(stage.autoencoder, folder / "autoencoder")
    save(SuperResolutionPipeline(**vars(stage)), folder / "super_resolution", shared=["autoencoder"])
    save(TextToVideoPipeline(**base), folder / "text_to_video", shared=["autoencoder"])
    save(AttributeReader(["ball"], ["red"]), folder / "attribute_reader")
    for name in ("autoencoder", "super_resolution", "text_to_video", "attribute_reader"):
        shared = {"autoencoder": "../autoencoder"} if name in ("super_resolution", "text_to_video") else {}
        write_card(folder / name, Card("tiny", "none", "0", 0, "nothing", 0, "cpu", 0.0, {}, shared))
    return str(folder)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(reference_exam, "FRAMES", 5)
    monkeypatch.setattr(reference_exam, "PIXELS", 64)


def pipeline(**design):
    torch.manual_seed(1)
    stage = build_unimmvsr(PRESETS["tiny"], ["a red ball"], **design)
    for weight in stage.transformer.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.1)
    made = UniMMVSRPipeline(**vars(stage))
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def exam(weights):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference_exam, "FRAMES", 5)
        patch.setattr(reference_exam, "PIXELS", 64)
        return ReferenceExam(replace(CONDITIONING, inputs=("redrawn", "reduced"), crop=32), 1, weights)


def test_clips_are_cut_to_what_matters_with_their_inputs(exam):
    assert list(exam.questions) == ["identity, redrawn", "identity, reduced", "editing, redrawn", "editing, reduced"]
    for questions in exam.questions.values():
        for question in questions:
            assert question.clip.truth.shape == (1, 3, 1, 32, 32)
            assert question.small.shape == (1, 3, 1, 8, 8)
            assert question.clip.mask.any()
    reached = exam.bicubic()
    assert list(reached) == list(exam.questions)
    assert reached["identity, reduced"]["psnr_outside"] > reached["identity, redrawn"]["psnr_outside"]


@pytest.mark.parametrize("conditioning", ["hybrid", "channel", "token"])
def test_every_choice_of_references_is_set_against_none(exam, conditioning):
    made = pipeline(conditioning=conditioning)
    found = exam.take(made, 0.3)
    ways = {way for way, group in found if group == "identity, redrawn"}
    assert ways == {"no references, 1 step"} | {f"{name} less none, 1 step" for name in SHOWN}
    (question,) = exam.questions["identity, redrawn"]
    without = found["no references, 1 step", "identity, redrawn"]
    for name in SHOWN:
        asked = {"prompt": question.clip.caption, "num_inference_steps": 1, "strength": 0.3}
        seed = torch.Generator().manual_seed(0)
        settings = asked | {"detail": 1.0, "consistency": 0, "generator": seed}
        video = made(question.small, question.clip.shown[name], **settings).frames
        reached = judge(video, question.clip, question.likeness)
        for figure, value in found[f"{name} less none, 1 step", "identity, redrawn"].items():
            assert value == pytest.approx(reached[figure] - without[figure], abs=1e-5)
    edits = {way for way, group in found if group == "editing, reduced"}
    assert edits == {"no references, 1 step", *(f"{kind}reference video less none, 1 step" for kind in ("", "late "))}


def test_a_comparison_from_the_recipe_to_the_table(weights, tmp_path):
    tiny = {
        "model": {"init_args": {"preset": "tiny"}},
        "data": {
            "init_args": {
                "clips": str(tmp_path / "clips"),
                "shards": str(tmp_path / "shards"),
                "train": {"world": 1, "identities": 1, "edits": 1, "frames": 5, "size": 64, "reference_size": 32},
                "buckets": [{"batch": 2, "frames": 2, "size": 4}],
                "variants": 1,
            }
        },
        "trainer": {
            "accelerator": "cpu",
            "enable_progress_bar": False,
            "callbacks": [{"class_path": "cvsr.training.budget.Budget", "init_args": {"steps": 2, "warmup": 1}}],
        },
    }
    variants = {name: CONDITIONING.variants[name] for name in ("hybrid", "channel", "token")}
    comparison = replace(CONDITIONING, variants=variants, settings=tiny, seeds=(0,), crop=32)
    rows = {(row.method, row.clips): row.figures for row in room.measure(comparison, tmp_path / "runs", 1, weights)}
    assert ("bicubic", "identity, redrawn") in rows
    way, group = "right references less none, 1 step", "identity, redrawn"
    difference = rows[f"token minus hybrid, {way}", group]["psnr_inside"].mean
    token, hybrid = (rows[f"{name}, {way}", group]["psnr_inside"].mean for name in ("token", "hybrid"))
    assert difference == pytest.approx(token - hybrid)
    begun = ablations.train(comparison, "channel", 0, tmp_path / "runs", weights).transformer
    assert type(begun).__name__ == "ChannelTransformer"


def test_what_cannot_be_measured_is_said_before_the_work(weights):
    with pytest.raises(ValueError, match=r"inputs=\['clean'\]: \['clean'\] unknown; allowed \['redrawn', 'reduced'\]"):
        ReferenceExam(replace(CONDITIONING, inputs=("clean",)), 1, weights)
    unknown = replace(CONDITIONING, exam="oral", variants={"a": Variant(), "b": Variant(lay_over({}, {"x": 1}))})
    with pytest.raises(ValueError, match="exam='oral': unknown; allowed"):
        room.measure(unknown, "runs", 1, weights)
