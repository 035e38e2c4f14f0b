"""Notebooks as HTML pages that need nothing but themselves: no script, no font, no network.

nbconvert's own pages fetch MathJax and require.js. Here a formula is MathML, which browsers set by themselves, and
widgets have left their static twins behind (`cvsr.notebook.runner.make_static`).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from traitlets.config import Config

INJECTED = "injected-parameters"  # papermill's tag of the cell that it adds
Address = Callable[[str], str]  # where a link of a notebook leads from its page


class Link(NamedTuple):
    """Another page: its address from this one, and its title."""

    address: str
    title: str


class MathMarkdown(IPythonRenderer):
    """Markdown as HTML, with formulas as MathML and links led to where `address` says."""

    def __init__(self, address: Address):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.address = address

    def inline_math(self, body: str) -> str:
        """$…$."""
        return convert(body)

    def block_math(self, body: str) -> str:
        """$$…$$."""
        return convert(body, display="block")

    def latex_environment(self, name: str, body: str) -> str:
        r"""\begin{name}…\end{name}."""
        return self.block_math(f"\\begin{{{name}}}{body}\\end{{{name}}}")

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """[text](url)."""
        return super().link(text, self.address(url), title)


def page(
    notebook: NotebookNode,
    title: str,
    address: Address = lambda target: target,
    neighbours: Mapping[str, Link] | None = None,
) -> str:
    """An executed notebook, its widgets made static, as one HTML file.

    Args:
        notebook: as it was executed.
        title: of the page.
        address: where a link of the notebook leads from the page.
        neighbours: what the link is for, such as "Next" → the link, at the end of the page.
    """

    def markdown(source: str) -> str:
        return MarkdownWithMath(renderer=MathMarkdown(address)).render(source)

    exporter = HTMLExporter(
        template_name="page",
        extra_template_basedirs=[str(Path(__file__).parent)],
        filters={"markdown2html": markdown},
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        config=Config(
            {
                "CSSHTMLHeaderPreprocessor": {"style": "default"},
                "TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": {INJECTED}},
            }
        ),
    )
    body, _ = exporter.from_notebook_node(notebook, {"title": title, "neighbours": neighbours or {}})
    return body
