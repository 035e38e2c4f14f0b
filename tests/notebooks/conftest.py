"""The lessons, one after the other."""

from pathlib import Path

import nbformat
import pytest

LESSONS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="session")
def lessons():
    """All of them, in their order."""
    return LESSONS


@pytest.fixture(scope="module", params=LESSONS, ids=lambda lesson: lesson.stem)
def lesson(request):
    """The path of one."""
    return request.param


@pytest.fixture(scope="module")
def notebook(lesson):
    """Its contents."""
    return nbformat.read(lesson, as_version=4)


@pytest.fixture(scope="session")
def tagged():
    """A function: the cells of a notebook with a tag."""
    return lambda notebook, tag: [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
