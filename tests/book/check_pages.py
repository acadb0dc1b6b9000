"""Opens every page of the built book in Chromium, from the disk: `make test-book`, after `make book`."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.book import browser
from tests.book.defect_cases import DEFECTS, GOOD
from tests.public_names import CONTRACT, FUNCTIONS, KINDS, LAYERS, METHODS, PROPERTIES

BOOK = Path(__file__).parents[2] / "book"
SITE = BOOK / "_build" / "html"
TOC = yaml.safe_load((BOOK / "_toc.yml").read_text())
PAGES = [TOC["root"], *(chapter["file"] for part in TOC["parts"] for chapter in part["chapters"])]
WIDTHS = [1280, 360]
PAPER = 718  # an A4 page without its margins, at 96 px to the inch
SCREEN_ONLY = ".bd-header, .bd-header-article, .bd-sidebar-primary, .bd-sidebar-secondary, .prev-next-footer, button"


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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", [*PAGES, "genindex", "search"])
def test_page_is_accessible(chromium: Chrome, page: str, theme: str) -> None:
    assert browser.inaccessible(chromium, SITE / f"{page}.html", theme) == []


def test_tables_of_notebooks_are_numbered_by_chapter(chromium: Chrome) -> None:
    for page in (page for page in PAGES if page.startswith("notebooks/")):
        chromium.get((SITE / f"{page}.html").as_uri())
        bare, captions = chromium.execute_script("""
            const all = selector => [...document.querySelectorAll(selector)];
            return [all("table.dataframe").filter(table => !table.closest("figure.captioned")).length,
                    all("figure.captioned .caption-number").map(number => number.textContent.trim())];
        """)
        chapter = int(page.removeprefix("notebooks/")[:2])
        assert bare == 0, page
        assert captions == [f"Table {chapter}.{place}" for place in range(1, len(captions) + 1)], page


def test_no_page_is_left_out() -> None:
    built = {str(path.relative_to(SITE).with_suffix("")) for path in SITE.rglob("*.html")}
    built = {page for page in built if not page.startswith("_static")}  # templates of the theme
    assert built == {*PAGES, "genindex", "search"}


def test_arrow_keys_move_the_slider_to_another_frame(chromium: Chrome) -> None:
    chromium.get((SITE / "notebooks" / "03_small_kernels_are_smooth_spectra.html").as_uri())
    slider = chromium.find_element(By.CSS_SELECTOR, ".film input")
    texts, frames = [], []
    for _ in range(3):
        shown = [part for part in chromium.find_elements(By.CSS_SELECTOR, ".film [data-frame]") if part.is_displayed()]
        frames.append([part.get_attribute("data-frame") for part in shown])
        texts.append(slider.get_attribute("aria-valuetext"))
        assert texts[-1] == shown[0].text
        slider.send_keys(Keys.ARROW_RIGHT)
    assert frames == [["0"] * 3, ["1"] * 3, ["2"] * 3]
    assert len(set(texts)) == 3


def test_on_paper_the_article_stands_alone_and_figures_are_whole(chromium: Chrome) -> None:
    browser.problems(chromium, SITE / "notebooks" / "03_small_kernels_are_smooth_spectra.html", PAPER)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        found = chromium.find_elements(By.CSS_SELECTOR, f"{SCREEN_ONLY}, .film")
        assert [part.get_attribute("class") for part in found if part.is_displayed()] == []
        beyond = chromium.execute_script("""
            return [...document.querySelectorAll(".bd-article figure")].map(f => f.scrollWidth - f.clientWidth);
        """)
        assert beyond
        assert set(beyond) == {0}
    finally:
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_dark_theme_is_not_printed(chromium: Chrome) -> None:
    chromium.get((SITE / "index.html").as_uri())
    themes = chromium.execute_script("""
        const root = document.documentElement, theme = () => root.dataset.theme;
        const after = event => { window.dispatchEvent(new Event(event)); return theme(); };
        root.dataset.theme = "dark";
        return [theme(), after("beforeprint"), after("afterprint")];
    """)
    assert themes == ["dark", "light", "dark"]


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
