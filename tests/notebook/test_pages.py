import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cvsr.notebook.pages import Link, page
from cvsr.notebook.runner import make_static
from cvsr.notebook.widgets import LIVE_VIEW


def rendered(*cells, **settings):
    return page(new_notebook(cells=list(cells)), "a title", **settings)


def test_a_page_needs_nothing_from_elsewhere():
    html = rendered(new_markdown_cell("# Title\n\n$x_t$"), new_code_cell("print(1)"))
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(""", html)
    assert "<script" not in html
    assert "<title>a title</title>" in html


def test_formulas_are_mathml():
    text = "In a line $x_0$, alone\n\n$$\\frac{a}{b}$$\n\nand in a table\n\n|a|\n|---|\n|$t$|"
    html = rendered(new_markdown_cell(text))
    assert html.count("<math") == 3
    assert "<msub><mi>x</mi><mn>0</mn></msub>" in html
    assert 'display="block"' in html
    assert "<mfrac>" in html
    assert "$" not in html[html.index("<main>") :]


@pytest.mark.parametrize("formula", [r"\begin{cases}1\\0\end{cases}", r"\mathrm{softmax}(q k^\top / \sqrt d)\,v"])
def test_no_command_is_left_as_text(formula):
    html = rendered(new_markdown_cell(f"$$ {formula} $$"))
    assert not re.search(r"\\[a-z]", html[html.index("<main>") :])


def test_the_parameters_of_the_run_are_not_shown_twice():
    given = new_code_cell("out_dir = 'mine'", metadata={"tags": ["injected-parameters"]})
    assert "mine" not in rendered(given)


def test_links_lead_where_the_address_says():
    html = rendered(
        new_markdown_cell("[next](01_next.ipynb)"),
        address=lambda target: target.replace(".ipynb", ".html"),
        neighbours={"Next": Link("01_next.html", "a & b")},
    )
    assert html.count('href="01_next.html"') == 2
    assert "Next: a &amp; b" in html


def test_solutions_stay_folded_and_twins_stand_for_widgets():
    data = {LIVE_VIEW: {"model_id": "1"}, "text/html": '<p>the twin</p><img alt="a" src="data:,">'}
    notebook = new_notebook(
        cells=[
            new_code_cell("1", outputs=[new_output("display_data", data=data)]),
            new_markdown_cell("<details><summary>Solution</summary>\n\n```python\nx = 1\n```\n\n</details>"),
        ]
    )
    make_static(notebook)
    html = page(notebook, "a title")
    assert "the twin" in html
    assert re.search(r"<details>\s*<summary>Solution</summary>.*<span.*</details>", html, re.DOTALL)
