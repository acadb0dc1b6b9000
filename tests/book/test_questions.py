"""The pages of the protocol's questions run on whatever is committed: nothing, the pilot, a part of what is full."""

import json
import re
from pathlib import Path

import pytest
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from fourierconv.study import protocol
from fourierconv.study.answers import evidence
from fourierconv.study.store import repository_root
from tests.study import protocol_runs

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PAGES = [path.stem for path in sorted(NOTEBOOKS.glob("1[0-8]_*.ipynb"))]
TABLES = ("nothing", "pilot", "part")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository per table."""
    folder = tmp_path_factory.mktemp("repositories")
    configs = protocol.configs("full")
    protocol_runs.write(folder / "pilot" / "book" / "results", "pilot")
    protocol_runs.write(folder / "part" / "book" / "results", "full", configs[::3])
    return folder


def cells(page: str) -> list[tuple[list[str], str]]:
    """Tags and source of every code cell."""
    found = json.loads((NOTEBOOKS / f"{page}.ipynb").read_text())["cells"]
    code = [cell for cell in found if cell["cell_type"] == "code"]
    return [(cell["metadata"].get("tags", []), "".join(cell["source"])) for cell in code]


def test_every_question_of_the_protocol_has_its_page() -> None:
    assert [int(page[:2]) for page in PAGES] == list(range(10, 19))
    loaded = " ".join(source for page in PAGES for _, source in cells(page))
    assert not [question.name for question in protocol.questions("full") if f'"{question.name}"' not in loaded]


def test_a_page_says_what_would_refute_as_the_protocol_does() -> None:
    lines = (repository_root() / "book" / "protocol.md").read_text().splitlines()
    asked = [line.strip("| ").split(" | ") for line in lines if re.match(r"\| \d ", line)]
    assert len(asked) == len(PAGES)
    for number, _, refuted in asked:
        (page,) = (page for page in PAGES if int(page[:2]) == int(number) + 9)
        text = json.loads((NOTEBOOKS / f"{page}.ipynb").read_text())["cells"]
        if refuted != "—":
            shown = f"{refuted[0].upper()}{refuted[1:]}."
            assert any(shown in "".join(cell["source"]) for cell in text), page


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs(page: str, table: str, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(evidence, "repository_root", lambda: folder / table)
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path))  # for the figures of the start page
    names: dict[str, object] = {}
    shown: list[object] = []
    for tags, source in cells(page):
        if tags == ["hide-input"]:
            *before, last = source.splitlines()
            exec("\n".join(before), names)
            shown.append(eval(last, names))
        else:
            exec(source, names)
    assert all(isinstance(each, HTML | Markdown | Figure) for each in shown)
    texts = [each.data for each in shown if isinstance(each, HTML | Markdown)]
    texts = [text for text in texts if "Profile tuning" not in text]  # of its own table, whatever else is committed
    banner = {"nothing": "Not run yet.", "pilot": evidence.PILOT_BANNER}.get(table, "Profile full")
    *answers, left, commands = texts
    assert all(banner in text for text in answers)
    assert "are not done yet" in left
    assert ("recompute --profile" in commands) == (table != "nothing")
    for figure in shown:
        if isinstance(figure, Figure):
            figure.draw_without_rendering()
