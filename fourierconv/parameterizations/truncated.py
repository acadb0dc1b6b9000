"""`truncated`: weights for the lowest frequencies of a reference grid, zeros for the others."""

from fourierconv.parameterizations.reference import OnModes


class Truncated(OnModes):
    """w = Pᵀ θ P with P the first kernel_size rows of the reference grid's orthonormal real DFT: its lowest modes.

    An odd kernel_size keeps the modes up to (kernel_size - 1)/2 per axis; an even one the cosine of the next, too, so
    that its phase is not free. The reference grid is 32 unless told otherwise.

    Represents smooth kernels as large as the reference grid, and no small ones: a kernel of a few pixels has all
    frequencies. It is the wrong compression for local kernels. A 3×3 network so converted keeps 24 % accuracy with 3
    modes and 91 % with 28 (samirak98/FourierImaging, on FashionMNIST). The kernel does not end before the grid does,
    and its spectrum off the grid's own frequencies is the grid's Dirichlet interpolation, which rings. Source: FNO
    (Li et al. 2021, arXiv 2010.08895), definition 3, there with complex weights and mode numbers kept on every grid.

    >>> import torch
    >>> Truncated(8).taps(torch.arange(-3, 5), 1, torch.ones(1)).flatten()  # DC alone
    tensor([0.3536, 0.3536, 0.3536, 0.3536, 0.3536, 0.3536, 0.3536, 0.3536])
    """

    name = "truncated"
    default_grid = 32

    def check(self, kernel_size: int) -> None:
        if kernel_size > self.grid(kernel_size):
            raise ValueError(
                f"kernel_size={kernel_size}: 'truncated' keeps at most the reference_grid={self.grid(kernel_size)} "
                f"modes per axis; pass a larger reference_grid"
            )
