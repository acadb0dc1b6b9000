"""Kernels that are separable in their coefficients: one small matrix per axis takes coefficients to taps or spectrum.

    w[t_y, t_x] = Σ_ij A_y[t_y, i] θ[i, j] A_x[t_x, j],    Ŵ = B_y θ B_xᵀ  with  B = F A

where F is the discrete Fourier transform at the taps' positions. Nothing here knows which subspace A spans.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

LONG = 2**19  # entries of the largest Fourier matrix that is multiplied with


def dft(n: int, positions: Tensor, rows: int, dtype: torch.dtype) -> Tensor:
    """The first `rows` rows of the discrete Fourier transform on n points, at taps of the given positions.

    F[f, t] = exp(-2πi f·t/n). Phases are reduced modulo n in integers, so that long grids cost no accuracy.

    Args:
        n: length of the grid.
        positions: int64 pixels, (taps,), negative ones allowed; beyond the grid they wrap.
        rows: n for a full axis, n//2 + 1 for the half axis.
        dtype: real dtype of the result's parts.

    Returns:
        Complex matrix (rows, taps).

    >>> dft(4, torch.tensor([0, 1]), 3, torch.float64).real.abs().round()
    tensor([[1., 1.],
            [1., 0.],
            [1., 1.]], dtype=torch.float64)
    """
    frequencies = torch.arange(rows, device=positions.device)
    turns = torch.outer(frequencies, positions).remainder(n).to(torch.float64) / n
    angles = -2 * math.pi * turns
    return torch.complex(angles.cos().to(dtype), angles.sin().to(dtype))


def complex_of(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """A complex matrix with parts of a real dtype.

    >>> complex_of(torch.ones(1, dtype=torch.complex128), torch.float32).dtype
    torch.complex64
    """
    return torch.complex(matrix.real.to(dtype), matrix.imag.to(dtype))


def transform(matrix: Tensor, taps: Tensor) -> Tensor:
    """F A for a complex F (rows, taps) and real A (..., taps, coefficients), without making A complex."""
    return torch.complex(matrix.real @ taps, matrix.imag @ taps)


def spectra(n: int, positions: Tensor, rows: int, taps: Tensor) -> Tensor:
    """F A for F = `dft(n, positions, rows)`: by that matrix, or by FFT where it would be large.

    Args:
        n: length of the grid.
        positions: int64 pixels, (taps,).
        rows: frequencies that are kept.
        taps: A, real, (..., taps, coefficients).

    >>> spectra(4, torch.tensor([0, 5]), 3, torch.ones(1, 2, 1)).real.flatten()
    tensor([2., 1., 0.])
    """
    if rows * len(positions) <= LONG:
        return transform(dft(n, positions, rows, taps.dtype), taps)
    circle = taps.new_zeros(*taps.shape[:-2], n, taps.shape[-1])
    return by_fft(circle.index_add(-2, positions.remainder(n), taps), rows)


def by_fft(circles: Tensor, rows: int) -> Tensor:
    """The first rows of the discrete Fourier transforms of real columns, (.., n, columns), by FFT."""
    fft = torch.fft.rfft if rows <= circles.shape[-2] // 2 + 1 else torch.fft.fft
    return fft(circles, dim=-2).narrow(-2, 0, rows)


def combine(coefficients: Tensor, matrices: Sequence[Tensor | None], last: bool = False) -> Tensor:
    """Apply one matrix per axis: (out, in, *k) -> (out, in, *n).

    The result's memory holds the axes first and the channels last, as `spectral.correlate` wants it, unless the axes
    are wanted last. Only the view is in the order (out, in, *n).

    Args:
        coefficients: (out, in/groups, *k).
        matrices: per axis (scales, n, k), real or complex; `scales` divides out: each serves out/scales channels. None
            leaves an axis as it is; there is none where the axes are wanted last.
        last: whether the memory is in the order (out, in, *n), too, as Triton's kernels want it.

    Returns:
        (out, in/groups, *n), of the matrices' dtype.

    >>> combine(torch.ones(3, 2, 5), [torch.ones(1, 7, 5)]).shape
    torch.Size([3, 2, 7])
    """
    out, inner = coefficients.shape[:2]
    given = [matrix for matrix in matrices if matrix is not None]
    if not given:
        return coefficients
    scales = max(matrix.shape[0] for matrix in given)
    lengths = list(coefficients.shape[2:])
    dtype = torch.promote_types(coefficients.dtype, given[0].dtype)
    if last:
        return _combine_last(coefficients.to(dtype), [matrix.to(dtype) for matrix in given], scales)
    # complex before they are permuted: torch 2.11's compiler would copy them, and can generate no such copy for CUDA
    leading = coefficients.to(dtype).reshape(scales, out // scales * inner, *lengths).movedim(1, -1)
    for axis, matrix in reversed(list(enumerate(matrices))):
        if matrix is None:
            continue
        before, after = math.prod(lengths[:axis]), math.prod(lengths[axis + 1 :]) * (out // scales * inner)
        columns = leading.reshape(scales, before, lengths[axis], after)
        leading = matrix.to(dtype).unsqueeze(1) @ columns
        lengths[axis] = matrix.shape[-2]
    channels_last = leading.reshape(scales, *lengths, out // scales, inner).movedim(0, -3)
    return channels_last.reshape(*lengths, out, inner).movedim((-2, -1), (0, 1))


def _combine_last(coefficients: Tensor, matrices: Sequence[Tensor], scales: int) -> Tensor:
    """The same from right to left, (scales, channels, *k) -> (scales, channels, *n)."""
    lengths = list(coefficients.shape[2:])
    *others, final = matrices
    channels = coefficients.shape[0] // scales * coefficients.shape[1]
    own = coefficients.reshape(scales, channels * math.prod(lengths[:-1]), lengths[-1]) @ final.mT
    lengths[-1] = final.shape[-2]
    for axis in reversed(range(len(others))):
        rows = own.reshape(scales, channels * math.prod(lengths[:axis]), lengths[axis], math.prod(lengths[axis + 1 :]))
        own = (others[axis] @ rows.squeeze(0) if scales == 1 else others[axis].unsqueeze(1) @ rows).contiguous()
        lengths[axis] = others[axis].shape[-2]
    return own.reshape(*coefficients.shape[:2], *lengths)
