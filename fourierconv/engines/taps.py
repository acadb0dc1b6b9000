"""The spectra of taps by FFT, which for many taps is cheaper than Fourier matrices are.

The map is linear, from real taps to half spectra whose memory has the frequencies first, and it is its own derivative;
its adjoint is an inverse FFT.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from fourierconv.engines.contraction import Contraction
from fourierconv.engines.tiles import Tiles
from fourierconv.grid import Axis


def can_transform(axes: Sequence[Axis]) -> bool:
    """Whether taps lie equidistantly on a single phase of every axis."""
    return all(axis.stride == 1 and axis.folds is None and axis.first <= axis.last for axis in axes)


def transform(taps: Tensor, axes: Sequence[Axis], mirrored: bool = False, last: bool = False) -> Tensor:
    """Half spectra of taps as `axes` lay them on their grids.

    Args:
        taps: real, (out, in/groups, *taps).
        axes: for which `can_transform` holds.
        mirrored: whether taps are mirrored, for a transposed convolution.
        last: whether the memory has the frequencies last, and not first.

    Returns:
        Complex, (out, in/groups, *half).

    >>> from fourierconv.grid import linear_axis
    >>> transform(torch.ones(1, 1, 3), [linear_axis(4, first=-1, last=1, size=4)])[0, 0, 0].real
    tensor(3.)
    """
    grid, starts, steps = [], [], []
    for axis in axes:
        sign = -1 if mirrored else 1
        first = axis.start + axis.step * axis.first - (0 if axis.reads is None else axis.reads[0])
        grid.append(axis.grid)
        starts.append(sign * first + axis.lead)
        steps.append(sign * axis.step)
    return _Transform.apply(taps, grid, starts, steps, last)


class _Transform(torch.autograd.Function):
    """Taps to half spectra."""

    @staticmethod
    def forward(taps: Tensor, grid: list[int], starts: list[int], steps: list[int], last: bool) -> Tensor:
        """(out, in, *taps) -> (out, in, *half)."""

        def place(own: Tensor) -> Tensor:
            for axis, run in enumerate(zip(grid, starts, steps, strict=True), 2):
                own = _onto_circle(own, axis, *run)
            return own[(slice(None), slice(None), *[None] * len(grid))]

        if last:
            circles = place(taps).reshape(*taps.shape[:2], *grid)
            return torch.fft.rfftn(circles, dim=tuple(range(-len(grid), 0))).contiguous()
        contraction = _contraction(taps, grid)
        spectra = contraction.blank(taps.new_empty(0, dtype=taps.dtype.to_complex()), taps.shape[0], taps.shape[1])
        contraction.analyse(place, taps, spectra)
        return contraction.channels_first(spectra).data

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Sizes are all that is needed."""
        taps, ctx.grid, ctx.starts, ctx.steps, ctx.last = inputs
        ctx.size = list(taps.shape[2:])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The adjoint."""
        return _Adjoint.apply(grad, ctx.grid, ctx.starts, ctx.steps, ctx.size, ctx.last), *(None,) * 4

    @staticmethod
    def jvp(ctx: Any, along: Tensor, *_: None) -> Tensor:
        """The map is linear."""
        return _Transform.apply(along, ctx.grid, ctx.starts, ctx.steps, ctx.last)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, ...], taps: Tensor, *sizes: list[int] | bool) -> tuple[Tensor, int]:
        """More output channels."""
        taps = taps.movedim(in_dims[0], 0)
        return _Transform.apply(taps.flatten(0, 1), *sizes).unflatten(0, taps.shape[:2]), 0


class _Adjoint(torch.autograd.Function):
    """Half spectra to taps: the real part of the sum over the half spectrum, which counts every column once."""

    @staticmethod
    def forward(
        spectra: Tensor, grid: list[int], starts: list[int], steps: list[int], size: list[int], last: bool
    ) -> Tensor:
        """(out, in, *half) -> (out, in, *size)."""
        half = Tiles.whole(tuple(grid), tuple(grid)).half
        once = [0, half[-1] - 1] if grid[-1] % 2 == 0 else [0]

        def evenly(own: Tensor) -> Tensor:  # (frequency, ...); an inverse real FFT counts other columns twice
            own = own.clone(memory_format=torch.contiguous_format)
            for column in once:
                own.unflatten(0, half).select(len(half) - 1, column).mul_(2)
            return own

        def pick(own: Tensor) -> Tensor:
            own = own.reshape(*own.shape[:2], *grid)
            for axis, run in enumerate(zip(grid, starts, steps, size, strict=True), 2):
                own = _off_circle(own, axis, *run)
            return own

        if last:
            counted = spectra.clone(memory_format=torch.contiguous_format)
            for column in once:
                counted.select(-1, column).mul_(2)
            grids = torch.fft.irfftn(counted, s=grid, dim=tuple(range(-len(grid), 0)))
            return pick(grids).mul_(math.prod(grid) / 2)
        contraction = _contraction(spectra, grid)
        taps = spectra.real.new_empty(*spectra.shape[:2], *size)
        leading = contraction.frequency_first(spectra)  # (frequency, 1, out, in): rows are output channels
        contraction.synthesise(leading, pick, taps, evenly)
        return taps.mul_(math.prod(grid) / 2)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Sizes are all that is needed."""
        _, ctx.grid, ctx.starts, ctx.steps, ctx.size, ctx.last = inputs

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The adjoint."""
        return _Transform.apply(grad, ctx.grid, ctx.starts, ctx.steps, ctx.last), *(None,) * 5

    @staticmethod
    def jvp(ctx: Any, along: Tensor, *_: None) -> Tensor:
        """The map is linear."""
        return _Adjoint.apply(along, ctx.grid, ctx.starts, ctx.steps, ctx.size, ctx.last)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int, ...], spectra: Tensor, *sizes: list[int] | bool) -> tuple[Tensor, int]:
        """More output channels."""
        spectra = spectra.movedim(in_dims[0], 0)
        return _Adjoint.apply(spectra.flatten(0, 1), *sizes).unflatten(0, spectra.shape[:2]), 0


def _contraction(kernels: Tensor, grid: list[int]) -> Contraction:
    """Kernels as images: output channels are the batch."""
    size = tuple(grid)
    return Contraction(Tiles.whole(size, size), 1, kernels.shape[0], kernels.shape[1])


def _runs(n: int, start: int, step: int, count: int) -> Iterator[tuple[int, int, int]]:
    """Taps on a circle of n pixels, in runs that do not go around it: first tap, number of taps, first pixel."""
    tap, pixel = 0, start % n
    while tap < count:
        length = min(count - tap, (n - 1 - pixel) // step + 1 if step > 0 else pixel // -step + 1)
        yield tap, length, pixel
        tap, pixel = tap + length, (pixel + length * step) % n


def _onto_circle(taps: Tensor, axis: int, n: int, start: int, step: int) -> Tensor:
    """Taps along one axis, each `step` pixels after the one before, on a circle of n pixels."""
    shape = list(taps.shape)
    shape[axis] = n
    circle = taps.new_zeros(shape)
    for tap, length, pixel in _runs(n, start, step, taps.shape[axis]):
        own = taps.narrow(axis, tap, length)
        _slice(circle, axis, pixel, step, length).add_(own if step > 0 else own.flip(axis))
    return circle


def _off_circle(circle: Tensor, axis: int, n: int, start: int, step: int, count: int) -> Tensor:
    """The adjoint of `_onto_circle`."""
    parts = []
    for _, length, pixel in _runs(n, start, step, count):
        own = _slice(circle, axis, pixel, step, length)
        parts.append(own if step > 0 else own.flip(axis))
    return torch.cat(parts, axis)


def _slice(circle: Tensor, axis: int, pixel: int, step: int, length: int) -> Tensor:
    """`length` pixels from `pixel` on, in ascending order."""
    first = pixel if step > 0 else pixel + step * (length - 1)
    return circle[(slice(None),) * axis + (slice(first, first + abs(step) * (length - 1) + 1, abs(step)),)]
