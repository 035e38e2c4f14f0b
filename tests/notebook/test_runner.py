import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cvsr.notebook.runner import check_parameters, hidden_errors, make_static
from cvsr.notebook.widgets import LIVE_VIEW

STATE = "application/vnd.jupyter.widget-state+json"


def executed(outputs=(), models=()):
    cell = new_code_cell("1", outputs=list(outputs))
    state = {f"id{number}": model for number, model in enumerate(models)}
    return new_notebook(cells=[cell], metadata={"widgets": {STATE: {"state": state}}})


def error():
    return new_output("error", ename="KeyError", evalue="'x'", traceback=[])


def test_errors_are_found_wherever_they_hide():
    assert list(hidden_errors(executed())) == []
    assert list(hidden_errors(executed(outputs=[error()]))) == ["KeyError: 'x'"]
    swallowed = {"model_name": "OutputModel", "state": {"outputs": [error()]}}
    assert list(hidden_errors(executed(models=[swallowed]))) == ["KeyError: 'x'"]
    explorer = {"model_name": "HTMLModel", "state": {"value": '<pre class="cvsr-error">E: x</pre>'}}
    assert len(list(hidden_errors(executed(models=[explorer])))) == 1
    healthy = {"model_name": "HTMLModel", "state": {"value": "<img>"}}
    assert list(hidden_errors(executed(models=[healthy]))) == []


def test_parameters(tmp_path):
    path = tmp_path / "lesson.ipynb"

    def write(source):
        cell = new_code_cell(source, metadata={"tags": ["parameters"]})
        kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
        nbformat.write(new_notebook(cells=[cell], metadata={"kernelspec": kernel}), path)

    write('profile = "smoke"\nseed = 0\nout_dir = "outputs"')
    check_parameters(path, {"seed": 1})
    with pytest.raises(ValueError, match=r"\['sed'\]: unknown"):
        check_parameters(path, {"sed": 1})
    write('profile = "smoke"')
    with pytest.raises(ValueError, match="allowed exactly profile, seed, out_dir"):
        check_parameters(path, {})


def test_static_twins_take_the_place_of_widgets():
    data = {LIVE_VIEW: {"model_id": "1"}, "text/html": "<p>the twin</p>"}
    notebook = executed(outputs=[new_output("display_data", data=data)])
    make_static(notebook)
    assert notebook.cells[0].outputs[0].data == {"text/html": "<p>the twin</p>"}
    assert "widgets" not in notebook.metadata


def test_a_widget_without_a_twin_is_left_to_be_found():
    notebook = executed(outputs=[new_output("display_data", data={LIVE_VIEW: {"model_id": "1"}})])
    make_static(notebook)
    assert LIVE_VIEW in notebook.cells[0].outputs[0].data
