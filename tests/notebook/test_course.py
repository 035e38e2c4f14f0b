import re

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cvsr.notebook import course
from cvsr.notebook.course import Lesson, addresses, cover, illustrated, kept, links

PICTURE = '<img alt="a ball" src="data:,x" style="max-width:100%">'


def lesson(folder, name="00_first", title="00 · First"):
    notebook = new_notebook(cells=[new_markdown_cell(f"# {title}\n\ntext"), new_code_cell("1")])
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return Lesson(folder / f"{name}.ipynb", folder / "out")


def ran(each, parameters):
    notebook = nbformat.read(each.source, as_version=4)
    notebook.cells.insert(1, new_code_cell("seed = 0", metadata={"tags": ["injected-parameters"]}))
    notebook.cells[-1].outputs = [new_output("display_data", data={"text/html": PICTURE})]
    notebook.metadata.papermill = {"parameters": parameters}
    each.executed.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, each.executed)
    return notebook


def test_a_lesson_that_was_run_is_not_run_again(tmp_path):
    first = lesson(tmp_path)
    assert kept(first, {"seed": 0}) is None
    ran(first, {"seed": 0})
    assert kept(first, {"seed": 0}) is not None
    assert kept(first, {"seed": 1}) is None
    lesson(tmp_path, title="00 · Changed")
    assert kept(first, {"seed": 0}) is None


def test_every_page_leads_on_and_back():
    first, middle, last = links([("a.html", "A"), ("b.html", "B"), ("c.html", "C")])
    assert list(first) == ["The course", "Next"]
    assert middle["Previous"] == ("a.html", "A")
    assert middle["Next"] == ("c.html", "C")
    assert list(last) == ["Previous", "The course"]


def test_addresses(tmp_path):
    address = addresses(tmp_path / "notebooks", tmp_path / "outputs" / "course")
    assert address("01_next.ipynb") == "01_next.html"
    assert address("01_next.ipynb#part") == "01_next.html#part"
    assert address("../README.md#lessons") == "index.html"
    assert address("README.md") == "index.html"
    assert address("../cvsr/models/rope.py") == "../../cvsr/models/rope.py"
    assert address("#here") == "#here"
    assert address("https://example.org/a.ipynb") == "https://example.org/a.ipynb"


def test_the_story_shows_the_first_picture_of_each_lesson(tmp_path):
    notebook = ran(lesson(tmp_path), {})
    assert cover(notebook) == '<img alt="a ball" src="data:,x" class="cover">'
    assert cover(new_notebook()) == ""
    story = illustrated("## [First](00_first.ipynb)\n\ntext", {"00_first.ipynb": cover(notebook)})
    assert re.match(r"## \[First\]\(00_first.ipynb\)\n\n<img .*class=\"cover\">\n\n\ntext", story)


def test_build(tmp_path, monkeypatch):
    runs = []

    def run(source, executed, parameters):
        runs.append(source.stem)
        return ran(Lesson(source, tmp_path / "out"), parameters)

    monkeypatch.setattr(course, "run", run)
    for name, title in (("00_first", "00 · First"), ("01_next", "01 · Next")):
        lesson(tmp_path, name, title)
    (tmp_path / "README.md").write_text("# The course\n\n## [First](00_first.ipynb)\n")
    pages = course.build(tmp_path, tmp_path / "out", "smoke", 0)
    assert [page.name for page in pages] == ["index.html", "00_first.html", "01_next.html"]
    assert 'href="01_next.html">Next: 01 · Next<' in pages[1].read_text()
    assert 'class="cover"' in pages[0].read_text()
    course.build(tmp_path, tmp_path / "out", "smoke", 0)
    assert runs == ["00_first", "01_next"]
