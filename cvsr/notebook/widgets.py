"""Explorers: a question, a few controls, and a picture that answers it.

An explorer is a pure function `render(**state)` and a control for each of its arguments. ipywidgets' own
way, `interact` and `Output`, swallows errors and stalls notebook runners on large pictures; here the
picture is the value of an HTML widget, updated through `observe`: an error is shown in its place, kept in
`errors`, raised again.
"""

import html
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from cvsr.notebook.figures import picture_html

Render = Callable[..., bytes | str]  # PNG bytes or HTML
ERROR_CLASS = "cvsr-error"  # what a test looks for in the stored state of widgets
LIVE_VIEW = "application/vnd.jupyter.widget-view+json"  # the MIME type of a widget in an output


class Explorer:
    """An interactive picture with a static twin.

    Where there is no kernel (a rendered page, a code host), the page shows the twin: the picture at the first
    values of the controls, which is part of the same output.

    Args:
        question: what turning the controls answers, one sentence.
        render: pure function of the controls' values to PNG bytes or HTML.
        controls: argument of `render` -> its widget; the widget's description is the label.
        alt: what the picture shows, for those who cannot see it.
    """

    def __init__(
        self, question: str, render: Render, controls: Mapping[str, ipywidgets.ValueWidget], alt: str
    ):
        if not controls:
            raise ValueError("controls={}: nothing to turn; allowed at least one; try {'seed': IntSlider(…)}")
        self.question, self.render, self.controls, self.alt = question, render, dict(controls), alt
        self.errors: list[Exception] = []
        self._first, self._setting = self._picture(), " · ".join(map(_setting, self.controls.values()))
        self._view = ipywidgets.HTML(self._first)
        for control in self.controls.values():
            if control.has_trait("continuous_update"):
                control.continuous_update = False  # render when the slider is let go, not on the way
            control.style.description_width = "initial"
            control.observe(self._update, names="value")
        heading = ipywidgets.HTML(f"<b>{html.escape(question)}</b>")
        bar = ipywidgets.Box(list(self.controls.values()), layout={"flex_flow": "row wrap", "grid_gap": "0 20px"})
        self._box = ipywidgets.VBox([heading, bar, self._view])

    @property
    def state(self) -> dict[str, Any]:
        """The controls' values: the arguments of `render`."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def picture(self) -> str:
        """The HTML now shown."""
        return self._view.value

    def static(self) -> str:
        """HTML of the static twin: the question, the controls' first values and their picture."""
        return f"<p><b>{html.escape(self.question)}</b><br>{html.escape(self._setting)}</p>{self._first}"

    def sweep(self) -> list[str]:
        """Turn every control once and back; returns the names of those that change nothing (a fault)."""
        idle = []
        for name, control in self.controls.items():
            value, picture = control.value, self.picture
            control.value = _another_value(control)
            if self.picture == picture:
                idle.append(name)
            control.value = value
        return idle

    def _picture(self) -> str:
        rendered = self.render(**self.state)
        return picture_html(rendered, self.alt) if isinstance(rendered, bytes) else rendered

    def _update(self, _change: Any) -> None:
        try:
            self._view.value = self._picture()
        except Exception as error:
            self.errors.append(error)
            text = html.escape(f"{type(error).__name__}: {error}")
            self._view.value = f'<pre class="{ERROR_CLASS}" role="alert">{text}</pre>'
            raise

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The live widget, and in the same output the static twin for pages without a kernel."""
        return self._box._repr_mimebundle_(**options) | {"text/html": self.static()}


def _setting(control: ipywidgets.ValueWidget) -> str:
    """What a control is for, and where it stands."""
    value = control._options_full[control.index][0] if hasattr(control, "options") else control.value
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return f"{control.description}: {value:g}" if isinstance(value, float) else f"{control.description}: {value}"


def _another_value(control: ipywidgets.ValueWidget) -> Any:
    """A value far from the present one: the other end of a slider, the next option of a list."""
    if hasattr(control, "options"):
        values = [value for _, value in control._options_full]
        return values[(control.index + 1) % len(values)]
    if hasattr(control, "max"):
        middle = (control.min + control.max) / 2
        return control.max if control.value <= middle else control.min
    if isinstance(control.value, bool):
        return not control.value
    raise ValueError(
        f"control={type(control).__name__}: cannot be swept; allowed sliders, lists and checkboxes; "
        "try a Dropdown of chosen values"
    )
