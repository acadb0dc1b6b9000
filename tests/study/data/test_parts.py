import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourierconv.study.data.parts import NUMERICS, held_out, in_turn, rows

# of two classes of ten: the first eight rows in turn, and those held out, by NUMERICS
GOLDEN = {1: ([4, 19, 6, 13, 2, 16, 3, 11], [1, 9, 14, 15])}

LABELS = st.lists(st.integers(0, 4), min_size=1, max_size=80).map(np.array)


def kept(labels: np.ndarray, count: int | None, validation: bool) -> list[int]:
    return rows(labels, count, validation)[0].tolist()


def test_parts_are_those_that_results_were_computed_from() -> None:
    labels = np.arange(20) // 10
    found = (in_turn(labels)[:8].tolist(), np.flatnonzero(held_out(labels)).tolist())
    assert GOLDEN.get(NUMERICS) == found, "the parts changed: raise NUMERICS in parts.py, and add the rows here"


@given(labels=LABELS)
def test_everything_is_every_row_in_its_place(labels: np.ndarray) -> None:
    assert kept(labels, None, validation=False) == list(range(len(labels)))
    assert sorted(in_turn(labels)) == list(range(len(labels)))


@given(labels=LABELS, validation=st.booleans(), data=st.data())
def test_fewer_images_are_the_first_of_more(labels: np.ndarray, validation: bool, data: st.DataObject) -> None:
    available = len(kept(labels, None, validation))
    more = data.draw(st.integers(1, available))
    fewer = data.draw(st.integers(1, more))
    assert kept(labels, fewer, validation) == kept(labels, more, validation)[:fewer]


@given(labels=LABELS, data=st.data())
def test_a_subset_is_as_balanced_as_the_classes_allow(labels: np.ndarray, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(labels)))
    available = np.bincount(labels)
    taken = np.bincount(labels[kept(labels, count, validation=False)], minlength=len(available))
    # a class has at most one image less than another, unless all of it is taken
    assert np.all((taken >= taken.max() - 1) | (taken == available))


@given(labels=LABELS)
def test_the_held_out_part_is_a_fifth_of_every_class(labels: np.ndarray) -> None:
    train, held = rows(labels, None, validation=True)
    assert sorted([*train, *held]) == list(range(len(labels)))
    assert np.bincount(labels[held], minlength=5).tolist() == [round(0.2 * np.sum(labels == c)) for c in range(5)]


@pytest.mark.parametrize("count", [1, 10, 55, 80])
def test_a_subset_is_the_same_with_and_without_a_held_out_part(count: int) -> None:
    labels = np.random.default_rng(1).permutation(np.arange(100) % 10)
    assert kept(labels, count, validation=True) == kept(labels, count, validation=False)


@pytest.mark.parametrize(("validation", "available"), [(False, 20), (True, 16)])
def test_more_images_than_there_are_is_refused(validation: bool, available: int) -> None:
    message = f"^train must be at most {available}, the number of training images, got {available + 1}$"
    with pytest.raises(ValueError, match=message):
        rows(np.arange(20) // 10, available + 1, validation)
