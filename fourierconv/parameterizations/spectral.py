"""`spectral`: the k×k taps stored as their own orthonormal real DFT coefficients."""

from torch import Tensor

from fourierconv.parameterizations.base import from_real_dft, real_dft, to_real_dft
from fourierconv.parameterizations.spatial import Spatial


class Spectral(Spatial):
    """w = Qᵀ θ Q with Q the orthonormal real DFT of size kernel_size: the kernels of `spatial` in other coordinates.

    A unitary change of basis; it represents what `spatial` does. Gradient descent trains exactly the same kernels;
    optimizers that rescale coordinate by coordinate, such as Adam, do not. Source: Rippel, Snoek, Adams 2015
    (arXiv 1506.03767), section 4.

    >>> import torch
    >>> Spectral().taps(torch.arange(-1, 2), 3, torch.ones(1))[0, :, 0]
    tensor([0.5774, 0.5774, 0.5774])
    """

    name = "spectral"

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        own = super().taps(positions, kernel_size, scale)
        return own @ real_dft(kernel_size, own.device).T.to(own.dtype)

    def lines(self, coefficients: Tensor, axis: int, kernel_size: int) -> Tensor:
        return from_real_dft(coefficients, axis, kernel_size)

    def coefficients(self, taps: Tensor) -> Tensor:
        return to_real_dft(taps)
