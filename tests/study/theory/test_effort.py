import pytest

from fourierconv.study.store import StudyError
from fourierconv.study.theory import effort


def test_the_full_profile_measures_more_of_everything() -> None:
    quick, full = effort.get("quick"), effort.get("full")
    assert max(full.image_sizes) > max(quick.image_sizes)
    assert full.kernels > quick.kernels
    assert full.channels > quick.channels >= 64


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(StudyError, match="'quik' is unknown; choose from quick, tuning, pilot, full"):
        effort.get("quik")


def test_another_profile_measures_as_much_as_quick() -> None:
    assert effort.get("pilot") == effort.get("quick")
