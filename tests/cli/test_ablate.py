"""`python -m cvsr ablate` trains within a budget, keeps its result and sets it beside the paper's."""

import pytest

from cvsr.cli import ablate as command
from cvsr.cli.ablate_arguments import COMPARISONS
from cvsr.cli.main import main
from cvsr.measurements.results import Estimate, Row, read_result
from cvsr.training.ablations import COMPARISONS as FILES

ROWS = [
    Row("uniform, 2 steps", "clean", 3, {"ssim": Estimate(0.5, 0.4, 0.6)}),
    Row("detail-aware minus uniform, 2 steps", "clean", 3, {"ssim": Estimate(0.02, 0.01, 0.03)}),
    Row("detail-aware minus uniform, 16 steps", "clean", 3, {"ssim": Estimate(0.02, -0.01, 0.05)}),
]


@pytest.fixture
def asked(monkeypatch):
    """What was asked of the measurement, which is not made."""
    found = []

    def measure(comparison, runs, count, weights, device):
        found.append((comparison.name, comparison.training_steps, runs, count))
        return ROWS

    monkeypatch.setattr(command.ablations, "measure", measure)
    monkeypatch.setattr(command, "minutes", lambda comparison, runs: 36.2)
    monkeypatch.setenv("COLUMNS", "160")
    return found


def test_every_comparison_of_the_house_is_offered():
    assert set(COMPARISONS) == {path.stem for path in FILES.glob("*.yaml")}


def test_a_comparison_keeps_its_question_its_seeds_and_its_budget(asked, tmp_path, capsys):
    path = tmp_path / "table.json"
    assert main(["ablate", "timestep_samplers", "--count", "4", "--runs", "here", "--json", str(path)]) == 0
    assert asked == [("timestep_samplers", None, "here", 4)]
    result = read_result(path)
    assert result.command == "python -m cvsr ablate timestep_samplers --count 4"
    assert result.question.startswith("Which times make the better super-resolution")
    assert result.seeds == {"training": "0, 1, 2", "scenes": "0 to 3 of the validation split", "noise": "0"}
    assert result.budget == "36 minutes of training in 9 runs"
    shown = capsys.readouterr().out
    assert "uniform, 2 steps" in shown
    assert "in the paper: SimpleGVR, figure 6" in shown
    assert "68.94" in shown
    trends = [line for line in shown.splitlines() if "DOVER overall +0.7" in line]
    assert ["agrees" in line for line in trends] == ["2 steps" in line for line in trends] == [True, False]
    assert "cannot be told apart" in trends[1]


def test_a_budget_is_steps_for_every_run(asked, tmp_path, capsys, monkeypatch):
    def within_budget(comparison, minutes, runs, weights):
        assert minutes == 45
        return command.Comparison(comparison.name, "?", comparison.variants, training_steps=90)

    monkeypatch.setattr(command, "within_budget", within_budget)
    path = tmp_path / "table.json"
    assert main(["ablate", "timestep_samplers", "--budget", "45", "--json", str(path)]) == 0
    assert asked[0][:2] == ("timestep_samplers", 90)
    result = read_result(path)
    assert result.command == "python -m cvsr ablate timestep_samplers --budget 45 --count 32"
    assert result.budget == "36 minutes of training in 9 runs of 90 steps"
    assert "90 steps a run within 45 minutes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "comparison=nothing: unknown; allowed timestep_samplers"),
        (["timestep_samplers", "--budget", "0"], "budget=0: out of range"),
        (["timestep_samplers", "--count", "0"], "count=0: out of range"),
        (["timestep_samplers", "--json", "table.txt"], "allowed files that end with .json"),
    ],
)
def test_mistakes_are_answered_in_one_line(arguments, words, capsys):
    assert main(["ablate", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
