"""The command line says what it can do, answers at once, and ends every mistake with one line and code 2."""

import resource
import shlex
import shutil
import subprocess
import sys
import warnings

import pytest

from cvsr.cli import main as entry
from cvsr.cli.arguments import BENCHMARKS, parse
from cvsr.cli.main import main
from cvsr.cli.systems import OWNERS, SYSTEMS, choose_system
from cvsr.measurements.results import RESULTS, read_result

UPSCALE, GENERATE = ["upscale", "in.mp4", "out.mp4"], ["generate", "a ball", "out.mp4"]


def error_of(argv, capsys) -> str:
    """The one line that a mistake is answered with."""
    assert main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_help_explains_itself_and_answers_at_once():
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    shown = subprocess.run(
        [sys.executable, "-m", "cvsr", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1
    for word in ("upscale", "generate", "fit", "bench", "weights", "examples:"):
        assert word in shown


@pytest.mark.parametrize("command", ["upscale", "generate", "ablate", "bench", "weights", "doctor"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"python -m cvsr {command}" in capsys.readouterr().out


def test_the_commands_of_measured_results_are_understood():
    for path in sorted(RESULTS.glob("*.json")):
        program, flag, package, *argv = shlex.split(read_result(path).command)
        assert (program, flag, package) == ("python", "-m", "cvsr")
        assert path.stem.startswith(parse(argv)["name"])  # that of another model has its name behind


def test_defaults():
    arguments = parse(UPSCALE)
    assert (arguments["scale"], arguments["seed"], arguments["frames"]) == (None, 0, None)
    own = {name: arguments[name] for name in OWNERS}
    assert choose_system(arguments["system"], **own) == "base"
    assert parse(GENERATE)["frames"] == 17


def test_options_of_one_system_choose_it_and_no_other_takes_them():
    assert set(OWNERS.values()) <= set(SYSTEMS)
    assert choose_system(None, reference=["face.png"], patch=None) == "unimmvsr"
    assert choose_system(None, reference=[], magnitude=2.0) == "patchvsr"
    assert choose_system("patchvsr", patch=128) == "patchvsr"
    said = "system=seedvr: has no --reference-video; allowed unimmvsr; try --system unimmvsr, or no --reference-video"
    with pytest.raises(ValueError, match=f"^{said}$"):
        choose_system("seedvr", reference_video=["a.mp4"])
    with pytest.raises(ValueError, match="system=unimmvsr: has no --patch"):
        choose_system(None, reference=["a.png"], patch=64)


@pytest.mark.parametrize(
    ("argv", "start"),
    [
        ([*UPSCALE, "--scale", "0"], "scale=0: out of range; allowed numbers above 0; try --scale 4"),
        ([*UPSCALE, "--scale", "-2"], "scale=-2: out of range"),
        ([*UPSCALE, "--scale", "big"], "scale=big: not a number; allowed numbers above 0; try --scale 4"),
        ([*UPSCALE, "--scale", "nan"], "scale=nan: out of range"),
        ([*UPSCALE, "--scale", "inf"], "scale=inf: out of range"),
        ([*UPSCALE, "--steps", "0"], "steps=0: out of range; allowed whole numbers from 1; try --steps"),
        ([*UPSCALE, "--steps", "2.5"], "steps=2.5: not a whole number"),
        ([*UPSCALE, "--strength", "1.1"], "strength=1.1: out of range; allowed numbers from 0 to 1"),
        ([*UPSCALE, "--seed", "-1"], "seed=-1: out of range"),
        ([*UPSCALE, "--frames", "0"], "frames=0: out of range"),
        ([*UPSCALE, "--consistency", "x"], "consistency=x: not a whole number"),
        ([*UPSCALE, "--system", "seedvr9"], "system=seedvr9: unknown; allowed base"),
        ([*UPSCALE, "--patch", "8"], "patch=8: out of range; allowed whole numbers from 16; try --patch 128"),
        ([*UPSCALE, "--memory", "0"], "memory=0: out of range; allowed numbers above 0; try --memory 8"),
        ([*UPSCALE, "--magnitude", "much"], "magnitude=much: not a number"),
        ([*GENERATE, "--steps", "0"], "steps=0: out of range"),
        ([*GENERATE, "--strength", "-0.1"], "strength=-0.1: out of range; allowed numbers from 0 to 1"),
        ([*GENERATE, "--guidance", "-1"], "guidance=-1: out of range"),
        ([*GENERATE, "--frames", "none"], "frames=none: not a whole number"),
        (["bench", "nothing"], f"benchmark=nothing: unknown; allowed {', '.join(BENCHMARKS)}"),
        (
            ["upscale", "in.mp4"],
            "the following arguments are required: OUT; try `python -m cvsr upscale --help`",
        ),
        ([*UPSCALE, "--scal", "2"], "unrecognized arguments: --scal 2; try `python -m cvsr --help`"),
        (["enlarge"], "argument COMMAND: invalid choice: 'enlarge'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_a_mistake_is_answered_in_one_line(argv, start, capsys):
    assert error_of(argv, capsys).startswith(f"error: {start}")


def test_an_error_of_many_lines_becomes_one(monkeypatch, capsys):
    def fail(**_):
        raise ValueError("first\n  second")

    monkeypatch.setattr(entry, "_run", fail)
    assert error_of(UPSCALE, capsys) == "error: first second\n"


def test_our_own_faults_are_not_hidden(monkeypatch):
    def fail(**_):
        raise AssertionError("an invariant of ours")

    monkeypatch.setattr(entry, "_run", fail)
    with pytest.raises(AssertionError):
        main(UPSCALE)


def test_warnings_of_ours_are_one_line_and_those_of_libraries_are_silent(monkeypatch, capsys):
    def warn(**_):
        warnings.warn_explicit("too long", UserWarning, "text.py", 1, module="cvsr.models.text")
        warnings.warn_explicit("noise", UserWarning, "library.py", 1, module="library")
        return 0

    monkeypatch.setattr(entry, "_run", warn)
    assert main(UPSCALE) == 0
    assert capsys.readouterr().err == "warning: too long\n"


def test_weights_are_listed_with_cards_and_verdicts(weights, tmp_path, capsys, monkeypatch):
    assert main(["weights", "--weights", str(weights)]) == 0
    shown = capsys.readouterr().out
    for word in ("autoencoder", "text_to_video", "super_resolution", "psnr 31.25", "as in the card"):
        assert word in shown
    monkeypatch.setenv("COLUMNS", "200")  # rich wraps to the terminal's width
    damaged = tmp_path / "weights"
    shutil.copytree(weights, damaged)
    (damaged / "autoencoder" / "config.json").write_text("{}")
    assert main(["weights", "--weights", str(damaged)]) == 1
    assert "config.json is damaged" in capsys.readouterr().out


def test_no_weights_is_a_mistake(tmp_path, capsys):
    assert "no weights here" in error_of(["weights", "--weights", str(tmp_path)], capsys)
