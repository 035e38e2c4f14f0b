"""What a student finds in every lesson, as far as it can be told without running it; the rest is in test_lessons.py."""

import ast
import re
from itertools import pairwise

import pytest

from cvsr.notebook import runner

README, STORY = "README.md", "notebooks/README.md"
# Where a lesson compares with something else than bicubic enlargement.
BASELINES = {"05_attention": "by_mask"}


@pytest.fixture(scope="module")
def text(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@pytest.fixture(scope="module")
def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def part(text, name):
    """What stands below a bold or a numbered heading, up to the next one."""
    found = re.search(rf"^(?:## \d+\. |> )?\**{name}.*?$(.*?)(?=^\*\*|^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"no part “{name}”"
    return found[0]


def calls(source, name):
    """Every call of `lesson.name(…)` or `name(…)` in a cell."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            if getattr(called, "attr", getattr(called, "id", None)) == name:
                yield node


def test_title_and_objectives(lesson, text):
    number = lesson.stem.split("_")[0]
    assert re.match(rf"# {number} · \S", text)
    assert part(text, "You will learn").count("\n- ") >= 4
    assert len(part(text, "You need")) > len("**You need** ")


def test_time_and_memory_of_both_profiles(text):
    told = part(text, "Time and memory")
    for profile in ("smoke", "full"):
        assert re.search(rf"^\| `{profile}` \|[^|]+\|[^|]*(second|minute)[^|]*\|[^|]*GB[^|]*\|$", told, re.MULTILINE)


def test_symbols(text):
    assert len(re.findall(r"^\| \$.+\$ \| .+ \|$", part(text, "Symbols"), re.MULTILINE)) >= 3


def test_neighbours(lesson, lessons, text):
    """A new lesson in between makes this fail: it says which links have to change."""
    place = lessons.index(lesson)
    around = {"Previous": lessons[place - 1] if place else None, "Next": (lessons[place + 1 :] or [None])[0]}
    line = re.search(r"^Previous: .*$", text, re.MULTILINE)[0]
    assert "[All lessons](../README.md#lessons)" in line
    for name, neighbour in around.items():
        said = re.search(rf"{name}: (.*?) ·", line)[1]
        if neighbour is None:
            assert said.startswith("none")
        else:
            assert re.fullmatch(rf"\[{neighbour.stem[:2]}, [^]]+\]\({neighbour.name}\)", said), f"{name}: {neighbour}"
    onward = around["Next"] or lessons[0]  # from the last one to the first
    assert f"]({onward.name})" in part(text, "Where next")


def test_parameters_come_first_and_the_environment_next(lesson, code):
    names = [target.id for node in ast.parse(code[0]).body for target in node.targets]
    assert names == list(runner.PARAMETERS)
    assert f'out_dir = "../outputs/lessons/{lesson.stem}"' in code[0]
    assert 'profile = "smoke"' in code[0]
    assert code[1].endswith("lesson.environment()")


def test_unknown_parameters_are_refused(lesson):
    with pytest.raises(ValueError, match=r"\['profil'\]: unknown"):
        runner.check_parameters(lesson, {"profil": "smoke"})


def test_explorers_answer_questions(code):
    explorers = [call for source in code for call in calls(source, "Explorer")]
    assert len(explorers) >= 2
    for call in explorers:
        assert ast.unparse(call.args[0])[-2] == "?"
        assert [word.arg for word in call.keywords] == ["alt"]


def test_no_widget_goes_without_twin_and_sweep(code):
    bare = r"\b(interact|interactive|interactive_output|interact_manual)\(|widgets\.Output\b"
    assert not [source for source in code if re.search(bare, source)]


def test_predictions_are_asked_before_their_reveal(code):
    asked = {}
    for number, source in enumerate(code):
        for line in re.findall(r"^(\w+) = lesson\.predict\(", source, re.MULTILINE):
            asked[line] = number
            assert source.rstrip().endswith(f"\n{line}"), "the question is the last line of its cell"
        for call in calls(source, "reveal"):
            assert asked.pop(call.args[0].id) < number
    assert asked == {}
    assert sum(len(list(calls(source, "reveal"))) for source in code) >= 1


def test_exercises_have_stub_checker_and_solution(notebook, text, tagged):
    exercises = tagged(notebook, "exercise")
    assert len(exercises) >= 3
    headings = [int(number) for number in re.findall(r"^### Exercise (\d+): \S", text, re.MULTILINE)]
    assert headings == list(range(1, len(exercises) + 1))
    assert len(tagged(notebook, "solution")) == len(exercises)
    for cell in exercises:
        following = notebook.cells[notebook.cells.index(cell) + 1]
        assert "solution" in following.metadata.get("tags", [])
        folded = r"<details><summary>Solution</summary>\n\n.*```python\n.*```.*\n\n</details>"
        assert re.match(folded, following.source, re.DOTALL)
        assert "..." in cell.source
        assert len(list(calls(cell.source, "check"))) == 1


def test_claims_are_recorded_and_code_is_held_to_the_package(code):
    together = "\n".join(code)
    assert len([call for source in code for call in calls(source, "record")]) >= 2
    assert re.search(r"allclose|equal\(|high=1e-\d|high=0\)", together), "something is shown to be the same"


def test_a_baseline_a_seed_and_a_video(lesson, code):
    together = "\n".join(code)
    assert BASELINES.get(lesson.stem, "bicubic") in together
    assert "lesson.generator()" in together or re.search(r"\bseed\b", "\n".join(code[2:]))
    assert "players." in together


def test_failures_and_reality(text, notebook):
    assert part(text, "What is real").count("*Real*") == 1
    sources = [cell.source for cell in notebook.cells]
    at = next(i for i, source in enumerate(sources) if re.search(r"^## \d+\. What breaks", source, re.MULTILINE))
    assert [cell for cell in notebook.cells[at:] if cell.cell_type == "code"], "failures are shown, not told"


def test_headings_are_in_order(text):
    headings = re.findall(r"^(#+) (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    levels = [len(marks) for marks, _ in headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    numbers = [int(name.split(".")[0]) for marks, name in headings if len(marks) == 2]
    assert numbers == list(range(1, len(numbers) + 1))


def test_links_lead_somewhere_and_pictures_have_words(lesson, text):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert (lesson.parent / target).exists(), target
    assert all(re.findall(r"!\[([^\]]*)\]", text))


def test_colours_are_the_palettes(code):
    """Okabe and Ito's or greys, which no colour blindness confuses."""
    named = [colour for source in code for colour in re.findall(r"""\bcolor=["']([^"']+)["']""", source)]
    assert [c for c in named if not re.fullmatch(r"white|black|#(\w\w)\1\1", c)] == []


def test_the_readme_and_the_story_tell_of_all_lessons(lessons):
    root = lessons[0].parents[1]
    listed = re.findall(r"^\| \[\w+\]\(notebooks/(\w+\.ipynb)\) \|", (root / README).read_text(), re.MULTILINE)
    told = re.findall(r"^## \[(\d\d) · .+\]\((\w+\.ipynb)\)$", (root / STORY).read_text(), re.MULTILINE)
    assert listed == [lesson.name for lesson in lessons]
    assert told == [(lesson.stem[:2], lesson.name) for lesson in lessons]
