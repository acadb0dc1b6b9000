"""Where a contraction gets the spectra of the kernels, a part of the frequencies at a time, and where gradients go.

They are given whole; or generated from a few coefficients, so that no more than a part of them is ever in memory, and
the gradient goes straight to the coefficients; or transforms of taps.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import torch
from torch import Tensor

from fourierconv.engines.contraction import evenly
from fourierconv.engines.launch import EXPAND, HalfWeights, Layout, expand, gather, laid_out
from fourierconv.engines.tiles import Tiles
from fourierconv.engines.transforms import analyse, synthesise
from fourierconv.separable import combine

PART = 2**27  # bytes of spectra that are generated at a time
LEAST = 2 * EXPAND.lines  # lines of the first axis at a time at least


class KernelSpectra(Protocol):
    """Spectra Ŵ of kernels, (out, in/groups, *half), in parts; a part is a slice of their frequencies."""

    def parts(self) -> Iterator[slice]:
        """All frequencies, once."""
        ...

    def spectra(self, part: slice) -> Tensor:
        """(out, in/groups, frequencies of the part), contiguous."""
        ...

    def half_weights(self) -> HalfWeights | None:
        """How gradients with respect to columns count; None where each counts once."""
        ...

    def collect(self, part: slice, gradient: Tensor) -> None:
        """Take the gradient of a part, (out, in/groups, frequencies of the part), contiguous."""
        ...

    def release(self) -> None:
        """No more spectra will be asked for: those that were made are freed."""
        ...


@lru_cache(maxsize=256)
def _whole(grid: tuple[int, ...]) -> Tiles:
    return Tiles.whole(grid, grid)


@lru_cache(maxsize=256)
def half_weights(tiles: Tiles) -> HalfWeights:
    """Of gradients with respect to half spectra."""
    grid, columns = tiles.grid, tiles.half[-1]
    return HalfWeights(columns, columns - 1 if grid[-1] % 2 == 0 else -1, 1 / math.prod(grid))


@dataclass
class Given:
    """Spectra that are there, whole; the gradient is another one."""

    tiles: Tiles
    spectrum: Tensor
    gradient: Tensor | None = None

    def parts(self) -> Iterator[slice]:
        """One."""
        yield slice(0, self.tiles.frequencies)

    def spectra(self, part: slice) -> Tensor:
        """No copy where frequencies are the last in memory."""
        return self.spectrum.contiguous()

    def half_weights(self) -> HalfWeights:
        """Of a half spectrum."""
        return half_weights(self.tiles)

    def collect(self, part: slice, gradient: Tensor) -> None:
        """As the gradient."""
        self.gradient = gradient.unflatten(2, self.tiles.half)

    def release(self) -> None:
        """They are the caller's."""


@dataclass
class Transformed:
    """Transforms of taps, of which the first lies on pixel 0."""

    tiles: Tiles
    taps: Tensor  # (out, in/groups, *taps)
    kept: Tensor | None = None  # from a forward pass
    gradient: Tensor | None = None

    def parts(self) -> Iterator[slice]:
        """One."""
        yield slice(0, self.tiles.frequencies)

    def spectra(self, part: slice) -> Tensor:
        """By FFT, of taps with zeros behind."""
        if self.kept is None:
            self.kept = analyse(self.taps, self._layout())
        return self.kept

    def half_weights(self) -> None:
        """An inverse FFT has them."""

    def collect(self, part: slice, gradient: Tensor) -> None:
        """By inverse FFT."""
        whole = _whole(self.tiles.grid)
        spectra = gradient.view(*gradient.shape[:2], *whole.count, *whole.half)
        self.gradient = synthesise(spectra, self._layout())

    def release(self) -> None:
        """Those that were kept."""
        self.kept = None

    def finish(self) -> tuple[Tensor | None, ...]:
        """The gradient of the taps."""
        return (self.gradient,)

    def differentiable(self) -> Tensor:
        """All of them, (out, in/groups, *half), by differentiable operations of torch."""
        grid = self.tiles.grid
        return torch.fft.rfftn(self.taps, s=grid, dim=tuple(range(-len(grid), 0)))

    def _layout(self) -> Layout:
        n, grid = tuple(self.taps.shape[2:]), self.tiles.grid
        return laid_out(n, _whole(grid), grid, (0,) * len(grid))


