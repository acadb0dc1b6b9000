"""What a machine needs at least for a convolution by FFT: its transforms and products, and nothing between them.

Of a training step: four transforms of images, three products per frequency, the spectra of the kernels and their
gradient, by Fourier matrices or by FFT, whichever is faster. Each works on arrays that are there already, in the layout
that suits it; products write into such arrays, too. The floor of a cell is the least of all grids that are considered.
"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch

from fourierconv import functional
from fourierconv.engines import dispatch
from fourierconv.engines.choice import Case, candidates
from fourierconv.study.bench import clock
from fourierconv.study.bench.cells import Cell
from fourierconv.study.bench.clock import Work

LARGEST = 2**22  # entries of a Fourier matrix that is tried
GRIDS = 6  # that are expected to be fastest, besides the whole one

Timer = Callable[[Work], float]


@dataclass(frozen=True)
class Grid:
    """Tiles of a grid: its sides in points, and the number of tiles per image."""

    sides: tuple[int, ...]
    tiles: int


def least(cell: Cell, timer: Timer = clock.seconds) -> tuple[Grid, dict[str, list[Work]]] | None:
    """The grid of the least floor, and its parts; grids for which the device lacks memory do not count."""
    best = None
    for grid in grids(cell):
        try:
            parts = work(cell, grid)
            seconds(parts, timer=timer)
            found = sum(seconds(parts, repeats=3, timer=timer).values())
        except torch.OutOfMemoryError:
            continue
        if best is None or found < best[0]:
            best = found, grid, parts
    return None if best is None else best[1:]


def grids(cell: Cell) -> list[Grid]:
    """Those of the engines' plans: the whole one, and tilings that are expected to be fast."""
    plans = [plan for plan in candidates(case_of(cell), "auto") if plan.tiles is not None]
    whole = [plan for plan in plans if plan.engine == "whole"]
    found = [Grid(tuple(own.grid), own.rows) for plan in (*whole, *plans) if (own := plan.tiles) is not None]
    return list(dict.fromkeys(found))[: GRIDS + 1]


def case_of(cell: Cell) -> Case:
    """What the choice of an engine depends on."""
    dims, ones = cell.dims, (1,) * cell.dims
    n, k = (cell.size,) * dims, (cell.kernel,) * dims
    out = (cell.size + 2 * cell.padding - cell.kernel + 1,) * dims
    filters = functional._filters(n, out, k, [-cell.padding] * dims, ones, ones, "zeros")
    images = torch.empty(cell.batch, cell.channels, *n)
    taps = torch.empty(cell.out, cell.channels // cell.groups, *k)
    return dispatch.case_of(images, taps, filters, cell.groups)


def work(cell: Cell, grid: Grid) -> dict[str, list[Work]]:
    """What is timed, by name; of each the fastest way counts."""
    sides, axes = grid.sides, tuple(range(-cell.dims, 0))
    height, half = math.prod(sides[:-1]), sides[-1] // 2 + 1
    rows, frequencies = cell.batch * grid.tiles, height * half
    inner, out, groups = cell.channels // cell.groups, cell.out // cell.groups, cell.groups

    def images(channels: int) -> tuple[Work, Work]:
        pixels = torch.randn(rows * channels, *sides)
        spectra = torch.fft.rfftn(pixels, dim=axes)
        return lambda: torch.fft.rfftn(pixels, dim=axes), lambda: torch.fft.irfftn(spectra, s=sides, dim=axes)

    forward_in, inverse_in = images(cell.channels)
    forward_out, inverse_out = (forward_in, inverse_in) if cell.out == cell.channels else images(cell.out)
    x, y, w = (
        torch.randn(frequencies * groups, *shape, dtype=torch.complex64)
        for shape in ((rows, inner), (rows, out), (out, inner))
    )
    if inner == out == 1:
        x, y = x[..., 0].t().contiguous(), y[..., 0].t().contiguous()
        w = w[:, 0, 0].contiguous()
        products: list[Work] = [lambda: torch.mul(x, w, out=y)] * 3
    else:
        products = [
            lambda: torch.bmm(x, w.mT, out=y),
            lambda: torch.bmm(y, w, out=x),
            lambda: torch.bmm(y.mT, x, out=w),
        ]
    kernels = groups * inner * out
    placed = torch.randn(kernels, *sides)
    transformed = torch.fft.rfftn(placed, dim=axes)
    ways: tuple[list[Work], list[Work]] = (
        [lambda: torch.fft.rfftn(placed, dim=axes)],
        [lambda: torch.fft.irfftn(transformed, s=sides, dim=axes)],
    )
    if max(sides) * cell.kernel <= LARGEST:
        for own, way in zip(ways, _by_basis(cell, grid, kernels), strict=True):
            own.append(way)
    return {
        "transform of x": [forward_in],
        "transform of dL/dy": [forward_out],
        "inverse to y": [inverse_out],
        "inverse to dL/dx": [inverse_in],
        **{f"product ({number})": [product] for number, product in enumerate(products, 1)},
        "kernels": ways[0],
        "gradient of kernels": ways[1],
    }


def _by_basis(cell: Cell, grid: Grid, kernels: int) -> tuple[Work, Work]:
    """The spectra of so many kernels, and the gradient of their taps, by a Fourier matrix per axis."""
    taps, *others = (cell.kernel,) * cell.dims
    half = grid.sides[-1] // 2 + 1
    last = torch.randn(half, taps, dtype=torch.complex64)
    theta = torch.randn(*others, taps, kernels, dtype=torch.complex64)
    if cell.dims == 1:
        found = torch.randn(half, kernels, dtype=torch.complex64)
        return lambda: torch.mm(last, theta, out=found), lambda: torch.mm(last.mT, found, out=theta)
    first = torch.randn(grid.sides[0], taps, dtype=torch.complex64)
    between = torch.randn(taps, half * kernels, dtype=torch.complex64)
    spectra = torch.randn(grid.sides[0], half * kernels, dtype=torch.complex64)

    def forth() -> None:
        torch.matmul(last, theta)
        torch.mm(first, between, out=spectra)

    def back() -> None:
        torch.mm(first.mT, spectra, out=between)
        torch.matmul(last.mT, between.view(taps, half, kernels))

    return forth, back


def seconds(parts: dict[str, list[Work]], repeats: int = 1, timer: Timer = clock.seconds) -> dict[str, float]:
    """Time of every part, the median of a few, the fastest way of each."""
    return {
        name: min(statistics.median(timer(way) for _ in range(repeats)) for way in ways) for name, ways in parts.items()
    }
