"""Opens every page of the built book in Chromium, from the disk: `make test-book`, after `make book`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from selenium.webdriver import Chrome

from tests.book import browser
from tests.book.defect_cases import DEFECTS, GOOD
from tests.public_names import CONTRACT, FUNCTIONS, KINDS, LAYERS, METHODS, PROPERTIES

BOOK = Path(__file__).parents[2] / "book"
SITE = BOOK / "_build" / "html"
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
WIDTHS = [1280, 360]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    try:
        with browser.chromium() as driver:
            yield driver
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", [*PAGES, "genindex", "search"])
def test_page(chromium: Chrome, page: str, width: int) -> None:
    path = SITE / f"{page}.html"
    if not path.is_file():
        pytest.fail(f"{path} is missing: `make book` builds it", pytrace=False)
    assert browser.problems(chromium, path, width) == []


def test_no_page_is_left_out() -> None:
    built = {str(path.relative_to(SITE).with_suffix("")) for path in SITE.rglob("*.html")}
    built = {page for page in built if not page.startswith("_static")}  # templates of the theme
    assert built == {*PAGES, "genindex", "search"}


def test_the_reference_lists_every_public_name() -> None:
    page = (SITE / "api.html").read_text()
    anchors = set(re.findall(r'id="([\w.-]+)"', page))
    names = {*LAYERS, *METHODS, *PROPERTIES, *FUNCTIONS, *CONTRACT, "fourierconv.parameterizations.NAMES"}
    assert names <= anchors
    assert {f"parameterization-{name}" for name in KINDS} <= anchors


@pytest.mark.parametrize("width", WIDTHS)
def test_a_good_page_is_good(chromium: Chrome, tmp_path: Path, width: int) -> None:
    assert browser.problems(chromium, write_page(tmp_path, GOOD), width) == []


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(chromium: Chrome, tmp_path: Path, defect: str) -> None:
    html, message = DEFECTS[defect]
    found = browser.problems(chromium, write_page(tmp_path, GOOD + html), 360)
    assert any(message in problem for problem in found), found


def write_page(folder: Path, body: str) -> Path:
    page = folder / "page.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">{body}')
    return page
