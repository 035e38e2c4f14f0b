"""Every lesson: run from top to bottom without a network, swept, solved, held to what a lesson promises."""

import html
import json
import re
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from ipykernel.kernelspec import write_kernel_spec
from nbformat.v4 import new_code_cell

from cvsr.notebook import runner
from cvsr.notebook.widgets import LIVE_VIEW

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
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


def source(lesson):
    return nbformat.read(lesson, as_version=4)


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def solution(cell):
    """The code of a collapsible solution."""
    return re.search(r"<details>.*```python\n(.*?)```.*</details>", cell.source, re.DOTALL)[1]


def check_of(exercise):
    """The line of an exercise that grades it."""
    return next(line for line in exercise.source.splitlines() if line.startswith("lesson.check("))


@pytest.fixture(scope="module", params=LESSONS, ids=lambda lesson: lesson.stem)
def lesson(request):
    return request.param


@pytest.fixture(scope="module")
def run(lesson, tmp_path_factory):
    """The executed lesson, with its explorers swept and its exercises solved after the last cell."""
    folder = tmp_path_factory.mktemp(lesson.stem)
    write_kernel_spec(folder / "jupyter" / "kernels" / KERNEL)  # the kernel of this interpreter, no other
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    notebook = source(lesson)
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
            folder=FOLDER,
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


def test_unknown_parameters_are_refused(lesson):
    with pytest.raises(ValueError, match=r"\['profil'\]: unknown"):
        runner.check_parameters(lesson, {"profil": "smoke"})


def test_parts_of_a_lesson(lesson):
    notebook = source(lesson)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    for part in ("You will learn", "You need", "Time and memory", "What is real", "What breaks", "Symbols"):
        assert part in text, f"no part “{part}”"
    assert re.search(r"Previous: .*Next: ", text), "links to the neighbours"
    assert len(tagged(notebook, "parameters")) == 1
    assert len(tagged(notebook, "exercise")) >= 3
    assert code.count("lesson.predict(") == code.count("lesson.reveal(") >= 1
    assert code.index("lesson.predict(") < code.index("lesson.reveal(")
    baseline = {"05_attention": "by_mask"}.get(lesson.stem, "bicubic")
    assert baseline in code, "a baseline"


def test_headings_are_in_order(lesson):
    levels = []
    for cell in source(lesson).cells:
        if cell.cell_type == "markdown":
            levels += [len(marks) for marks in re.findall(r"^(#+) ", cell.source, re.MULTILINE)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_links_lead_somewhere(lesson):
    for cell in source(lesson).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", cell.source):
                if not target.startswith("http"):
                    assert (lesson.parent / target).exists(), target
            assert all(alt for alt in re.findall(r"!\[([^\]]*)\]", cell.source))


def test_there_are_lessons_and_this_python_runs_them():
    assert [lesson.stem for lesson in LESSONS][:1] == ["00_quickstart"]
    assert sys.version_info >= (3, 11)
