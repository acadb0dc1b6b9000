"""The exercises of the chapters: each has one folded solution; what code in the prose computes is what it says."""

import doctest
import json
import re
from pathlib import Path

import pytest
import torch

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EXERCISE = r"^`{3,}\{exercise\}.*\n:label: (\S+)$"
SOLUTION = r"^(`{3,})\{solution\} (\S+)\n:class: dropdown\n(.*?)\n\1$"


def prose(path: Path) -> str:
    cells = json.loads(path.read_text())["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


TEXTS = {path.stem: prose(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
CHAPTERS = [chapter for chapter, text in TEXTS.items() if "{exercise}" in text]
EXAMPLES = {
    f"{path.stem}, cell {number}": source
    for path in sorted(NOTEBOOKS.glob("*.ipynb"))
    for number, cell in enumerate(json.loads(path.read_text())["cells"])
    if cell["cell_type"] == "markdown" and ">>> " in (source := "".join(cell["source"]))
}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_is_followed_by_its_folded_solution(chapter: str) -> None:
    exercises = re.findall(EXERCISE, TEXTS[chapter], flags=re.MULTILINE)
    solutions = re.findall(SOLUTION, TEXTS[chapter], flags=re.MULTILINE | re.DOTALL)
    assert 2 <= TEXTS[chapter].count("{exercise}") <= 3
    assert TEXTS[chapter].count("{solution}") == TEXTS[chapter].count("{exercise}")
    assert exercises == [label for _, label, _ in solutions]


@pytest.mark.parametrize("place", EXAMPLES)
def test_what_code_in_the_prose_computes_is_what_it_says(place: str) -> None:
    torch.manual_seed(0)
    text = EXAMPLES[place].replace("\n```", "\n")  # a fence ends what is expected
    example = doctest.DocTestParser().get_doctest(text, {}, place, None, 0)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example).failed == 0
