"""The frame of a lesson: its profile, its environment, predictions before reveals, exercises and figures.

In a notebook:

    lesson = Lesson("00_quickstart", profile, seed, out_dir)
    steps = lesson.choose(smoke=2, full=8)
    guess = lesson.predict("Which one is sharper?", ["bicubic", "the model"])
    ...
    lesson.reveal(guess, answer="the model", why="…")
    lesson.check(exercises.interpolation, my_interpolation)
    lesson.record("gain_db", 1.3, low=0.5, high=6)
"""

import html
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import diffusers
import ipywidgets
import torch
import transformers
from IPython.display import HTML

PROFILES = ("smoke", "full")
PACKAGES = ("cvsr", "torch", "diffusers", "transformers", "numpy", "av", "ipywidgets")
COLOURS = {"passed": "#009E73", "hint": "#D55E00", "open": "#0072B2"}  # with a word each, never colour alone

Choice = TypeVar("Choice")
Checker = Callable[[Any], None]  # returns if the answer is right, raises Hint if not


class Hint(Exception):
    """What is wrong with an answer and where to look; raised by the checker of an exercise."""


@dataclass(frozen=True)
class Verdict:
    """On an answer: passed (then it is true), hint, or open."""

    exercise: str
    state: str
    message: str

    def __bool__(self) -> bool:
        return self.state == "passed"

    def _repr_html_(self) -> str:
        text = f"<b>{html.escape(self.exercise)}: {self.state}</b>. {html.escape(self.message)}"
        return _box(text, COLOURS[self.state])


class Prediction(ipywidgets.VBox):
    """A question to answer before the result is shown; `choice` is None until then."""

    def __init__(self, question: str, options: Sequence[str]):
        self.question, self.options = question, list(options)
        self._buttons = ipywidgets.RadioButtons(
            options=self.options, value=None, layout={"width": "max-content"}
        )
        super().__init__([ipywidgets.HTML(f"<b>Predict first:</b> {html.escape(question)}"), self._buttons])

    @property
    def choice(self) -> str | None:
        """The option that was chosen."""
        return self._buttons.value

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        items = "".join(f"<li>{html.escape(option)}</li>" for option in self.options)
        static = f"<p><b>Predict first:</b> {html.escape(self.question)}</p><ul>{items}</ul>"
        return super()._repr_mimebundle_(**options) | {"text/html": static}


class Lesson:
    """One run of a lesson.

    Args:
        name: the notebook's stem.
        profile: "smoke" (seconds, what CI runs) or "full" (the numbers the text speaks of).
        seed: where every random draw of the lesson starts.
        out_dir: where its files go; made if missing.
    """

    def __init__(self, name: str, profile: str, seed: int, out_dir: str | Path):
        if profile not in PROFILES:
            raise ValueError(f"profile={profile!r}: unknown; allowed {', '.join(PROFILES)}; try 'smoke'")
        self.name, self.profile, self.seed = name, profile, seed
        self.out_dir = Path(out_dir)
        self.out_dir.mkdir(parents=True, exist_ok=True)
        for library in (transformers, diffusers):  # of weights that load in a blink, a bar is noise
            library.utils.logging.disable_progress_bar()
        self.metrics: dict[str, dict[str, float]] = {}

    def choose(self, *, smoke: Choice, full: Choice) -> Choice:
        """The value for this profile."""
        return {"smoke": smoke, "full": full}[self.profile]

    def generator(self) -> torch.Generator:
        """A generator at the lesson's seed; a new one each time, so that a cell can be run again alone."""
        return torch.Generator().manual_seed(self.seed)

    def environment(self) -> HTML:
        """A box that says what this run runs on."""
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {os.cpu_count()} cores"
        facts = {"profile": self.profile, "seed": self.seed, "device": device}
        facts |= {"Python": platform.python_version()} | {name: version(name) for name in PACKAGES}
        text = " · ".join(f"{name} {html.escape(str(value))}" for name, value in facts.items())
        return HTML(_box(text, COLOURS["open"]))

    def predict(self, question: str, options: Sequence[str]) -> Prediction:
        """Ask before the reveal: put it last in its cell, and `reveal` in a later one."""
        return Prediction(question, options)

    def reveal(self, prediction: Prediction, answer: str, why: str) -> HTML:
        """What was measured, beside what was predicted."""
        if answer not in prediction.options:
            raise ValueError(f"answer={answer!r}: not an option; allowed {prediction.options}")
        guessed = f"You said: {prediction.choice}. " if prediction.choice else ""
        return HTML(
            f"<p>{html.escape(guessed)}<b>Measured: {html.escape(answer)}.</b> {html.escape(why)}</p>"
        )

    def check(self, checker: Checker, answer: Any) -> Verdict:
        """Grade an answer and say what to look at; an untouched one (`...`) stays open."""
        exercise = checker.__name__.replace("_", " ")
        try:
            checker(answer)
        except Hint as hint:
            return Verdict(exercise, "hint", str(hint))
        except NotImplementedError:
            return Verdict(exercise, "open", "replace the ... by your answer and run the cell again")
        except Exception as error:  # the student's code: show it as a hint, and let the lesson go on
            return Verdict(exercise, "hint", f"your code raised {type(error).__name__}: {error}")
        return Verdict(exercise, "passed", "well done")

    def record(self, metric: str, value: float, *, low: float, high: float) -> float:
        """Keep a figure and its band in metrics.json; AssertionError if it lies outside."""
        value = float(value)
        self.metrics[metric] = {"value": value, "low": low, "high": high}
        content = {"lesson": self.name, "profile": self.profile, "seed": self.seed, "metrics": self.metrics}
        (self.out_dir / "metrics.json").write_text(json.dumps(content, indent=2) + "\n")
        assert low <= value <= high, f"{metric} = {value:.4g} is outside of {low:g} to {high:g}"
        return value


def _box(text: str, colour: str) -> str:
    return f'<div role="status" style="border-left:4px solid {colour};padding:.3em .8em">{text}</div>'


def answered(value: Any) -> Any:
    """The value, for checkers; NotImplementedError if it is still the `...` of the exercise."""
    if value is ...:
        raise NotImplementedError
    return value
