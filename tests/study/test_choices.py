import pytest

from fourierconv.study.choices import integers, require_known, require_seeds
from fourierconv.study.store import StudyError


@pytest.mark.parametrize("value", ["[32, 96]", [32, 96], (32, 96)])
def test_lists_of_integers_are_read_from_text_too(value: object) -> None:
    assert integers(value) == [32, 96]  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["32, 96", "[]", "[32.5]", '["32"]', "[true]", "32", 32, None])
def test_what_is_no_list_of_integers_is_named(value: object) -> None:
    with pytest.raises(StudyError, match="must be a list of integers"):
        integers(value)  # type: ignore[arg-type]


def test_names_and_seeds() -> None:
    require_known("input", ["white"], ["white", "1/f"])
    with pytest.raises(StudyError, match="input 'pink' is unknown; choose from white, 1/f"):
        require_known("input", ["white", "pink"], ["white", "1/f"])
    require_seeds(1)
    with pytest.raises(StudyError, match="seeds=0 must be at least 1"):
        require_seeds(0)
