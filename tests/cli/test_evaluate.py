"""`python -m cvsr evaluate` measures, prints and keeps its results; what is wrong is said before the work."""

import shutil

import pytest

from cvsr.cli import evaluate as command
from cvsr.cli.main import main
from cvsr.measurements import (
    autoencoder,
    detail_curve,
    patch_cost,
    reference_guidance,
    references,
    super_resolution,
)
from cvsr.measurements.clips import world_clips
from cvsr.measurements.reference_clips import identity_clip
from cvsr.measurements.results import Estimate, Row, read_result
from cvsr.models.attribute_reader import AttributeReader
from cvsr.pipelines.store import save
from cvsr.presets import SAMPLING, SEEDVR_SAMPLING
from cvsr.weights import Card, write_card


@pytest.fixture
def judged(weights, tmp_path):
    """The tiny weights and a reader."""
    folder = tmp_path / "weights"
    shutil.copytree(weights, folder)
    shutil.copytree(folder / "autoencoder", folder / "autoencoder_adversarial")
    save(AttributeReader(["ball", "cube"], ["red", "blue"]), folder / "attribute_reader")
    write_card(folder / "attribute_reader", Card("none", "none", "0", 0, "nothing", 0, "cpu", 0.0, {}))
    return folder


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(command, "world_clips", lambda count: world_clips(count, frames=5, pixels=32))
    monkeypatch.setattr(references, "CLIPS", {"identity": lambda seed, *_: identity_clip(seed, 5, 32)})
    monkeypatch.setattr(reference_guidance, "identity_clip", lambda seed, *_: identity_clip(seed, 5, 32))


@pytest.mark.parametrize(
    ("name", "options", "method"),
    [
        ("autoencoder", [], "linear codec"),
        ("autoencoder", [], "adversarial decoder"),
        ("seedvr", ["--steps", "1"], super_resolution.ours(1, SAMPLING.consistency, SEEDVR_SAMPLING.detail)),
        (
            "super_resolution",
            ["--steps", "1", "2", "--consistency", "0", "--detail", "1"],
            super_resolution.ours(2, 0, 1.0),
        ),
        ("text_to_video", ["--steps", "1", "--guidance", "2.0", "--seed", "3"], "true clips"),
        ("unimmvsr", ["--seed", "3"], "right references less none"),
        ("reference_guidance", ["--seed", "3"], "right references less none, steps 4, s_ref 0.5"),
        ("patchvsr", ["--seed", "3"], "stitched"),
    ],
)
def test_a_measurement_is_printed_and_kept(
    judged, small, tmp_path, capsys, monkeypatch, name, options, method
):
    monkeypatch.setenv("COLUMNS", "200")  # rich wraps to the terminal's width
    path = tmp_path / "result.json"
    arguments = ["evaluate", name, "--count", "1", "--json", str(path), "--weights", str(judged), *options]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert method in shown
    assert f"wrote {path}" in shown
    result = read_result(path)
    assert result.name == name
    assert method in {row.method for row in result.rows}
    assert result.command.startswith(f"python -m cvsr evaluate {name} --count 1")
    assert " ".join(options) in result.command
    assert str(tmp_path) not in result.command
    assert result.seeds["scenes"] == "0 to 0 of the test split"


def test_the_detail_curve_of_any_enlarger_is_measured_on_validation_clips(
    judged, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(detail_curve, "FRAMES", 5)
    monkeypatch.setattr(detail_curve, "CROP", 32)
    path = tmp_path / "curve.json"
    arguments = ["evaluate", "detail_curve", "--count", "2", "--steps", "4", "--json", str(path)]
    assert main([*arguments, "--model", "seedvr", "--weights", str(judged)]) == 0
    result = read_result(path)
    assert (
        result.command == "python -m cvsr evaluate detail_curve --count 2 --model seedvr --steps 4 --seed 0"
    )
    assert result.seeds["scenes"] == "0 to 1 of the validation split"
    assert [row.figures["t"].mean for row in result.rows] == pytest.approx([0.375, 0.625, 0.875])
    assert detail_curve.detail_aware(str(path)).knots == pytest.approx([0.375, 0.625, 0.875])
    assert main([*arguments, "--model", "autoencoder", "--weights", str(judged)]) == 2
    assert "model=VideoAutoencoder: no super-resolution" in capsys.readouterr().err


def test_clips_are_refused_before_the_work(judged, small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(autoencoder, "measure", lambda *_: pytest.fail("the work began"))
    arguments = ["evaluate", "autoencoder", "--weights", str(judged), "--json", str(tmp_path / "r.json")]
    assert main([*arguments, "--clips", str(tmp_path / "missing.mp4")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "invalid choice: 'nothing'"),
        (["timestep_samplers"], "compares trainings; allowed models and videos; try `python -m cvsr ablate timestep_"),
        (["autoencoder", "--count", "0"], "count=0: out of range"),
        (["autoencoder", "--json", "result.txt"], "allowed files that end with .json"),
        (["super_resolution", "--steps", "1", "0"], "steps=0: out of range"),
        (["text_to_video", "--clips", "a.mp4"], "unrecognized arguments: --clips a.mp4"),
    ],
)
def test_mistakes_are_answered_in_one_line(arguments, words, capsys):
    assert main(["evaluate", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_the_cost_of_patches_is_measured_up_to_a_size(judged, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(patch_cost, "SIZES", ((32, 32), (32, 64), (64, 1024)))
    path = tmp_path / "cost.json"
    arguments = ["evaluate", "patch_cost", "--largest", "512", "--json", str(path), "--weights", str(judged)]
    assert main(arguments) == 0
    result = read_result(path)
    assert result.command == "python -m cvsr evaluate patch_cost --count 1 --largest 512"
    assert [row.method for row in result.rows] == ["32×32", "64×32", "exponent"]


def test_systems_without_weights_are_named_and_left_out_of_the_cascade(judged, tmp_path, monkeypatch, capsys):
    shutil.rmtree(judged / "patchvsr")
    measured = []

    def measure(base, enlargers, count, seed):
        measured.extend(enlargers)
        return [Row("bicubic", "prompts", count, {"detail": Estimate(0.5)})]

    monkeypatch.setattr(command.cascade, "measure", measure)
    arguments = ["evaluate", "cascade", "--count", "1", "--json", str(tmp_path / "r.json")]
    assert main([*arguments, "--weights", str(judged)]) == 0
    assert measured == ["base", "seedvr", "simplegvr", "unimmvsr"]
    said = capsys.readouterr().err.splitlines()
    assert f"warning: weights={judged / 'patchvsr'}: no such folder; patchvsr is left out" in said
