"""The whole course as pages to read offline: `make course`.

Every lesson is run once and rendered, and `notebooks/README.md`, which tells the course as one story, becomes the page
to begin with. A lesson that was run with the same parameters, and has not changed since, is not run again.
"""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from cvsr.notebook.pages import INJECTED, Address, Link, page
from cvsr.notebook.runner import run

STORY = "README.md"  # beside the lessons


@dataclass(frozen=True)
class Lesson:
    """A notebook, where its run is kept, and the page that it becomes."""

    source: Path
    out: Path

    @property
    def executed(self) -> Path:
        """The notebook as it was run."""
        return self.out / self.source.stem / self.source.name

    @property
    def page(self) -> Path:
        """Its page."""
        return self.out / f"{self.source.stem}.html"

    @property
    def title(self) -> str:
        """Its first heading."""
        return re.search(r"^# (.+)$", nbformat.read(self.source, as_version=4).cells[0].source, re.MULTILINE)[1]


def build(folder: Path, out: Path, profile: str, seed: int) -> list[Path]:
    """Run the lessons of a folder as far as needed, and write their pages; the first of those returned is the story.

    Args:
        folder: of the lessons and their story.
        out: folder of the pages; executed lessons and their files are kept below it.
        profile: "smoke" or "full".
        seed: of every lesson.
    """
    folder, out = folder.resolve(), out.resolve()
    lessons = [Lesson(source, out) for source in sorted(folder.glob("*.ipynb"))]
    address, covers = addresses(folder, out), {}
    for lesson, neighbours in zip(lessons, links([(each.page.name, each.title) for each in lessons]), strict=True):
        parameters = {"profile": profile, "seed": seed, "out_dir": str(out / lesson.source.stem)}
        notebook = kept(lesson, parameters) or run(lesson.source, lesson.executed, parameters)
        covers[lesson.source.name] = cover(notebook)
        lesson.page.write_text(page(notebook, lesson.title, address, neighbours))
        sys.stdout.write(f"{lesson.page}\n")
    index = out / "index.html"
    story = illustrated((folder / STORY).read_text(), covers)
    begin = {"Begin": Link(lessons[0].page.name, lessons[0].title)}
    index.write_text(page(new_notebook(cells=[new_markdown_cell(story)]), "cvsr: the course", address, begin))
    sys.stdout.write(f"{index}\n")
    return [index, *(lesson.page for lesson in lessons)]


def kept(lesson: Lesson, parameters: Mapping[str, object]) -> NotebookNode | None:
    """The lesson as it was run before; None if it has changed since, or was run with other parameters."""
    if not lesson.executed.exists():
        return None
    found = nbformat.read(lesson.executed, as_version=4)
    own = [cell.source for cell in found.cells if INJECTED not in cell.metadata.get("tags", [])]
    now = [cell.source for cell in nbformat.read(lesson.source, as_version=4).cells]
    return found if own == now and found.metadata.papermill.parameters == parameters else None


def links(pages: Sequence[tuple[str, str]]) -> list[dict[str, Link]]:
    """For each page, given by name and title, its neighbours in this order, and the story."""
    found = []
    for index in range(len(pages)):
        neighbours = {"Previous": Link(*pages[index - 1])} if index else {}
        neighbours["The course"] = Link("index.html", "all lessons")
        if index + 1 < len(pages):
            neighbours["Next"] = Link(*pages[index + 1])
        found.append(neighbours)
    return found


def addresses(folder: Path, out: Path) -> Address:
    """Where links of the lessons lead from their pages: to other pages, else to files of the repository."""
    stories = {(folder / STORY).resolve(), (folder.parent / STORY).resolve()}

    def address(target: str) -> str:
        path, _, part = target.partition("#")
        file = (folder / path).resolve()
        if not path or "://" in target:
            return target
        if file in stories:
            return "index.html"
        if file.parent == folder and file.suffix == ".ipynb":
            return f"{file.stem}.html" + (f"#{part}" if part else "")
        return os.path.relpath(file, out)

    return address


def cover(notebook: NotebookNode) -> str:
    """The first picture of an executed lesson, as an <img>; empty if it has none."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    pictures = (re.search(r"<img [^>]*>", output.get("data", {}).get("text/html", "")) for output in outputs)
    return next((re.sub(r' style="[^"]*"', ' class="cover"', found[0]) for found in pictures if found), "")


def illustrated(story: str, covers: Mapping[str, str]) -> str:
    """Markdown with the picture of a lesson below every heading that is a link to it."""

    def with_cover(heading: re.Match) -> str:
        return f"{heading[0]}\n\n{covers.get(heading[1], '')}\n"

    return re.sub(r"^#+ \[.*\]\(([^)#]+)\)$", with_cover, story, flags=re.MULTILINE)


def main() -> None:
    """Run the lessons of a folder as far as needed and write the course as pages."""
    parser = argparse.ArgumentParser(prog="python -m cvsr.notebook.course", description=main.__doc__)
    parser.add_argument("lessons", type=Path, help="folder of notebooks with their README.md")
    parser.add_argument("out", type=Path, help="folder for the pages; begin with its index.html")
    parser.add_argument("--profile", default="full", choices=["smoke", "full"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    build(arguments.lessons, arguments.out, arguments.profile, arguments.seed)


if __name__ == "__main__":
    main()
