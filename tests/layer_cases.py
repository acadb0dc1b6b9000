"""Layers that tests go through: every parameterization, the scaled ones at several scales; always float64."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d
from fourierconv.parameterizations import NAMES, get

Layer = FourierConv1d | FourierConv2d | FourierConv3d
CLASSES: dict[int, type[Layer]] = {1: FourierConv1d, 2: FourierConv2d, 3: FourierConv3d}


@dataclass(frozen=True)
class LayerCase:
    """A parameterization, at a scale where it has one."""

    name: str
    scale: float | None = None
    grid: int | None = None

    def __str__(self) -> str:
        return self.name if self.scale is None else f"{self.name}-{self.scale}"

    def build_in(
        self, dims: int, in_channels: int, out_channels: int, kernel_size: int | Sequence[int], **kwargs: Any
    ) -> Layer:
        """A layer of so many axes in float64 with random coefficients and, unless told otherwise, no bias."""
        if self.scale is not None:
            kwargs["scale"] = self.scale
        if self.grid is not None:
            kwargs["reference_grid"] = self.grid
        kwargs = {"bias": False, "dtype": torch.float64, **kwargs}
        return CLASSES[dims](in_channels, out_channels, kernel_size, parameterization=self.name, **kwargs)

    def build(
        self, in_channels: int, out_channels: int, kernel_size: int | Sequence[int], **kwargs: Any
    ) -> FourierConv2d:
        """The same on images of two axes."""
        layer = self.build_in(2, in_channels, out_channels, kernel_size, **kwargs)
        assert isinstance(layer, FourierConv2d)
        return layer

    def allows(self, kernel_size: int | Sequence[int]) -> bool:
        """Whether the parameterization has kernels of so many coefficients."""
        try:
            for k in (kernel_size,) if isinstance(kernel_size, int) else kernel_size:
                get(self.name, self.grid).check(k)
        except ValueError:
            return False
        return True


def holding(layer: Layer, largest: int) -> tuple[tuple[int, ...], float]:
    """Sizes of `kernel` that hold a layer's kernels, none above `largest`, and the operator norm they may miss.

    The second is relative to the kernels', the least of 1e-12, 1e-11, ... that takes no larger window.
    """
    kernels = layer._kernels(tight=True)
    for digits in range(12, 0, -1):
        windows = [kernel.extent(10.0**-digits, layer.dims) for kernel in kernels]
        sizes = tuple(max(-2 * first + 1, 2 * last) for first, last in windows)
        if max(sizes) <= largest:
            return sizes, 10.0**-digits
    raise AssertionError(f"no window of {largest} holds a tenth of the kernels of {layer}")


def full_spectrum(layer: Layer, grid: Sequence[int]) -> Tensor:
    """A layer's, at every frequency of every axis, from what half of it implies."""
    axes = tuple(range(-layer.dims, 0))
    taps = torch.fft.irfftn(layer.spectrum(grid).detach(), s=tuple(grid), dim=axes)
    return torch.fft.fftn(taps, dim=axes)


def label(value: object) -> str:
    """A short name of a test's argument: sizes as 3x4."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


# 1.1, 1.5 and 2.5 are no multiples of each other or of a pixel; taps then meet the lattice everywhere
LAYERS = (
    LayerCase("spatial"),
    LayerCase("spectral"),
    LayerCase("spline"),
    LayerCase("dyadic"),
    *(LayerCase(name, scale) for name in ("window", "scaled") for scale in (1.1, 1.5, 2.5)),
    LayerCase("hermite", 1.3),
    LayerCase("free", grid=6),
    LayerCase("truncated", grid=7),
    LayerCase("bilinear", grid=8),
    LayerCase("spline_open", grid=7),
    LayerCase("spacings", grid=7),
    LayerCase("implicit", grid=6),
)
assert {case.name for case in LAYERS} == set(NAMES)
