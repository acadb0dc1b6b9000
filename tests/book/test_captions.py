"""What a notebook shows as a figure or a table has a caption, and a name by which pages refer to its number."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
TABLES = re.compile(r"\.table\(|not_run\(\)|not_above|searched\(")


def figures(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The code of every cell and its figure, {} without one."""
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"]), cell["metadata"].get("mystnb", {}).get("figure", {})


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: str(path.stem))
def test_tables_and_nothing_else_are_named_so(path: Path) -> None:
    for source, figure in figures(path):
        named = figure.get("name", "").startswith("tab-")
        assert named == bool(TABLES.search(source)), source
        assert figure.get("caption", "").endswith(".") == bool(figure), source


def test_names_are_used_once() -> None:
    names = [figure["name"] for path in NOTEBOOKS for _, figure in figures(path) if figure]
    assert len(set(names)) == len(names)
    assert {name.split("-")[0] for name in names} == {"fig", "tab"}
