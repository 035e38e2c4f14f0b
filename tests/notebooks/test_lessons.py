"""Every lesson: run from top to bottom without a network, swept, solved, held to its figures."""

import copy
import html
import json
import re
import sys
import time
from types import SimpleNamespace

import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from nbformat.v4 import new_code_cell

from cvsr.notebook import runner
from cvsr.notebook.widgets import LIVE_VIEW

KERNEL = "cvsr-tests"
SMOKE_SECONDS = 90  # on 2 cores
MEGABYTES = 5

pytestmark = pytest.mark.timeout(6 * SMOKE_SECONDS)  # whichever test comes first runs the lesson

# Runs before the kernel's first line: denies the network, but not the kernel's own sockets on this machine.
NO_NETWORK = """
import socket

connect = socket.socket.connect

def connect_at_home(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise ConnectionRefusedError(f"a lesson needs no network, but asked for {address}")
    return connect(self, address)

socket.socket.connect = connect_at_home
"""

# Runs after the lesson's last cell, in its kernel.
SWEEP = """
import json
from cvsr.notebook.widgets import Explorer
explorers = [value for value in list(globals().values()) if isinstance(value, Explorer)]
print(json.dumps([{"question": explorer.question, "idle": explorer.sweep()} for explorer in explorers]))
"""


def solution(cell):
    """The code of a collapsible solution."""
    return re.search(r"<details>.*```python\n(.*?)```.*</details>", cell.source, re.DOTALL)[1]


def check_of(exercise):
    """The line of an exercise that grades it."""
    return next(line for line in exercise.source.splitlines() if line.startswith("lesson.check("))


@pytest.fixture(scope="module")
def run(lesson, notebook, tagged, tmp_path_factory):
    """The executed lesson, with its explorers swept and its exercises solved after the last cell."""
    folder = tmp_path_factory.mktemp(lesson.stem)
    write_kernel_spec(folder / "jupyter" / "kernels" / KERNEL)  # the kernel of this interpreter, no other
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    notebook = copy.deepcopy(notebook)
    count = len(notebook.cells)
    solved = [
        f"{solution(answer)}\nassert {check_of(exercise)}"
        for exercise, answer in zip(tagged(notebook, "exercise"), tagged(notebook, "solution"), strict=True)
    ]
    notebook.cells += [new_code_cell(code) for code in [SWEEP, *solved]]
    nbformat.write(notebook, folder / lesson.name)
    parameters = {"profile": "smoke", "seed": 0, "out_dir": str(folder / "out")}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        environment.setenv("PYTHONPATH", str(folder))
        environment.setenv("HF_HUB_OFFLINE", "1")
        environment.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        started = time.monotonic()
        executed = runner.run(
            folder / lesson.name,
            folder / "executed.ipynb",
            parameters,
            folder=lesson.parent,
            kernel=KERNEL,
            timeout=2 * SMOKE_SECONDS,
        )
    # papermill adds a cell with the parameters given
    own, after = executed.cells[: count + 1], executed.cells[count + 1 :]
    return SimpleNamespace(
        cells=own,
        seconds=sum(cell.metadata.papermill.duration or 0 for cell in own),
        wall=time.monotonic() - started,
        explorers=json.loads(after[0].outputs[0].text),
        out=folder / "out",
        size=(folder / "executed.ipynb").stat().st_size,
    )


def outputs(run):
    return [output for cell in run.cells for output in cell.get("outputs", [])]


def test_runs_in_time(run):
    assert run.seconds < SMOKE_SECONDS


def test_executed_size(run):
    assert run.size < MEGABYTES * 1e6


def test_figures_lie_in_their_bands(run):
    written = json.loads((run.out / "metrics.json").read_text())
    assert written["profile"] == "smoke"
    assert len(written["metrics"]) >= 2
    for name, metric in written["metrics"].items():
        assert metric["low"] <= metric["value"] <= metric["high"], name
        assert metric["low"] < metric["high"]


def test_every_control_of_every_explorer_changes_its_picture(run):
    assert len(run.explorers) >= 2
    assert [explorer for explorer in run.explorers if explorer["idle"]] == []
    assert all(explorer["question"].endswith("?") for explorer in run.explorers)


def test_widgets_have_static_twins(run):
    assert not [output for output in outputs(run) if LIVE_VIEW in output.get("data", {})]
    pages = [output.data.get("text/html", "") for output in outputs(run) if "data" in output]
    for explorer in run.explorers:
        assert any(html.escape(explorer["question"]) in page and "<img" in page for page in pages)


def test_pictures_and_videos_have_words(run):
    bundles = [output.data for output in outputs(run) if "data" in output]
    assert not [data for data in bundles if "image/png" in data], "show pictures with figures.picture_html"
    pages = "".join(data.get("text/html", "") for data in bundles)
    assert all(re.search(r'alt="[^"]+"', tag) for tag in re.findall(r"<img[^>]*>", pages))
    videos = re.findall(r"<video[^>]*>", pages)
    assert videos, "a lesson has a video that plays"
    assert all(re.search(r'aria-label="[^"]+"', tag) for tag in videos)


def test_no_warnings_are_left_to_worry_a_student(run):
    noise = [output.text for output in outputs(run) if output.get("name") == "stderr"]
    assert noise == []


def test_there_are_lessons_and_this_python_runs_them(lessons):
    assert [lesson.stem for lesson in lessons][:1] == ["00_quickstart"]
    assert sys.version_info >= (3, 11)
