"""Sphinx extension: an id stands once on a page.

sphinx-proof and sphinx-exercise give the same id to every proof, and to the content of every statement and exercise.
Nothing refers to it, so it is taken away.
"""

from docutils import nodes
from sphinx.application import Sphinx

REPEATED = {"proof", "proof-content", "exercise-content", "solution-content"}


def remove_repeated(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Take the ids away from what has nothing but repeated ones."""
    for part in doctree.findall(nodes.Element):
        if part.get("ids") and set(part["ids"]) <= REPEATED:
            part["ids"] = []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", remove_repeated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
