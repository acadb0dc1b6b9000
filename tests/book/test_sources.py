"""The sources of the book: every page is in the contents, notebooks are clean, references are used."""

import ast
import json
import re
from pathlib import Path

import papermill
import pytest
import yaml

BOOK = Path(__file__).parents[2] / "book"
NOTEBOOKS = BOOK.parent / "notebooks"
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
CHAPTERS = [Path(page).name for page in PAGES if page.startswith("notebooks/")]


def test_the_contents_list_every_source_once() -> None:
    prose = [path.stem for path in BOOK.glob("*.md")]
    chapters = [f"notebooks/{path.stem}" for path in NOTEBOOKS.glob("*.ipynb")]
    assert sorted(PAGES) == sorted(prose + chapters)


def test_notebooks_are_read_in_the_order_of_their_numbers() -> None:
    assert sorted(CHAPTERS) == CHAPTERS


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_notebook_is_a_source(chapter: str) -> None:
    notebook = json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1
    assert notebook["cells"][0]["cell_type"] == "markdown"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_notebook_takes_the_profile(chapter: str) -> None:
    parameters = papermill.inspect_notebook(str(NOTEBOOKS / f"{chapter}.ipynb"))
    assert ast.literal_eval(parameters["profile"]["default"]) == "quick"


def test_every_reference_is_cited_and_every_citation_exists() -> None:
    entries = set(re.findall(r"^@\w+\{(\w+),", (BOOK / "references.bib").read_text(), flags=re.MULTILINE))
    sources = [*BOOK.glob("*.md"), *NOTEBOOKS.glob("*.ipynb")]
    lists = [re.findall(r"\{cite:\w+\}`([^`]+)`", path.read_text()) for path in sources]
    cited = {key.strip() for keys in lists for group in keys for key in group.split(",")}
    assert entries == cited
    assert entries
