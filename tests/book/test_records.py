"""Pages on results and notebooks reach the reader, and a book with a hole in its records is not built."""

import shutil
from pathlib import Path

import pytest

from tests.book.one_page import build
from tests.study.records_cases import executed

RESULTS = Path(__file__).parents[2] / "book" / "results"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the committed results of one profile."""
    shutil.copytree(RESULTS / "quick", tmp_path / "book" / "results" / "quick")
    return tmp_path


def test_records_reach_the_page(folder: Path) -> None:
    done = build(folder, "```{provenance}\n```", {})
    assert done.returncode == 0, done.stderr
    page = (folder / "out" / "_build" / "html" / "index.html").read_text()
    assert "size_recovery.csv" in page
    assert 'href="#quick-size-recovery"' in page  # a section, so it is among the page's contents
    assert '<table class="provenance table"' in page


def test_a_missing_sidecar_stops_the_build(folder: Path) -> None:
    (folder / "book" / "results" / "quick" / "image_size.provenance.json").unlink()
    done = build(folder, "```{provenance}\n```", {})
    assert done.returncode != 0
    assert "image_size.provenance.json is missing; make it: python -m fourierconv.study collect" in done.stderr


def test_a_notebook_that_was_not_executed_stops_the_build(tmp_path: Path) -> None:
    executed(tmp_path / "notebooks" / "01_waves.ipynb")
    done = build(tmp_path, "```{execution}\n```", {})
    assert done.returncode != 0
    assert "01_waves.ipynb is missing; make it: python -m fourierconv.study.execute notebooks/01_waves" in done.stderr
