"""`spatial`: the k×k taps themselves, nn.ConvNd's own parameters."""

from torch import Tensor

from fourierconv.parameterizations.base import Parameterization, lattice, origin


class Spatial(Parameterization):
    """w[t] = θ[t]: a box of kernel_size taps; its spectrum is a trigonometric polynomial of as many terms.

    Represents every kernel of that size and none that is larger. Same numbers, same initial distribution and, with the
    same seed, the same values as nn.ConvNd.

    >>> import torch
    >>> Spatial().taps(torch.arange(-1, 2), 3, torch.ones(1))
    tensor([[[1., 0., 0.],
             [0., 1., 0.],
             [0., 0., 1.]]])
    """

    name = "spatial"
    has_lines = True

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        own = lattice(*self.window(kernel_size), device=positions.device)
        return (positions[:, None] == own).to(scale.dtype).unsqueeze(0)

    def window(self, kernel_size: int, scale: float = 1.0, tolerance: float = 0.0, dims: int = 2) -> tuple[int, int]:
        return -origin(kernel_size), kernel_size - 1 - origin(kernel_size)

    def lines(self, coefficients: Tensor, axis: int, kernel_size: int) -> Tensor:
        return coefficients


class Plain(Parameterization):
    """Taps at the pixels first, ..., last, as they are: A is the identity there, and is not made."""

    name = "plain"

    def __init__(self, first: int, last: int) -> None:
        super().__init__()
        self.first, self.last = first, last

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        return (positions[:, None] == lattice(self.first, self.last, positions.device)).to(scale.dtype).unsqueeze(0)

    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        return self.first, self.last
