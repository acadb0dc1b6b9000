"""How a correlation with image borders is laid on a circular grid: which taps matter, and how long the grid must be.

Everything here is a statement about one axis, in whole pixels, and needs no tensor.
"""

from dataclasses import dataclass


def fast_length(least: int) -> int:
    """The smallest length of at least `least` whose prime factors are 2, 3, 5 and 7.

    >>> fast_length(67), fast_length(128), fast_length(1)
    (70, 128, 1)
    """
    length = max(least, 1)
    while True:
        rest = length
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1


@dataclass(frozen=True)
class Axis:
    """One axis of y[r] = Σ_o w[o] x[r + o] for 0 <= r < size, as a circular correlation on `grid` points.

    Attributes:
        first, last: the offsets o, in pixels, of the first and the last tap.
        grid: length of the circular grid.
        size: pixels of the output.
    """

    first: int
    last: int
    grid: int
    size: int


def circular_axis(n: int, first: int, last: int, size: int) -> Axis:
    """An image that continues periodically: the grid is the image, and taps beyond it wrap around.

    >>> circular_axis(8, first=-2, last=2, size=8)
    Axis(first=-2, last=2, grid=8, size=8)
    """
    return Axis(first, last, n, size)


def linear_axis(n: int, first: int, last: int, size: int) -> Axis:
    """An image of n pixels that continues with zeros.

    Output pixel r reads x[r + o], so a tap outside -(size - 1) <= o <= n - 1 only ever meets zeros and is dropped. What
    is left reads `left` zeros before the image and `right` after it. On the circle both may be the same zeros: a grid
    of n + max(left, right) points is exact; n + left + right would be needed if they were kept apart. The grid is made
    even as well as smooth: real FFTs of odd length take up to half as long again.

    >>> linear_axis(64, first=-5, last=5, size=64)
    Axis(first=-5, last=5, grid=70, size=64)
    >>> linear_axis(4, first=-50, last=50, size=4)
    Axis(first=-3, last=3, grid=8, size=4)
    """
    first = min(max(first, 1 - size), n - 1)
    last = max(min(last, n - 1), 1 - size)
    left = max(0, -first)
    right = max(0, size - 1 + last - (n - 1))
    least = max(n + max(left, right), size)
    return Axis(first, last, 2 * fast_length((least + 1) // 2), size)
