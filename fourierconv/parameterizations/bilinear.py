"""`bilinear`: the predecessor's linear interpolation between control points in frequency, and its real part."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fourierconv.parameterizations.base import Coordinates, lattice
from fourierconv.parameterizations.cubic import linear
from fourierconv.parameterizations.reference import OnGrid
from fourierconv.separable import combine, complex_of, dft

Interpolation = Callable[[Tensor, int], Tensor]  # points between 0 and k - 1, and k -> (points, k)


class Bilinear(OnGrid):
    """w = Re ifft(K θ Kᵀ): kernel_size real control points from the first to the last frequency of a reference grid.

    K interpolates linearly, from control points spaced evenly over the grid's DFT indices 0, ..., n - 1, both ends
    included. The reference grid n, 32 unless told otherwise, is the image's size in the original.

    A baseline, kept with its defects. (1) The frequency circle is cut open at DC: the first and the last control point
    stand next to each other and are not joined, so that the spectrum jumps there. Taps fall like 1/t beside the axes,
    and on them and in the rows beside them end in a pedestal; at n = 128, k = 5 about 12 % of a random kernel's energy
    lies outside 5×5. (2) Only the real part is kept, first of the spectrum, then of the kernel: kernels are even, w[-t]
    = w[t], but for the unpaired tap n/2 of an even grid, and no edge detector is within reach. (3) On another grid it
    is another kernel. In 2D the real part is no product, so taps are made dense: reference_grid^d per kernel. The
    original scaled K to the operator norm of a k×k DFT matrix and could learn K; here the layer's initial gain is
    nn.ConvNd's, as for all parameterizations, and K is fixed. Source: `interpKernel` and `ComplexInterp` of
    mbhenaff/spectral-lib, the code of Henaff, Bruna, LeCun 2015 (arXiv 1506.05163).

    >>> from fourierconv import FourierConv1d
    >>> layer = FourierConv1d(1, 1, 2, parameterization="bilinear", reference_grid=5)
    >>> _ = layer.coefficients.data.copy_(torch.tensor([[[0.0, 5.0]]]))  # the spectrum is 5·f/4 at f = 0, ..., 4
    >>> layer.kernel().detach().flatten()
    tensor([-0.6250, -0.6250,  2.5000, -0.6250, -0.6250])
    """

    name = "bilinear"
    default_grid = 32

    def coordinates(self, shape: Sequence[int], grid: Sequence[int]) -> Coordinates:
        return RealPart(shape[2:], grid, self.interpolate)

    @staticmethod
    def interpolate(points: Tensor, knots: int) -> Tensor:
        """The matrix K at `points` between 0 and knots - 1, (points, knots)."""
        return linear(points, torch.arange(knots, dtype=points.dtype, device=points.device))


class RealPart(Coordinates):
    """Control points -> Re ifft(K_y θ K_xᵀ), the dense taps on the reference grid.

    >>> RealPart((3, 2), (8, 6), Bilinear.interpolate)(torch.ones(4, 1, 3, 2)).shape
    torch.Size([4, 1, 8, 6])
    """

    def __init__(self, kernel_size: Sequence[int], grid: Sequence[int], interpolate: Interpolation) -> None:
        super().__init__()
        self.kernel_size, self.grid, self.interpolate = tuple(kernel_size), tuple(grid), interpolate

    def _matrices(self, device: torch.device) -> list[Tensor]:
        """F⁻¹K of every axis, complex (1, grid, kernel_size), the taps around the origin."""
        matrices = []
        for k, n in zip(self.kernel_size, self.grid, strict=True):
            points = torch.linspace(0, k - 1, n, dtype=torch.float64, device=device)
            positions = lattice(-((n - 1) // 2), n // 2, device)
            inverse = dft(n, positions, n, torch.float64).conj().T / n
            matrices.append((inverse @ self.interpolate(points, k).to(inverse.dtype)).unsqueeze(0))
        return matrices

    def forward(self, coefficients: Tensor) -> Tensor:
        matrices = self._matrices(coefficients.device)
        return combine(coefficients, [complex_of(own, coefficients.dtype) for own in matrices]).real

    def energy(self) -> Tensor:
        # of a product z = z_y z_x of complex numbers, (Re z)² = (|z_y|² |z_x|² + Re z_y² z_x²) / 2
        matrices = self._matrices(torch.device("cpu"))
        ones = torch.ones(1, 1, *self.kernel_size, dtype=torch.float64, device=matrices[0].device)
        lengths = combine(ones, [own.abs().square() for own in matrices])
        squares = combine(ones, [own.square() for own in matrices])
        return (lengths + squares.real)[0, 0] / 2

    def reset_parameters(self) -> None:
        """There are none."""
