"""Runs lessons from top to bottom: for the course's pages (`make course`) and the tests of the lessons.

A finished run proves less than it seems to: errors can hide in the stored state of widgets, and papermill
only warns of a parameter that a lesson does not have. So parameters are checked before, every output after.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import nbformat
import papermill
from nbformat import NotebookNode

from cvsr.notebook.widgets import ERROR_CLASS, LIVE_VIEW

PARAMETERS = ("profile", "seed", "out_dir")  # of every lesson


def run(
    lesson: Path,
    executed: Path,
    parameters: Mapping[str, object],
    *,
    folder: Path | None = None,
    kernel: str = "python3",
    timeout: int = 600,
) -> NotebookNode:
    """Run a lesson in `folder` (else its own), make its widgets static and write it to `executed` once all is well.

    Raises ValueError for parameters that the lesson does not have, papermill's PapermillExecutionError at the
    first cell that fails, RuntimeError for errors that no cell has shown.
    """
    check_parameters(lesson, parameters)
    executed.parent.mkdir(parents=True, exist_ok=True)
    notebook = papermill.execute_notebook(
        str(lesson),
        None,
        parameters=dict(parameters),
        kernel_name=kernel,
        cwd=str(folder or lesson.parent),
        execution_timeout=timeout,
        progress_bar=False,
    )
    if errors := list(hidden_errors(notebook)):
        raise RuntimeError(f"{lesson.name}: errors that no cell has shown:\n" + "\n".join(errors))
    make_static(notebook)
    nbformat.write(notebook, executed)
    return notebook


def check_parameters(lesson: Path, parameters: Mapping[str, object]) -> None:
    """ValueError unless the lesson has the parameters of every lesson, and all of those given."""
    has = set(papermill.inspect_notebook(str(lesson)))
    if has != set(PARAMETERS):
        raise ValueError(f"{lesson.name}: parameters {sorted(has)}; allowed exactly {', '.join(PARAMETERS)}")
    if unknown := set(parameters) - has:
        raise ValueError(f"parameters={sorted(unknown)}: unknown; allowed {', '.join(PARAMETERS)}")


def hidden_errors(notebook: NotebookNode) -> Iterator[str]:
    """Every error in an executed notebook: in outputs, in Output widgets, in explorers."""
    for cell in notebook.cells:
        yield from _errors(cell.get("outputs", []))
    models = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model in models.get("state", {}).values():
        state = model["state"]
        yield from _errors(state.get("outputs", []))
        if ERROR_CLASS in str(state.get("value", "")):
            yield state["value"]


def make_static(notebook: NotebookNode) -> None:
    """Put static twins in the place of widgets, which need a kernel, and drop the widgets' stored state."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "text/html" in output.get("data", {}):
                output.data.pop(LIVE_VIEW, None)
    notebook.metadata.pop("widgets", None)


def _errors(outputs: list) -> Iterator[str]:
    for output in outputs:
        if output["output_type"] == "error":
            yield f"{output['ename']}: {output['evalue']}"
