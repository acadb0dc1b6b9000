"""The exercises of the chapters: each has one folded solution, and what a solution computes is what it says."""

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
SOLUTIONS = {
    label: text
    for chapter in CHAPTERS
    for _, label, text in re.findall(SOLUTION, TEXTS[chapter], flags=re.MULTILINE | re.DOTALL)
}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_is_followed_by_its_folded_solution(chapter: str) -> None:
    exercises = re.findall(EXERCISE, TEXTS[chapter], flags=re.MULTILINE)
    solutions = re.findall(SOLUTION, TEXTS[chapter], flags=re.MULTILINE | re.DOTALL)
    assert 2 <= TEXTS[chapter].count("{exercise}") <= 3
    assert TEXTS[chapter].count("{solution}") == TEXTS[chapter].count("{exercise}")
    assert exercises == [label for _, label, _ in solutions]


@pytest.mark.parametrize("label", [label for label, text in SOLUTIONS.items() if ">>>" in text])
def test_what_a_solution_computes_is_what_it_says(label: str) -> None:
    torch.manual_seed(0)
    example = doctest.DocTestParser().get_doctest(SOLUTIONS[label].replace("\n```", "\n"), {}, label, None, 0)
    assert example.examples
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert result.failed == 0
