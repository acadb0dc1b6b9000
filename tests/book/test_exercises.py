"""The code in the chapters' prose, where it shows what it prints, prints that."""

import doctest
import json
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOLUTIONS = {
    f"{path.stem}, cell {number}": source
    for path in sorted(NOTEBOOKS.glob("*.ipynb"))
    for number, cell in enumerate(json.loads(path.read_text())["cells"])
    if cell["cell_type"] == "markdown" and ">>> " in (source := "".join(cell["source"]))
}


@pytest.mark.parametrize("place", SOLUTIONS)
def test_what_is_printed(place: str) -> None:
    text = SOLUTIONS[place].replace("```", "\n")  # a fence ends what is expected
    test = doctest.DocTestParser().get_doctest(text, {}, place, None, 0)
    report: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(test, out=report.append).failed == 0, "".join(report)
