"""Sphinx extension: what is numbered is numbered by chapter, and a chapter has the number of its notebook.

The second equation of `notebooks/03_…` is (3.2), its first figure Fig. 3.1. A page without a number counts plainly.
The draft's three equations, labelled `draft-1` to `draft-3`, keep the numbers that the draft gives them.
"""

import re

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

Numbers = dict[str, dict[str, dict[str, tuple[int, ...]]]]  # per page and kind, the number of every label

AFTER_SPHINX = 900  # Sphinx's own numbers, through the whole book, are made at 500


def number_by_chapter(pages: Numbers) -> None:
    """Replace the numbers of every page by (chapter, place among its kind on the page).

    >>> pages = {"notebooks/03_small": {"displaymath": {"equation-draft-1": (7,), "equation-a": (8,)}}}
    >>> number_by_chapter(pages)
    >>> pages
    {'notebooks/03_small': {'displaymath': {'equation-draft-1': (1,), 'equation-a': (3, 1)}}}
    """
    for page, kinds in pages.items():
        chapter = tuple(int(number) for number in re.findall(r"^notebooks/(\d+)_", page))
        for numbers in kinds.values():
            drafts = {label: int(label[-1]) for label in numbers if re.fullmatch(r"equation-draft-\d", label)}
            own = [label for label in numbers if label not in drafts]
            numbers.update({label: (number,) for label, number in drafts.items()})
            numbers.update({label: (*chapter, place) for place, label in enumerate(own, 1)})


def renumber(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Give Sphinx the numbers by chapter; none of its pages need be read again for that."""
    number_by_chapter(env.toc_fignumbers)
    return []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("env-get-updated", renumber, priority=AFTER_SPHINX)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
