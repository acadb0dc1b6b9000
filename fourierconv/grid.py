"""How a correlation with image borders is laid on a circular grid: which taps matter, and how long the grid must be.

Everything here is a statement about one axis, in whole pixels. A stride s needs no code of its own: with the image
split into its s phases, x_a[m] = x[s·m + a], a strided correlation is a plain one of s times as many channels,

    y[r] = Σ_o w[o] x[s·r + o] = Σ_a Σ_b w[s·b + a] x_a[r + b],

on a grid s times shorter. In frequency this is the sum over the s aliases that decimation folds onto each other.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from fourierconv.borders import period

LISTED = 2**40  # up to which fast lengths are listed


def fast_length(least: int) -> int:
    """The smallest length of at least `least` whose prime factors are 2, 3, 5 and 7.

    >>> fast_length(67), fast_length(128), fast_length(1)
    (70, 128, 1)
    """
    if least <= LISTED and not torch.compiler.is_compiling():
        lengths = _fast_lengths()
        return lengths[bisect_left(lengths, least)]
    shortest = bound = 2 * max(least, 1)
    odd = [1]  # the products of 3, 5 and 7 below the bound; the loop reads what it appends
    for prime in (3, 5, 7):
        for length in odd:
            if length * prime < bound:
                odd.append(length * prime)
    for length in odd:
        while length < least:
            length *= 2
        shortest = min(shortest, length)
    return shortest


@lru_cache(maxsize=1)
def _fast_lengths() -> list[int]:
    """All up to `LISTED`, in their order."""
    found = [1]
    for prime in (2, 3, 5, 7):
        for length in found:  # reads what it appends
            if length * prime <= LISTED:
                found.append(length * prime)
    return sorted(found)


@dataclass(frozen=True)
class Axis:
    """One axis of y[r] = Σ_i w[i] x[stride·r + start + step·i] for 0 <= r < size, as circular correlations of phases.

    Attributes:
        first, last: the first and the last tap i that matters; none does where last < first.
        grid: length of each phase's circular grid.
        size: pixels of the output.
        start: offset of tap 0, in pixels.
        step: pixels from one tap to the next, the dilation.
        stride: pixels from one output to the next, the number of phases.
        reads: first and last pixel of the extended image that is read, where the border is not zeros and not the grid's
            own circle; offsets then count from the first of them.
        folds: 'wrap' or 'clamp' where taps reach farther than any other tap's pixel: they are added to that one.
        span: the least and the largest offset after folding.
        lead: points of a phase that the grid begins before the image; without it negative offsets wrap around.
    """

    first: int
    last: int
    grid: int
    size: int
    start: int = 0
    step: int = 1
    stride: int = 1
    reads: tuple[int, int] | None = None
    folds: str | None = None
    span: tuple[int, int] = (0, 0)
    lead: int = 0

    @property
    def reach(self) -> tuple[int, int]:
        """The least and the largest offset of a linear correlation, in points of a phase."""
        low, high = self.span
        if self.folds is None:
            low, high = self.start + self.step * self.first, self.start + self.step * self.last
        if self.reads is not None:
            low, high = low - self.reads[0], high - self.reads[0]
        return low // self.stride, high // self.stride

    def offsets(self, taps: Tensor) -> Tensor:
        """Pixels from stride·r to what each of these taps reads."""
        offsets = self.start + self.step * taps
        low, high = self.span
        if self.folds == "wrap":
            offsets = (offsets - low).remainder(high - low + 1) + low
        elif self.folds == "clamp":
            offsets = offsets.clamp(low, high)
        return offsets if self.reads is None else offsets - self.reads[0]


def tiled(axis: Axis, points: int, outputs: int, mirrored: bool = False) -> tuple[Axis, int, int]:
    """The same correlation in tiles: a tile that is as long as the kernel's reach has that many outputs less.

    Args:
        axis: of a linear correlation on the whole image.
        points: outputs of a phase.
        outputs: that a tile has at least.
        mirrored: whether the taps are mirrored, for a transposed convolution.

    Returns:
        The axis, how many outputs a tile has, and how many tiles there are.

    >>> whole = linear_axis(64, first=-5, last=5, size=64)
    >>> axis, outputs, count = tiled(whole, 64, 20)
    >>> axis.grid, axis.lead, outputs, count
    (30, 5, 20, 4)
    """
    low, high = axis.reach
    if mirrored:
        low, high = -high, -low
    grid = 2 * fast_length((outputs + high - low + 1) // 2)
    outputs = grid - (high - low)
    return replace(axis, grid=grid, lead=-low), outputs, -(-points // outputs)


def circular_axis(n: int, first: int, last: int, size: int, start: int = 0, step: int = 1, stride: int = 1) -> Axis:
    """An image that continues periodically: the grid is the image, and taps beyond it wrap around.

    Where the stride does not divide the image its phases have no circle of their own; the image is then wrapped into a
    linear grid.

    >>> circular_axis(8, first=-2, last=2, size=8)
    Axis(first=-2, last=2, grid=8, size=8, start=0, step=1, stride=1, reads=None, folds=None, span=(0, 0), lead=0)
    >>> circular_axis(9, first=-2, last=2, size=5, stride=2).reads
    (-2, 10)
    """
    if n % stride:
        return extended_axis("circular", n, first, last, size, start, step, stride)
    return Axis(first, last, n // stride, size, start, step, stride)


def linear_axis(n: int, first: int, last: int, size: int, start: int = 0, step: int = 1, stride: int = 1) -> Axis:
    """An image of n pixels that continues with zeros.

    Output pixel r reads x[stride·r + o], so a tap outside -stride·(size - 1) <= o <= n - 1 only ever meets zeros and is
    dropped. What is left reads `left` zeros before the image and `right` after it. On the circle both may be the same
    zeros: a grid of n + max(left, right) points is exact; n + left + right would be needed if they were kept apart. The
    grid is made even as well as smooth: real FFTs of odd length take up to half as long again.

    >>> axis = linear_axis(64, first=-5, last=5, size=64)
    >>> axis.first, axis.last, axis.grid
    (-5, 5, 70)
    >>> axis = linear_axis(4, first=-50, last=50, size=4)
    >>> axis.first, axis.last, axis.grid
    (-3, 3, 8)
    >>> linear_axis(64, first=0, last=6, size=32, start=-3, stride=2).grid  # of each of the two phases
    36
    """
    first = max(first, -((start + stride * (size - 1)) // step))
    last = min(last, (n - 1 - start) // step)
    phase = -(-n // stride)
    left = right = 0
    if first <= last:
        left = max(0, -((start + step * first) // stride))
        right = max(0, size - 1 + (start + step * last) // stride - (phase - 1))
    least = max(phase + max(left, right), size)
    return Axis(first, last, 2 * fast_length((least + 1) // 2), size, start, step, stride)


def extended_axis(
    mode: str, n: int, first: int, last: int, size: int, start: int = 0, step: int = 1, stride: int = 1
) -> Axis:
    """An image of n pixels that continues as `borders.extend` makes it: 'circular', 'reflect' or 'replicate'.

    The pixels that are read are made first, and the rest is a linear correlation. A kernel of any length reads at most
    one period, or the edge: its farther taps fall on the same pixels and are added up.

    >>> extended_axis("reflect", 8, first=-2, last=2, size=8).reads
    (-2, 9)
    >>> extended_axis("replicate", 8, first=-99, last=99, size=8).reads
    (-7, 14)
    """
    span, folds = (start + step * first, start + step * last), None
    if mode == "replicate":
        low, high = -stride * (size - 1), n - 1
        if span[0] < low or span[1] > high:
            folds, span = "clamp", (min(max(span[0], low), high), max(min(span[1], high), low))
    elif span[1] - span[0] >= period(mode, n):
        folds, span = "wrap", (-(period(mode, n) // 2), (period(mode, n) - 1) // 2)
    reads = (span[0], stride * (size - 1) + span[1])
    inner = linear_axis(reads[1] - reads[0] + 1, 0, span[1] - span[0], size, stride=stride)
    return replace(inner, first=first, last=last, start=start, step=step, reads=reads, folds=folds, span=span)
