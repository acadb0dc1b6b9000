"""Numbers by chapter: of pages with a number, of pages without, and the draft's own."""

import re
from pathlib import Path

from book._ext.chapters import Numbers, number_by_chapter
from tests.book import one_page

STATEMENTS = """
:::{prf:lemma} First
:label: lem-first

$$ a = b $$ (eq-first)
:::

:::{prf:theorem} Second
:label: thm-second

By {prf:ref}`lem-first` and {eq}`eq-first`.
:::

:::{prf:proof}
Obvious.
:::

:::{exercise} Easy
:label: ex-easy

Why?
:::

:::{solution} ex-easy
:class: dropdown

Because.
:::
"""


def test_every_kind_is_counted_within_its_chapter() -> None:
    pages: Numbers = {
        "notation": {"displaymath": {"equation-a": (1,), "equation-b": (2,)}},
        "notebooks/01_one": {"displaymath": {"equation-c": (3,)}, "figure": {"d": (1,), "e": (2,)}},
        "notebooks/12_two": {"displaymath": {"equation-f": (4,)}, "theorem": {"g": (1,)}},
    }
    number_by_chapter(pages)
    assert pages["notation"] == {"displaymath": {"equation-a": (1,), "equation-b": (2,)}}
    assert pages["notebooks/01_one"] == {"displaymath": {"equation-c": (1, 1)}, "figure": {"d": (1, 1), "e": (1, 2)}}
    assert pages["notebooks/12_two"] == {"displaymath": {"equation-f": (12, 1)}, "theorem": {"g": (12, 1)}}


def test_the_drafts_equations_keep_their_numbers() -> None:
    labels = ["equation-a", "equation-draft-1", "equation-draft-2", "equation-b"]
    pages: Numbers = {"notebooks/02_learning": {"displaymath": dict.fromkeys(labels, (9,))}}
    number_by_chapter(pages)
    assert list(pages["notebooks/02_learning"]["displaymath"].values()) == [(2, 1), (1,), (2,), (2, 2)]


def test_statements_share_one_count_and_are_referred_to_by_number(tmp_path: Path) -> None:
    done = one_page.build(tmp_path, STATEMENTS, {})
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "_build" / "html" / "index.html").read_text()
    ids = re.findall(r'id="([^"]*)"', page)
    assert not {"proof", "proof-content", "exercise-content"} & set(ids)
    text = re.sub("<[^>]*>", "", page)
    for words in ("Lemma 1 (First)", "Theorem 2 (Second)", "By Lemma 1 and (1).", "Exercise 1 (Easy)", "Because."):
        assert words in re.sub(r"\s+", " ", text)
