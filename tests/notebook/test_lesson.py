import json

import pytest
import torch

from cvsr.notebook.lesson import Hint, Lesson, answered


@pytest.fixture
def lesson(tmp_path):
    return Lesson("00_test", "smoke", 3, tmp_path / "out")


def doubles(answer):
    if answered(answer(2)) != 4:
        raise Hint(f"2 became {answer(2)}; think of 2·x")


def test_profiles(lesson, tmp_path):
    assert lesson.choose(smoke=1, full=2) == 1
    assert Lesson("00_test", "full", 3, tmp_path).choose(smoke=1, full=2) == 2
    with pytest.raises(ValueError, match=r"profile='fast'.*smoke, full"):
        Lesson("00_test", "fast", 3, tmp_path)


def test_a_generator_starts_anew(lesson):
    first, second = (torch.randn(4, generator=lesson.generator()) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (lambda x: 2 * x, "passed"),
        (lambda x: x, "hint"),
        (lambda x: ..., "open"),
        (lambda x: x / 0, "hint"),
    ],
)
def test_verdicts(lesson, answer, verdict):
    given = lesson.check(doubles, answer)
    assert given.state == verdict
    assert bool(given) is (verdict == "passed")
    assert f"<b>doubles: {verdict}</b>" in given._repr_html_()


def test_a_hint_helps(lesson):
    assert "think of 2·x" in lesson.check(doubles, lambda x: x).message
    assert "ZeroDivisionError" in lesson.check(doubles, lambda x: x / 0).message


def test_predictions(lesson):
    prediction = lesson.predict("Which?", ["a", "b"])
    assert prediction.choice is None
    assert "You said" not in lesson.reveal(prediction, "b", "because").data
    prediction.children[1].value = "a"
    assert "You said: a. <b>Measured: b.</b> because" in lesson.reveal(prediction, "b", "because").data
    with pytest.raises(ValueError, match="not an option"):
        lesson.reveal(prediction, "c", "because")
    assert "<li>a</li>" in prediction._repr_mimebundle_()["text/html"]


def test_figures_are_written_with_their_bands(lesson):
    lesson.record("gain", torch.tensor(1.5), low=1, high=2)
    with pytest.raises(AssertionError, match="loss = 9 is outside of 0 to 1"):
        lesson.record("loss", 9, low=0, high=1)
    written = json.loads((lesson.out_dir / "metrics.json").read_text())
    assert written["metrics"]["gain"] == {"value": 1.5, "low": 1, "high": 2}
    assert written["metrics"]["loss"]["value"] == 9  # what failed is on file too


def test_nan_lies_in_no_band(lesson):
    with pytest.raises(AssertionError):
        lesson.record("gain", float("nan"), low=0, high=1)


def test_environment_names_versions_and_device(lesson):
    text = lesson.environment().data
    for word in ("torch", "diffusers", "smoke", "device"):
        assert word in text
