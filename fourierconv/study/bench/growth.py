"""How the time of a training step grows with kernel, image, channels and batch."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fourierconv.study.bench.bounds import Measured
from fourierconv.study.bench.cells import Cell
from fourierconv.study.bench.clock import seconds
from fourierconv.study.bench.contenders import contender
from fourierconv.study.bench.measure import passes
from fourierconv.study.tables import Row

ENGINES = ("whole", "tiled")
ROUNDS = 7
SERIES = {  # of cells that differ in one number alone
    "kernel": tuple(Cell(f"kernel {k}", 32, 32, 32, 1, 64, k) for k in (3, 7, 15, 31, 63)),
    "image": tuple(Cell(f"image {n}", 4, 32, 32, 1, n, 11) for n in (32, 64, 128, 256)),
}

FACTORS = ("kernel", "image", "channels", "batch")


@dataclass(frozen=True)
class Exponent:
    """Of one factor, with the standard error of the fit."""

    factor: str
    value: float
    error: float


def exponents(cells: Sequence[Measured], name: str) -> list[Exponent]:
    """Exponents of a contender's time in dense cells with as many channels in as out, over the limits left out.

    Raises:
        ValueError: fewer cells than can tell the factors apart.
    """
    kept = [own for own in cells if own.cell.channels == own.cell.out and own.cell.groups == 1 and name not in own.over]
    shapes = [(own.cell.kernel, own.cell.size, own.cell.channels, own.cell.batch) for own in kept]
    matrix = np.column_stack([np.ones(len(kept)), np.log(np.array(shapes, dtype=float).reshape(-1, len(FACTORS)))])
    if len(kept) <= matrix.shape[1] or np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        raise ValueError(f"{len(kept)} cells do not tell {', '.join(FACTORS)} apart")
    times = np.log([own.middle(name) for own in kept])
    found, *_ = np.linalg.lstsq(matrix, times, rcond=None)
    spread = np.sum((times - matrix @ found) ** 2) / (len(kept) - matrix.shape[1])
    errors = np.sqrt(spread * np.diag(np.linalg.inv(matrix.T @ matrix)))
    return [
        Exponent(factor, float(value), float(error))
        for factor, value, error in zip(FACTORS, found[1:], errors[1:], strict=True)
    ]


def series() -> list[Row]:
    """Times of the FFT engines along each of `SERIES`: a row per cell and engine, median seconds of a step."""
    rows: list[Row] = []
    for name, cells in SERIES.items():
        works = {(cell, own): passes(cell, contender(own, cell))["step"] for cell in cells for own in ENGINES}
        times: dict[tuple[Cell, str], list[float]] = {key: [] for key in works}
        for turn in range(ROUNDS + 1):
            for key, work in works.items():
                taken = seconds(work)
                if turn:
                    times[key].append(taken)
        for (cell, own), found in times.items():
            row: Row = {"series": name, "kernel": cell.kernel, "size": cell.size, "engine": own}
            rows.append({**row, "seconds": statistics.median(found)})
    return rows
