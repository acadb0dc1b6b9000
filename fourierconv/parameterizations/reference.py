"""What parameterizations share that keep their kernels as taps on a reference grid, and nothing beyond it."""

from typing import ClassVar

from torch import Tensor

from fourierconv.parameterizations.base import Parameterization
from fourierconv.parameterizations.spatial import Spatial

_SPATIAL = Spatial()


class OnGrid(Parameterization):
    """Kernels of `reference_grid` taps per axis, around the origin as those of an nn.ConvNd of that size.

    On another grid the same taps are used, with zeros around them: a kernel keeps its size in pixels.
    """

    has_reference_grid = True
    default_grid: ClassVar[int | None] = None
    """Pixels per axis where none are asked for; None is kernel_size."""

    def grid(self, kernel_size: int) -> int:
        return self.reference_grid or self.default_grid or kernel_size

    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        return _SPATIAL.taps(positions, self.grid(kernel_size), scale)

    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        return _SPATIAL.window(self.grid(kernel_size))
