import pytest

from fourierconv.study.claims import CLAIMS, read_expected
from fourierconv.study.readme import BEGIN, END, SHOWN, answers, replace
from fourierconv.study.statistics import interval
from fourierconv.study.store import StudyError, repository_root


def test_the_table_shows_each_claim_with_its_interval() -> None:
    table = answers(CLAIMS, {name: interval([1.0, 2.0, 3.0]) for name in SHOWN})
    assert len(table.splitlines()) == 2 + len(SHOWN)
    assert all("2.0" in line for line in table.splitlines()[2:])


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    assert replace(f"a\n{BEGIN}old\n{END}\nb\n", "new\n") == f"a\n{BEGIN}new\n{END}\nb\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_marks_that_are_missing_or_doubled_are_an_error(text: str) -> None:
    with pytest.raises(StudyError, match=r"README\.md must hold"):
        replace(text, "new\n")


def test_the_readme_shows_the_committed_claims() -> None:
    root = repository_root()
    text = (root / "README.md").read_text()
    committed = read_expected(root / "book" / "results" / "quick" / "claims.csv")
    assert replace(text, answers(CLAIMS, committed)) == text
