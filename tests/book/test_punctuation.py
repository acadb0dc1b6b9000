"""Formulas and the punctuation that touches them, in one box."""

import re

import pytest

from tests.book import one_page

LINES = {  # {} are boxes
    "taps (of $k$), say": "taps (of {k),} say",
    "odd ones ($w$ = 0)": "odd ones {(w} = 0)",
    "both ($a$)($b$).": "both {(a)}{(b).}",
    "$k$-dimensional (or so)": "k-dimensional (or so)",
    "from $a$ to $b$–$c$ px.": "from a to b–c px.",
    "*$a$*, or **$b$;**": "a, or {b;}",
}


@pytest.fixture(scope="module")
def paragraphs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("book")
    done = one_page.build(folder, "\n\n".join(LINES), {})
    assert done.returncode == 0, done.stderr
    page = (folder / "out" / "_build" / "html" / "index.html").read_text()
    boxed = re.sub(r'<span class="unbroken">(.*?</span>.*?)</span>', r"{\1}", page)
    return [re.sub(r"<.*?>|\\\(|\\\)", "", text) for text in re.findall(r"<p>(.*?)</p>", boxed)]


@pytest.mark.parametrize("source", LINES)
def test_punctuation_goes_with_the_formula_that_it_touches(paragraphs: list[str], source: str) -> None:
    assert LINES[source] in paragraphs