@dataclass
class Generated:
    """Products of coefficients with a matrix per axis, one axis after the other, the last one first.

    All but the first axis are multiplied once. The first one makes the parts: some of its frequencies, with all of the
    other axes'.
    """

    tiles: Tiles
    coefficients: Tensor  # (out, in/groups, *columns)
    matrices: Sequence[Tensor]  # complex (1 or scales, rows, columns) each
    wanted: Sequence[bool] = ()  # which matrices' gradients
    kept: Tensor | None = None

    def __post_init__(self) -> None:
        self.scales = max(matrix.shape[0] for matrix in self.matrices)
        self.channels = self.coefficients.shape[0] // self.scales * self.coefficients.shape[1]
        self.rest = math.prod(self.tiles.half[1:])
        self._stages: list[Tensor] = []  # what each axis is multiplied with, the last one first
        self._sums: Tensor | None = None  # gradient of the last of them
        self._by_first: list[Tensor] = []

    def parts(self) -> Iterator[slice]:
        """Lines of the first axis; of one axis alone, all."""
        if len(self.matrices) == 1:
            yield slice(0, self.tiles.frequencies)
            return
        line = self.scales * self.channels * self.rest * self.coefficients.element_size() * 2
        for lines in evenly(self.tiles.half[0], max(PART // line, LEAST)):
            yield slice(lines.start * self.rest, lines.stop * self.rest)

    def spectra(self, part: slice) -> Tensor:
        """Kept where they are all of them."""
        if self.kept is not None:
            return self.kept
        stages = self._made()
        own = stages[-1] if len(self.matrices) == 1 else expand(self._lines(part), stages[-1])
        own = own.view(*self.coefficients.shape[:2], -1)
        if part.stop - part.start == self.tiles.frequencies:
            self.kept = own
        return own

    def half_weights(self) -> HalfWeights:
        """Of a half spectrum."""
        return half_weights(self.tiles)

    def collect(self, part: slice, gradient: Tensor) -> None:
        """Down to the columns of the first axis."""
        if len(self.matrices) == 1:
            self._sums = gradient.view(self.scales, self.channels, -1)
            return
        own = gradient.view(self.scales, self.channels, -1, self.rest)
        self._sums = gather(self._lines(part), own, self._sums)
        if self.wanted[0]:
            self._by_first.append((own @ self._made()[-1].mH).sum(1))

    def release(self) -> None:
        """Those that were kept."""
        self.kept = None

    def finish(self) -> tuple[Tensor | None, ...]:
        """The gradients of coefficients and matrices."""
        assert self._sums is not None
        by_matrices: list[Tensor | None] = [None] * len(self.matrices)
        if self._by_first:
            by_matrices[0] = torch.cat(self._by_first, 1)
        sums = self._sums
        for axis in range(1, len(self.matrices) - 1):
            sums = sums.reshape(self.scales, -1, self.tiles.half[axis], math.prod(self.tiles.half[axis + 1 :]))
            if self.wanted[axis]:
                by_matrices[axis] = (sums @ self._made()[-1 - axis].mH).sum(1)
            sums = gather(self._matrix(axis), sums)
        pairs = torch.view_as_real(sums).reshape(self.scales, -1, 2 * self.tiles.half[-1])
        by_coefficients = (pairs @ self._real()).view(self.coefficients.shape)
        if self.wanted[-1]:
            own = pairs.mT @ self.coefficients.reshape(self.scales, self._rows(-1), self.coefficients.shape[-1])
            by_matrices[-1] = torch.view_as_complex(own.unflatten(1, (-1, 2)).movedim(2, -1).contiguous())
        shared = (
            own.sum(0, keepdim=True) if own is not None and matrix.shape[0] < own.shape[0] else own
            for own, matrix in zip(by_matrices, self.matrices, strict=True)
        )
        return by_coefficients, *shared

    def differentiable(self) -> Tensor:
        """All of them, (out, in/groups, *half), by differentiable operations of torch."""
        return combine(self.coefficients, self.matrices, last=True)

    def _made(self) -> list[Tensor]:
        """(scales, rows, columns of an axis, frequencies of those behind it) for all axes but the last."""
        if self._stages:
            return self._stages
        columns, half = self.coefficients.shape[2:], self.tiles.half
        rows = self.coefficients.reshape(self.scales, self._rows(-1), columns[-1])
        own = torch.view_as_complex((rows @ self._real().mT).unflatten(2, (-1, 2)))
        for axis in reversed(range(len(columns) - 1)):
            own = own.view(self.scales, self._rows(axis), columns[axis], math.prod(half[axis + 1 :]))
            self._stages.append(own)
            if axis > 0:
                own = expand(self._matrix(axis), own)
        self._stages = self._stages or [own]
        return self._stages

    def _rows(self, axis: int) -> int:
        """Of a scale, before an axis; said where there may be no column, by which torch could not divide."""
        return self.channels * math.prod(self.coefficients.shape[2:][:axis])

    def _real(self) -> Tensor:
        """The last axis' matrix with real and imaginary rows in turn, (scales, 2 rows, columns)."""
        return torch.view_as_real(self._matrix(-1)).movedim(-1, 2).flatten(1, 2)

    def _matrix(self, axis: int) -> Tensor:
        return self.matrices[axis].contiguous().expand(self.scales, -1, -1)

    def _lines(self, part: slice) -> Tensor:
        """Rows of the first axis' matrix."""
        return self._matrix(0)[:, part.start // self.rest : part.stop // self.rest]
