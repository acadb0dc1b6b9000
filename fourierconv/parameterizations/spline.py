"""`spline`: the spectrum is a periodic cubic spline through Hermitian control points."""

import torch
from torch import Tensor

from fourierconv.parameterizations import cubic
from fourierconv.parameterizations.base import Parameterization, lattice, origin, real_dft, to_real_dft
from fourierconv.parameterizations.constants import constant
from fourierconv.separable import complex_of, dft, transform


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

    >>> Spline().taps(torch.tensor([0, 5]), 5, torch.ones(1)).norm(dim=-1).round(decimals=6)
    tensor([[1., 0.]])
    """

    name = "spline"

    def knots(self, kernel_size: int, device: torch.device | None = None) -> Tensor:
        """The control points' frequencies on the circle [0, 1), ascending from 0, in cycles per pixel, float64."""
        return torch.arange(kernel_size, dtype=torch.float64, device=device) / kernel_size

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        control, knots = self._control(kernel_size, positions.device)
        return (cubic.taps(positions, knots) @ control).real.to(scale.dtype).unsqueeze(0)

    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        reach = max(_reach(type(self), kernel_size, max(tolerance, 1e-15), dims), kernel_size // 2)
        return -reach, reach

    def basis(self, n: int, rows: int, kernel_size: int, scale: Tensor, reach: float) -> Tensor:
        control, knots = self._control(kernel_size, scale.device)
        frequencies = torch.arange(rows, dtype=torch.float64, device=scale.device) / n
        spline = cubic.periodic_cubic(frequencies, knots)
        return complex_of(spline.to(control.dtype) @ control, scale.dtype).unsqueeze(0)

    def coefficients(self, taps: Tensor) -> Tensor:
        return to_real_dft(taps)

    def _control(self, kernel_size: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """The matrix from coefficients to Hermitian control points, complex (k, k), and where these lie."""
        positions = lattice(-origin(kernel_size), kernel_size - 1 - origin(kernel_size), device)
        fourier = dft(kernel_size, positions, kernel_size, torch.float64)
        return transform(fourier, real_dft(kernel_size, device).T), self.knots(kernel_size, device)


@constant
def _reach(kind: type[Spline], kernel_size: int, tolerance: float, dims: int) -> int:
    return cubic.reach(kind().knots(kernel_size), tolerance, dims)
