"""The README's blocks are those of the committed results, and nothing outside their marks is touched."""

import re
from pathlib import Path

import pytest

from fourierconv.study import readme
from fourierconv.study.claims import CLAIMS
from fourierconv.study.figures import style
from fourierconv.study.readme import MARKS, SHOWN, answers, cost, line_times, protocol_answers, replace, times
from fourierconv.study.statistics import interval
from fourierconv.study.store import StudyError, repository_root
from tests.study import protocol_runs
from tests.study.protocol_runs import exact

BEGIN, END = MARKS["answers"]


def test_the_table_shows_each_claim_with_its_interval() -> None:
    table = answers(CLAIMS, {name: interval([1.0, 2.0, 3.0]) for name in SHOWN})
    assert len(table.splitlines()) == 2 + len(SHOWN)
    assert all("2.0" in line for line in table.splitlines()[2:])


def test_the_protocols_answers_follow_the_runs(tmp_path: Path) -> None:
    before = protocol_answers(tmp_path / "full")
    assert "runs 0 are done" in before
    assert before.count("**is not answered yet (0 of 6 cases)**") == 2
    assert before.splitlines()[-1].count(" waits for runs |") == 2
    protocol_runs.write(tmp_path, "full", measured=exact)
    after = protocol_answers(tmp_path / "full")
    assert after.count("**holds**. It holds ") == 2
    assert len(re.findall(r"\| [+-][0-9.]+ points \[.*?\]: \*", after.splitlines()[-3])) == 2
    assert after.splitlines()[-1].startswith(
        "One scale per channel falls behind classic 5×5 kernels on the same images"
    )


def test_times_are_those_of_the_benchmark() -> None:
    lines = times(repository_root() / "book" / "results" / "bench").splitlines()
    assert [line.split(" ")[1] for line in lines[2:7]] == ["3×3", "7×7", "11×11", "21×21", "31×31"]
    assert lines[-1].startswith("Forward and backward, 32 to 32 channels, 128×128 pixels, batch 4, float32, medians.")


def test_times_of_sequences_are_those_of_theirs() -> None:
    lines = line_times(repository_root() / "book" / "results" / "sequences").splitlines()
    assert [line.split(" ")[1] for line in lines[2:7]] == ["3", "9", "31", "101", "1001"]
    torch, ours, ratio = (float(own) for own in re.findall(r"[0-9.]+(?= ms| \|$)", lines[6]))
    assert ratio == pytest.approx(torch / ours, rel=0.02)  # of rounded times
    assert lines[-1].startswith("32 to 32 channels, 4096 samples, batch 8, float32, medians. ")


def test_the_cost_is_that_of_the_committed_runs() -> None:
    assert " of one core on " in cost(repository_root() / "book" / "results" / "quick")


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    assert replace(f"a\n{BEGIN}old\n{END}\nb\n", "answers", "new\n") == f"a\n{BEGIN}new\n{END}\nb\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_marks_that_are_missing_or_doubled_are_an_error(text: str) -> None:
    with pytest.raises(StudyError, match=r"README\.md must hold"):
        replace(text, "answers", "new\n")


def test_the_readme_shows_what_is_committed() -> None:
    root = repository_root()
    text = (root / "README.md").read_text()
    assert readme.written(text, root) == text


def test_the_figure_is_the_one_that_is_drawn(tmp_path: Path) -> None:
    """But for the images in it, whose last bits depend on the processor."""
    style.save(readme.figure(), tmp_path / "drawn.svg")
    drawn, committed = (
        re.sub(r"base64,[^\"]*", "", path.read_text())
        for path in (tmp_path / "drawn.svg", repository_root() / readme.FIGURE)
    )
    assert drawn == committed
