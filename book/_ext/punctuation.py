"""Sphinx extension: no line begins with the comma after a formula, or ends with the bracket before one.

Browsers may break a line on either side of what MathJax sets, whatever stands there.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

BEFORE, AFTER = re.compile(r"[(\[“‘]+$"), re.compile(r"^[.,;:!?)\]”’]+")


def keep_together(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put each formula into a box with the punctuation that touches it; `book.css` keeps the box in one line."""
    for formula in list(doctree.findall(nodes.math)):
        around = formula.parent
        place = around.index(formula)
        before, after = _cut(around, place - 1, BEFORE), _cut(around, place + 1, AFTER)
        if before or after:
            box = nodes.inline(classes=["unbroken"])
            around.replace(formula, box)
            box += [nodes.Text(before), formula, nodes.Text(after)]


def _cut(around: nodes.Element, place: int, wanted: re.Pattern[str]) -> str:
    """Take what is wanted from the child at a place, where that is text."""
    text = around[place] if 0 <= place < len(around) else None
    if not isinstance(text, nodes.Text) or (found := wanted.search(text)) is None:
        return ""
    around.replace(text, nodes.Text(wanted.sub("", text)))
    return found[0]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
