import ipywidgets
import numpy as np
import pytest

from cvsr.notebook.figures import png
from cvsr.notebook.widgets import ERROR_CLASS, LIVE_VIEW, Explorer


def render(shade, side, inverted):
    colour = 255 - shade if inverted else shade
    return png(np.full((side, side, 3), colour, np.uint8))


def controls():
    return {
        "shade": ipywidgets.IntSlider(10, 0, 200, description="shade"),
        "side": ipywidgets.Dropdown(options=[("small", 4), ("large", 8)], description="side"),
        "inverted": ipywidgets.Checkbox(False, description="inverted"),
    }


def explorer(render=render):
    return Explorer("What does shade do?", render, controls(), alt="A square.")


def test_controls_change_the_picture():
    square = explorer()
    before = square.picture
    square.controls["shade"].value = 90
    assert square.picture != before
    assert square.state == {"shade": 90, "side": 4, "inverted": False}


def test_static_twin_keeps_the_first_picture():
    square = explorer()
    twin = square.static()
    square.controls["shade"].value = 90
    assert square.static() == twin
    assert 'alt="A square."' in twin
    assert "What does shade do?" in twin
    assert "shade: 10 · side: small · inverted: no" in twin


def test_static_twin_names_a_first_option():
    zoom = ipywidgets.SelectionSlider(options=[1, 2, 4], value=1, description="zoom")
    assert "zoom: 1<" in Explorer("?", lambda zoom: f"<p>{zoom}</p>", {"zoom": zoom}, alt="-").static()


def test_one_output_carries_the_live_view_and_the_twin():
    square = explorer()
    bundle = square._repr_mimebundle_()
    assert LIVE_VIEW in bundle
    assert bundle["text/html"] == square.static()


def test_sweep_names_idle_controls_and_leaves_the_state():
    assert explorer().sweep() == []
    square = explorer(lambda shade, side, inverted: f"<p>{shade}{inverted}</p>")
    state = square.state
    assert square.sweep() == ["side"]
    assert square.state == state


def test_an_error_is_shown_kept_and_raised():
    def fragile(shade, side, inverted):
        if inverted:
            raise RuntimeError("no <negative>")
        return render(shade, side, inverted)

    square = explorer(fragile)
    with pytest.raises(RuntimeError, match="negative"):
        square.controls["inverted"].value = True
    assert ERROR_CLASS in square.picture
    assert "no &lt;negative&gt;" in square.picture
    assert [str(error) for error in square.errors] == ["no <negative>"]
    square.controls["inverted"].value = False
    assert ERROR_CLASS not in square.picture
    assert len(square.errors) == 1


def test_an_error_at_the_first_picture_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        explorer(lambda shade, side, inverted: 1 / 0)


def test_sliders_render_when_let_go():
    assert explorer().controls["shade"].continuous_update is False


def test_controls_are_needed():
    with pytest.raises(ValueError, match="nothing to turn"):
        Explorer("?", render, {}, alt="-")
