"""How the time of a training step grows: exponents of kernel, image, channels and batch, by least squares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fourierconv.study.bench.bounds import Measured

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
