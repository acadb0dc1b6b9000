"""The contract of a parameterization: a linear map from a few real coefficients to taps at any position."""

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from fourierconv.separable import dft, transform


def origin(kernel_size: int) -> int:
    """Index of the tap that lies on the output pixel: nn.ConvNd's left 'same' padding.

    >>> origin(5), origin(4)
    (2, 1)
    """
    return (kernel_size - 1) // 2


def lattice(first: int, last: int, device: torch.device | None = None) -> Tensor:
    """The pixels first, ..., last as int64, (taps,).

    >>> lattice(-1, 2)
    tensor([-1,  0,  1,  2])
    """
    return torch.arange(first, last + 1, device=device)


def centre(kernel_size: int) -> float:
    """Where the middle of the coefficients lies, in pixels from the origin: 0, or ½ for an even number.

    >>> centre(5), centre(4)
    (0.0, 0.5)
    """
    return (kernel_size - 1) / 2 - origin(kernel_size)


class Parameterization(ABC):
    """One way to make kernels from `kernel_size` coefficients per axis.

    A kernel is w[t_y, t_x] = Σ_ij A[t_y, i] θ[i, j] A[t_x, j]; a parameterization is the matrix A of one axis, called
    `taps`. Its Fourier transform, `basis`, spans the same kernels in frequency.
    """

    name: ClassVar[str]
    scale_limits: ClassVar[tuple[float, float] | None] = None
    """Least and largest learned scale, in pixels; None where nothing is learned but the coefficients."""

    @abstractmethod
    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        """The matrix A at lattice positions.

        Args:
            positions: int64 pixels from the origin, (positions,).
            kernel_size: number of coefficients.
            scale: pixels, (scales,); its dtype and device are the result's.

        Returns:
            Real matrices, (scales, positions, kernel_size); (1, positions, kernel_size) without a learned scale.
        """

    @abstractmethod
    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        """First and last position of a window whose dropped taps do not matter.

        Args:
            kernel_size: number of coefficients.
            scale: the largest scale to be held, in pixels.
            tolerance: the operator norm that the dropped part may have, relative to the kernel's.
            dims: number of axes of the kernel.
        """

    def basis(self, n: int, rows: int, kernel_size: int, scale: Tensor, reach: float) -> Tensor:
        """The matrix B of one axis: the spectra of the columns of A, wrapped onto a circular grid of n points.

        Args:
            n: length of the grid.
            rows: n, or n//2 + 1 for the half axis.
            kernel_size: number of coefficients.
            scale: pixels, (scales,).
            reach: a scale that none of `scale` exceeds; it bounds the taps that are summed.

        Returns:
            Complex matrices, (scales or 1, rows, kernel_size).
        """
        positions = lattice(*self.window(kernel_size, reach, 0.0, 1), device=scale.device)
        return transform(dft(n, positions, rows, scale.dtype), self.taps(positions, kernel_size, scale))

    def coefficients(self, taps: Tensor) -> Tensor:
        """Coefficients that stand for nn.ConvNd's taps (out, in/groups, *kernel_size) at the start of training."""
        return taps

    def gain(self, kernel_size: int, scale: Tensor) -> Tensor:
        """Root of the expected energy of an axis' taps per unit coefficient, relative to nn.ConvNd's, (scales or 1,).

        Dividing the first coefficients by it, once per axis, gives the output on white input the variance that
        nn.ConvNd would have given it.
        """
        positions = lattice(*self.window(kernel_size, float(scale.max()), 1e-4, 1), device=scale.device)
        energy = self.taps(positions, kernel_size, scale).square().sum((-2, -1))
        return (energy / kernel_size).sqrt()


def real_dft(kernel_size: int, device: torch.device | None = None) -> Tensor:
    """The orthonormal real DFT Q: its rows are 1/√k and √(2/k) times cosines and sines at the taps' positions.

    Q w are the real coefficients of the taps w; Qᵀ takes them back. Positions count from the origin.

    >>> q = real_dft(5)
    >>> torch.allclose(q @ q.T, torch.eye(5, dtype=torch.float64))
    True
    """
    positions = lattice(-origin(kernel_size), kernel_size - 1 - origin(kernel_size), device).to(torch.float64)
    rows = [torch.full_like(positions, 1 / math.sqrt(kernel_size))]
    for frequency in range(1, kernel_size // 2 + 1):
        angle = 2 * math.pi * frequency / kernel_size * positions
        if 2 * frequency == kernel_size:  # Nyquist has no sine
            rows.append(angle.cos() / math.sqrt(kernel_size))
        else:
            rows.append(angle.cos() * math.sqrt(2 / kernel_size))
            rows.append(angle.sin() * math.sqrt(2 / kernel_size))
    return torch.stack(rows)


def to_real_dft(taps: Tensor) -> Tensor:
    """Real DFT coefficients of taps (out, in/groups, *k), of the same shape."""
    for axis in range(2, taps.ndim):
        q = real_dft(taps.shape[axis], taps.device).to(taps.dtype)
        taps = (taps.movedim(axis, -1) @ q.T).movedim(-1, axis)
    return taps
