"""`free`: a weight for every frequency of a reference grid."""

from torch import Tensor

from fourierconv.parameterizations.base import to_real_dft
from fourierconv.parameterizations.reference import OnModes


class Free(OnModes):
    """w = Qᵀ θ Q with Q the orthonormal real DFT of the reference grid: every frequency on it has a weight of its own.

    The coefficients are (out, in/groups, *reference_grid), by default kernel_size per axis, which is `spectral`. Along
    one axis they are the real and minus the imaginary parts of the half spectrum over √n, times √2 but for DC and
    Nyquist; with more axes the products of such parts, which span the same kernels. Hermitian by construction, DC and
    Nyquist included.

    Represents every kernel of the reference grid: nothing is shared between frequencies, nothing is smooth, so the
    kernels start out as large as the grid and their number of coefficients grows with it. On larger images they keep
    their pixels; their mode numbers are not kept. Cost: coefficients, and their gradients, of reference_grid^d per
    kernel. Source: GFNet (Rao et al. 2021, arXiv 2107.00645), there for depthwise circular layers, one image size.

    >>> import torch
    >>> Free(8).taps(torch.arange(-3, 5), 3, torch.ones(1)).shape  # whatever kernel_size is
    torch.Size([1, 8, 8])
    """

    name = "free"

    def width(self, kernel_size: int) -> int:
        return self.grid(kernel_size)

    def coefficients(self, taps: Tensor) -> Tensor:
        return to_real_dft(taps)
