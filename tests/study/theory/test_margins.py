import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fourierconv.study.theory.margins import grid_errors


@settings(deadline=None, max_examples=40)
@given(n=st.integers(4, 24), kernel_size=st.integers(2, 9), data=st.data())
def test_shared_margins_are_enough_and_one_point_less_is_not(n: int, kernel_size: int, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, kernel_size - 1))
    right = kernel_size - 1 - left  # the output is as large as the image
    enough = n + max(left, right)
    exact, short = grid_errors(n, kernel_size, (left, right), [enough, enough - 1], seed=1)
    assert exact < 1e-13
    assert short > 1e-9


def test_a_grid_shorter_than_the_output_is_refused() -> None:
    with pytest.raises(ValueError, match=r"grids=\[18, 17\] must all have at least 18 points"):
        grid_errors(16, 3, (2, 2), [18, 17], seed=0)
