"""`spline`: the spectrum is a periodic cubic spline through Hermitian control points."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from fourierconv.parameterizations.base import Parameterization, lattice, origin, real_dft, to_real_dft
from fourierconv.separable import dft, transform


class Spline(Parameterization):
    """Ŵ(u) = Σ_m c_m S(k u - m): k control points c_m at frequencies m/k, joined by the cardinal cubic spline S.

    The control points are Hermitian by construction: they are the DFT of k real numbers v, and the coefficients are
    those numbers' orthonormal real DFT. In space the spline is a window: w[t] = v[t mod k]·η(t/k), where
    η(ω) = 3 sinc⁴(ω) / (2 + cos 2πω) is the Fourier transform of S. So this is a classic kernel, repeated periodically
    under a window about as wide as itself.

    Represents smooth spectra only, but odd kernels (edge detectors) as well as even ones; the width is fixed by
    kernel_size. Its taps fall like t⁻⁴ and never end: at k = 5 about 25 per axis hold 1e-3 in operator norm, and the
    default tolerance of 1e-6 takes hundreds, so that a layer whose images do not wrap around works on grids of up to
    twice the image. Source: the predecessor's smooth spectral multipliers (Henaff, Bruna, LeCun 2015,
    arXiv 1506.05163), here made periodic and Hermitian.

    >>> Spline().taps(torch.tensor([0, 5]), 5, torch.ones(1)).norm(dim=-1)
    tensor([[1., 0.]])
    """

    name = "spline"

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        window = _window(positions.to(torch.float64) / kernel_size)
        index = (positions + origin(kernel_size)).remainder(kernel_size)
        repeated = real_dft(kernel_size, positions.device).T[index]
        return (window.unsqueeze(-1) * repeated).to(scale.dtype).unsqueeze(0)

    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        return _window_within(kernel_size, max(tolerance, 1e-15), dims)

    def basis(self, n: int, rows: int, kernel_size: int, scale: Tensor, reach: float) -> Tensor:
        frequencies = torch.arange(rows, dtype=torch.float64, device=scale.device) / n
        spline = _interpolation(frequencies, kernel_size)
        matrix = spline.to(torch.complex128) @ _control_points(kernel_size, scale.device)
        return matrix.to(scale.dtype.to_complex()).unsqueeze(0)

    def coefficients(self, taps: Tensor) -> Tensor:
        return to_real_dft(taps)


def _window(omega: Tensor) -> Tensor:
    """η, the Fourier transform of the cardinal cubic spline; 1 at 0, 0 at every other integer."""
    return 3 * torch.sinc(omega) ** 4 / (2 + torch.cos(2 * math.pi * omega))


def _control_points(kernel_size: int, device: torch.device) -> Tensor:
    """Coefficients -> Hermitian control points, complex (k, k)."""
    positions = lattice(-origin(kernel_size), kernel_size - 1 - origin(kernel_size), device)
    fourier = dft(kernel_size, positions, kernel_size, torch.float64)
    return transform(fourier, real_dft(kernel_size, device).T)


def _interpolation(frequencies: Tensor, kernel_size: int) -> Tensor:
    """Values at frequencies, in cycles per pixel, of the periodic cubic spline through k control points, (n, k)."""
    knots = torch.arange(kernel_size, dtype=torch.float64, device=frequencies.device) / kernel_size
    inverse, _ = torch.linalg.inv_ex(_bsplines(knots, kernel_size))  # unlike inv, needs no synchronization
    return _bsplines(frequencies, kernel_size) @ inverse


def _bsplines(frequencies: Tensor, kernel_size: int) -> Tensor:
    """Periodic cubic B-splines centred on the control points, (n, k)."""
    knots = torch.arange(kernel_size, dtype=torch.float64, device=frequencies.device)
    distance = frequencies[:, None] * kernel_size - knots
    total = torch.zeros_like(distance)
    # the support is 4 knots wide, so a circle of k knots may meet the same spline more than once
    turns = 2 // kernel_size + 1
    for turn in range(-turns - 1, turns + 2):
        x = (distance + turn * kernel_size).abs()
        near, far = 2 / 3 - x**2 + x**3 / 2, (2 - x).clamp(min=0) ** 3 / 6
        total += torch.where(x < 1, near, far)
    return total


@lru_cache(maxsize=256)
def _window_within(kernel_size: int, tolerance: float, dims: int) -> tuple[int, int]:
    """A window whose dropped taps have an operator norm of at most tolerance times the kernel's.

    Along one axis the dropped taps are w[t] = v[t mod k]·η(t/k), and |v| in any norm is at most the largest control
    point, which the spline attains: the dropped part is at most ε = Σ_dropped η(t/k) times the kernel's norm. With more
    axes, dropping along one leaves the others interpolating, at most Λ = max_u Σ_m |S(ku - m)| times as large.
    η <= 3/(πω)⁴ bounds the sum beyond what is summed here.
    """
    frequencies = torch.linspace(0, 1 / kernel_size, 65, dtype=torch.float64)  # Σ_m |S(ku - m)| has this period
    lebesgue = float(_interpolation(frequencies, kernel_size).abs().sum(1).max())
    # a first bound from the envelope, Σ_{t>T} 3 (k/πt)⁴ <= (k/π)⁴/T³ on each side, then the sum itself below it
    allowed = tolerance / (dims * lebesgue ** (dims - 1) * 1.01)
    largest = math.ceil((2 * (kernel_size / math.pi) ** 4 / allowed) ** (1 / 3)) + kernel_size
    if largest > 2**20:
        return -largest, largest
    t = torch.arange(1, 4 * largest, dtype=torch.float64)
    beyond = 2 * (kernel_size / math.pi) ** 4 / (4 * largest) ** 3
    dropped = 2 * _window(t / kernel_size).flip(0).cumsum(0).flip(0) + beyond  # dropping |t| >= 1, 2, ...
    reach = int((dropped > allowed).sum())
    return -max(reach, kernel_size // 2), max(reach, kernel_size // 2)
