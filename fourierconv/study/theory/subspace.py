"""The kernels of k taps as a subspace of all spectra on a grid: basis, projector, dimension."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fourierconv.parameterizations.base import lattice, origin
from fourierconv.study.theory.circulant import fourier


def basis(n: int, k: int) -> Tensor:
    """B[m, t] = exp(-2πi m t/n) for the k taps around the origin, DC in the middle, (n, k) complex128.

    Its columns are orthogonal with squared length n.

    >>> b = basis(8, 3)
    >>> torch.allclose(b.mH @ b, 8 * torch.eye(3, dtype=torch.complex128))
    True
    """
    taps = lattice(-origin(k), k - 1 - origin(k))
    return fourier(n)[:, taps % n] * n**0.5


def projector(n: int, k: int) -> Tensor:
    """P = B Bᴴ/n, the orthogonal projector on the spectra of k-tap kernels, (n, n) complex128, DC in the middle.

    P[m, m'] depends on m - m' only: projecting is smoothing, with the Dirichlet kernel.

    >>> projector(8, 3).diagonal().real.tolist()
    [0.375, 0.375, 0.375, 0.375, 0.375, 0.375, 0.375, 0.375]
    """
    b = basis(n, k)
    return b @ b.mH / n


def checks(n: int, sizes: Sequence[int]) -> list[dict[str, int | float]]:
    """Dimension and projector of the k×k kernels among all n×n spectra, per k.

    Args:
        n: side of the grid.
        sizes: numbers of taps k per axis.

    Returns:
        Per k: the rank of B ⊗ B, the trace of P ⊗ P, the share of the dimensions that it is, the largest entry of
        P² - P, and the smallest and largest share k/n that P's diagonal gives to a frequency.

    >>> checks(8, [3])[0]["dimension, rank of B⊗B"]
    9
    """
    rows: list[dict[str, int | float]] = []
    for k in sizes:
        b, p = basis(n, k), projector(n, k)
        trace = float(p.diagonal().real.sum()) ** 2
        rows.append(
            {
                "k": k,
                "dimension, rank of B⊗B": int(torch.linalg.matrix_rank(torch.kron(b, b))),
                "trace of P⊗P": trace,
                "share of all n²": trace / n**2,
                "largest |P²−P|": float((p @ p - p).abs().max()),
                "smallest P[m, m]": float(p.diagonal().real.min()),
                "largest P[m, m]": float(p.diagonal().real.max()),
            }
        )
    return rows
