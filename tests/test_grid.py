"""The grid of one axis: long enough to be exact, and no longer than two margins that share their zeros need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourierconv.grid import LISTED, Axis, circular_axis, fast_length, linear_axis


def is_smooth(length: int) -> bool:
    for prime in (2, 3, 5, 7):
        while length % prime == 0:
            length //= prime
    return length == 1


def linear(image: list[int], taps: dict[int, int], size: int) -> list[int]:
    """y[r] = Σ_o w[o] x[r + o] with zeros around the image, by the sum itself."""
    inside = range(len(image))
    return [sum(w * image[r + o] for o, w in taps.items() if r + o in inside) for r in range(size)]


def circular(image: list[int], taps: dict[int, int], axis: Axis) -> list[int]:
    """The same on the circle that `axis` lays out, with the taps that it keeps."""
    extended = image + [0] * (axis.grid - len(image))
    kept = {o: w for o, w in taps.items() if axis.first <= o <= axis.last}
    return [sum(w * extended[(r + o) % axis.grid] for o, w in kept.items()) for r in range(axis.size)]


@given(st.integers(1, 5000))
def test_fast_length_is_the_next_smooth_one(least: int) -> None:
    length = fast_length(least)
    assert length >= least
    assert is_smooth(length)
    assert not any(is_smooth(shorter) for shorter in range(least, length))


@given(st.integers(1, LISTED))
def test_listed_lengths_are_those_that_are_found_without_the_list(least: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        listed = fast_length(least)
        patch.setattr("fourierconv.grid.LISTED", 0)
        assert fast_length(least) == listed


def test_fast_length_takes_no_search() -> None:
    length = fast_length(2**62 + 1)
    assert 2**62 < length < 1.01 * 2**62
    assert is_smooth(length)


@given(data=st.data(), n=st.integers(1, 12), padding=st.integers(0, 12))
def test_a_linear_correlation_is_exact_on_its_grid(data: st.DataObject, n: int, padding: int) -> None:
    k = data.draw(st.integers(1, n + 2 * padding), label="kernel")
    image = data.draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n), label="image")
    weights = data.draw(st.lists(st.integers(1, 9), min_size=k, max_size=k), label="weights")
    size = n + 2 * padding - k + 1
    taps = dict(enumerate(weights, start=-padding))
    axis = linear_axis(n, -padding, k - 1 - padding, size)
    assert circular(image, taps, axis) == linear(image, taps, size)
    assert -padding <= axis.first <= axis.last <= k - 1 - padding


@given(data=st.data(), n=st.integers(1, 12), reach=st.integers(0, 40))
def test_kernels_that_reach_beyond_the_image_are_exact_too(data: st.DataObject, n: int, reach: int) -> None:
    image = data.draw(st.lists(st.integers(-9, 9), min_size=n, max_size=n), label="image")
    taps = {o: 1 + o % 7 for o in range(-reach, reach + 1)}
    axis = linear_axis(n, -reach, reach, n)
    assert circular(image, taps, axis) == linear(image, taps, n)
    assert axis.grid <= 2 * fast_length(n)  # however far it reaches


@pytest.mark.parametrize(
    ("n", "first", "last", "size", "longest"),
    [
        (64, -2, 2, 64, 70),
        (64, -31, 31, 64, 96),  # two margins of their own would need 126
        (128, -8, 8, 128, 140),
        (64, 0, 30, 34, 64),  # 'valid' reads no zeros
        (64, -30, 0, 94, 96),  # 'full' on one side
    ],
)
def test_both_margins_share_their_zeros(n: int, first: int, last: int, size: int, longest: int) -> None:
    axis = linear_axis(n, first, last, size)
    assert axis.grid <= longest
    assert is_smooth(axis.grid)
    assert (axis.first, axis.last, axis.size) == (first, last, size)


def test_a_circular_axis_is_the_image_itself() -> None:
    assert circular_axis(7, -20, 20, 9) == Axis(first=-20, last=20, grid=7, size=9)
