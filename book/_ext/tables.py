"""Sphinx extension: what a notebook's cell shows is a numbered table where the figure that wraps it is named `tab-…`.

MyST-NB wraps the output of a cell with a caption in a figure, whatever it is. Those of tables are counted, and referred
to, as tables, with their caption above.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

PREFIX = "tab-"


class captioned_table(nodes.figure):
    """A figure that is counted as a table."""


class CountAsTables(SphinxTransform):
    """Turn figures with the name of a table into tables, before anything is counted."""

    default_priority = 840  # Sphinx's domains read the labels at 850

    def apply(self, **_: object) -> None:
        """Replace them in the page."""
        for figure in list(self.document.findall(nodes.figure)):
            if any(name.startswith(PREFIX) for name in figure["names"]):
                captions: list[nodes.Node] = []
                shown: list[nodes.Node] = []
                for child in figure:
                    (captions if isinstance(child, nodes.caption) else shown).append(child)
                table = captioned_table("", *captions, *shown, **figure.attributes)
                table["classes"].append("captioned")
                figure.replace_self(table)
                self.document.ids.update(dict.fromkeys(table["ids"], table))


def caption_of(table: nodes.Element) -> str:
    """Return what a reference by name says."""
    return next(table.findall(nodes.caption)).astext()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    visitors = (HTML5Translator.visit_figure, HTML5Translator.depart_figure)
    app.add_enumerable_node(captioned_table, "table", caption_of, html=visitors)
    app.add_transform(CountAsTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
