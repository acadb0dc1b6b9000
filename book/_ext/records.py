"""Sphinx extension: where the results come from and how the notebooks ran, by what they recorded themselves.

The directive `provenance` lists the committed files of book/results, `execution` the executed notebooks. A result that
nothing describes, or a notebook that was not executed, is an error of the page, and so the end of a strict build.
"""

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class Records(SphinxDirective):
    """What `fourierconv.study.records` writes under the directive's name."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """The nodes that stand for the directive."""
        from fourierconv.study import records  # torch is not needed to read the other pages
        from fourierconv.study.store import StudyError, repository_root

        root = repository_root()
        try:
            if self.name == "provenance":
                text = records.provenance(root / "book" / "results")
            else:
                text = records.execution(root / "notebooks", Path(self.env.srcdir) / "notebooks")
        except StudyError as error:
            raise self.error(str(error)) from error
        node = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), source=str(self.get_location())), 0, node, True)
        return node.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    for name in ("provenance", "execution"):
        app.add_directive(name, Records)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
