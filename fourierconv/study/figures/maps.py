"""Kernels and spectra as maps: pixels from the origin, and cycles per pixel with DC in the middle."""

import torch
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from fourierconv import FourierConv2d
from fourierconv.parameterizations.base import origin
from fourierconv.study.figures.style import SEQUENTIAL, diverging


def draw_kernel(axes: Axes, kernel: Tensor) -> AxesImage:
    """Draw taps (k, k), white at zero, the origin at 0.

    >>> from matplotlib.figure import Figure
    >>> draw_kernel(Figure().subplots(), torch.ones(3, 3)).get_extent()
    [-1.5, 1.5, 1.5, -1.5]
    """
    size = kernel.shape[-1]
    first = -origin(size) - 0.5
    side = (first, first + size, first + size, first)  # rows run downwards, as in an image
    image = _draw(axes, kernel, side, "pixels", "pixels", **diverging(kernel.numpy()))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(3, integer=True, symmetric=True))
    return image


def draw_spectrum(axes: Axes, magnitude: Tensor) -> AxesImage:
    """Draw magnitudes (n, n) of a spectrum whose DC is at index n//2, dark at zero.

    >>> from matplotlib.figure import Figure
    >>> draw_spectrum(Figure().subplots(), torch.ones(8, 8)).get_extent()
    [-0.5625, 0.4375, 0.4375, -0.5625]
    """
    n = magnitude.shape[-1]
    first = (-(n // 2) - 0.5) / n
    side = (first, first + 1, first + 1, first)
    image = _draw(axes, magnitude, side, "$u$ (cycles/px)", "", cmap=SEQUENTIAL, vmin=0)
    axes.set(xticks=[-0.5, 0, 0.5], yticks=[-0.5, 0, 0.5], xticklabels=["−½", "0", "½"], yticklabels=["−½", "0", "½"])
    return image


def _draw(
    axes: Axes, values: Tensor, side: tuple[float, float, float, float], x: str, y: str, **look: object
) -> AxesImage:
    axes.grid(False)
    axes.set(xlabel=x, ylabel=y)
    return axes.imshow(values.numpy(), extent=side, **look)  # type: ignore[arg-type]


def magnitude(layer: FourierConv2d, n: int) -> Tensor:
    """|Ŵ| of a layer's first kernel on an n×n grid, DC in the middle, (n, n).

    >>> magnitude(FourierConv2d(1, 1, 3), 8).shape
    torch.Size([8, 8])
    """
    taps = torch.fft.irfft2(layer.spectrum((n, n)).detach()[0, 0], s=(n, n))
    return torch.fft.fftshift(torch.fft.fft2(taps)).abs()
