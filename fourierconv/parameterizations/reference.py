"""What parameterizations share that keep their kernels as taps on a reference grid, and nothing beyond it."""

import math
from fractions import Fraction
from typing import ClassVar

import torch
from torch import Tensor

from fourierconv.parameterizations.base import Parameterization, from_real_dft, real_dft
from fourierconv.parameterizations.spatial import Spatial

_SPATIAL = Spatial()


class OnGrid(Parameterization):
    """Kernels of `reference_grid` taps per axis, around the origin as those of an nn.ConvNd of that size.

    On another grid the same taps are used, with zeros around them: a kernel keeps its size in pixels.
    """

    has_reference_grid = True
    has_lines = True
    default_grid: ClassVar[int | None] = None
    """Pixels per axis where none are asked for; None is kernel_size."""

    def grid(self, kernel_size: int) -> int:
        return self.reference_grid or self.default_grid or kernel_size

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        return _SPATIAL.taps(positions, self.grid(kernel_size), scale)

    def lines(self, coefficients: Tensor, axis: int, kernel_size: int) -> Tensor:
        return coefficients

    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        return _SPATIAL.window(self.grid(kernel_size))


class OnModes(OnGrid):
    """Kernels that are sums of the reference grid's modes: w = Qᵀ θ Q with Q the first rows of its real DFT."""

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        own = super().taps(positions, kernel_size, scale)
        return own @ real_dft(self.grid(kernel_size), own.device)[: self.width(kernel_size)].T.to(own.dtype)

    def lines(self, coefficients: Tensor, axis: int, kernel_size: int) -> Tensor:
        return from_real_dft(coefficients, axis, self.grid(kernel_size))

    def stretch(self, kernel_size: int, ratio: Fraction, scale: Tensor) -> tuple[Parameterization, Tensor]:
        """Mode numbers are kept: those that the new grid adds are zero, those beyond it are dropped."""
        old, size = self.grid(kernel_size), self.grid(kernel_size) * ratio
        if size.denominator != 1:
            raise ValueError(f"reference_grid={old} times {ratio} is {float(size):g}, and must be a whole number")
        new = int(size)
        stretched = type(self)(new)
        stretched.check(kernel_size)
        shape = stretched.width(kernel_size), self.width(kernel_size)
        modes = torch.eye(*shape, dtype=scale.dtype, device=scale.device) * math.sqrt(old / new)
        # Nyquist is one frequency, any other cosine two of half its size: it is split, and they are added up
        modes[:, old - 1 :] /= math.sqrt(2 - old % 2)
        modes[new - 1 :] *= math.sqrt(2 - new % 2)
        return stretched, modes.unsqueeze(0)
