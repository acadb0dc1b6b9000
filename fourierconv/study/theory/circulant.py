"""Circular correlations written out as matrices, and what the Fourier transform does to them."""

import math
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from fourierconv.parameterizations.base import lattice, origin


def shift(n: int) -> Tensor:
    """The circular shift matrix S, (S x)[r] = x[(r + 1) mod n], (n, n) float64.

    >>> (shift(3) @ torch.tensor([5.0, 6.0, 7.0], dtype=torch.float64)).tolist()
    [6.0, 7.0, 5.0]
    """
    return torch.eye(n, dtype=torch.float64).roll(1, dims=1)


def shift_checks(kernel: Tensor, n: int, seed: int) -> list[dict[str, str | float]]:
    """Which matrices commute with the shift, and which are sums of shifts with the weights of their first row.

    Args:
        kernel: taps (k,), k at most n.
        n: pixels of the image.
        seed: of a matrix without structure.

    Returns:
        Per matrix C the largest entries of CS - SC and of C - Σ_t C[0, t] S^t, relative to the largest of C.

    >>> rows = shift_checks(torch.ones(3), 8, seed=0)
    >>> [row["largest |CS − SC|"] < 1e-14 for row in rows]
    [True, False, False, True]
    """
    taps = kernel.view(1, 1, -1)
    anything = torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    powers = torch.stack([torch.linalg.matrix_power(shift(n), t) for t in range(n)])
    matrices = {
        "taps, around the circle": correlation_matrix(taps, n),
        "the same taps, zeros beyond the border": correlation_matrix(taps, n + len(kernel))[:n, :n],
        "random entries": anything,
        "random entries, averaged over all shifts": (powers.mT @ anything @ powers).mean(0),
    }
    rows: list[dict[str, str | float]] = []
    for name, matrix in matrices.items():
        moved = matrix @ shift(n) - shift(n) @ matrix
        rest = matrix - torch.einsum("t,tij->ij", matrix[0], powers)
        errors = [float(error.abs().max() / matrix.abs().max()) for error in (moved, rest)]
        rows.append({"matrix C": name, "largest |CS − SC|": errors[0], "largest |C − Σ C[0, t] Sᵗ|": errors[1]})
    return rows


def correlation_matrix(
    kernels: Tensor,  # (out, in, *k)
    n: int,
) -> Tensor:
    """The matrix of a circular cross-correlation, Σ_t S^t ⊗ w[t]: one shift per axis, one small matrix per tap.

    It acts on images written as one long vector, pixel by pixel in row-major order, the channels of a pixel together.

    Args:
        kernels: taps, (out, in, *k), their origin at (k - 1)//2.
        n: side of the image, in pixels.

    Returns:
        float64, (n^dims · out, n^dims · in).

    >>> correlation_matrix(torch.tensor([[[0.0, 1.0, 2.0]]]), 4).tolist()
    [[1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0], [0.0, 0.0, 1.0, 2.0], [2.0, 0.0, 0.0, 1.0]]
    """
    sizes = tuple(kernels.shape[2:])
    total = torch.zeros(1, dtype=torch.float64)
    for index in torch.cartesian_prod(*map(torch.arange, sizes)).view(-1, len(sizes)).tolist():
        offsets = [i - origin(k) for i, k in zip(index, sizes, strict=True)]
        moves = reduce(torch.kron, [torch.linalg.matrix_power(shift(n), offset % n) for offset in offsets])
        total = total + torch.kron(moves, kernels[(..., *index)].to(torch.float64))
    return total


def frequencies(n: int) -> Tensor:
    """The integer frequencies m of a grid, DC in the middle, (n,) int64: cycles per n pixels.

    >>> frequencies(4).tolist(), frequencies(5).tolist()
    ([-2, -1, 0, 1], [-2, -1, 0, 1, 2])
    """
    return torch.arange(n) - n // 2


def fourier(n: int) -> Tensor:
    """The unitary Fourier matrix F[m, r] = exp(-2πi m r/n)/√n, rows in the order of `frequencies`, (n, n) complex128.

    >>> torch.allclose(fourier(5) @ fourier(5).mH, torch.eye(5, dtype=torch.complex128))
    True
    """
    turns = torch.outer(frequencies(n), lattice(0, n - 1)).remainder(n).to(torch.float64) / n
    return torch.polar(torch.full_like(turns, 1 / math.sqrt(n)), -2 * math.pi * turns)


def wave_checks(sizes: Sequence[int]) -> list[dict[str, int | float]]:
    """The columns v of F* as eigenvectors of the shift, with λ = exp(2πi m/n), and as an orthonormal basis.

    Args:
        sizes: numbers of pixels n.

    Returns:
        Per n the largest entries of S v - λ v over all v, and of F F* - I.

    >>> wave_checks([5])[0]["largest |S v − λ v|"] < 1e-15
    True
    """
    rows: list[dict[str, int | float]] = []
    for n in sizes:
        waves = fourier(n).mH
        turns = frequencies(n).to(torch.float64) / n
        moved = shift(n).to(waves.dtype) @ waves - torch.polar(torch.ones_like(turns), 2 * math.pi * turns) * waves
        products = fourier(n) @ waves - torch.eye(n)
        errors = [float(error.abs().max()) for error in (moved, products)]
        rows.append({"n": n, "largest |S v − λ v|": errors[0], "largest |F F* − I|": errors[1]})
    return rows


def to_frequency(matrix: Tensor, n: int, dims: int) -> Tensor:
    """F C F*: a matrix on images as it acts on their spectra, the channels of a frequency together.

    Args:
        matrix: as `correlation_matrix` makes it, (n^dims · out, n^dims · in).
        n: side of the image.
        dims: number of spatial axes.

    Returns:
        complex128 of the same shape.
    """
    whole = reduce(torch.kron, [fourier(n)] * dims)
    out, inner = (torch.eye(size // n**dims, dtype=whole.dtype) for size in matrix.shape)
    return torch.kron(whole, out) @ matrix.to(whole.dtype) @ torch.kron(whole, inner).mH


def off_blocks(matrix: Tensor, blocks: int) -> float:
    """The largest magnitude outside the diagonal blocks, relative to the largest inside.

    Args:
        matrix: (blocks · rows, blocks · columns).
        blocks: number of diagonal blocks.

    >>> off_blocks(torch.tensor([[4.0, 1.0], [0.0, 2.0]]), 2)
    0.25
    """
    rows, columns = (size // blocks for size in matrix.shape)
    parts = matrix.abs().view(blocks, rows, blocks, columns).amax((1, 3))
    own = torch.eye(blocks, dtype=torch.bool)
    return float(parts[~own].max() / parts[own].max())
