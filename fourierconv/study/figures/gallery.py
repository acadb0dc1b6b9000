"""One template for every parameterization: its columns in space and in frequency, one kernel and its spectrum."""

import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from fourierconv import FourierConv2d
from fourierconv.parameterizations.base import lattice
from fourierconv.study.figures.maps import draw_kernel, draw_spectrum, magnitude
from fourierconv.study.figures.style import SEQUENTIAL, WIDTH
from fourierconv.study.theory.draws import columns_of

GRID = 64  # frequencies per axis


def gallery(layer: FourierConv2d, size: int) -> Figure:
    """Kernels of single coefficients along one axis and their spectra, real part; a random kernel and its spectrum.

    Args:
        layer: its first kernel is shown.
        size: odd number of pixels that are shown.

    >>> len(gallery(FourierConv2d(1, 1, 3), 5).axes)
    4
    """
    scale = None if layer.scale is None else layer.scale[0, 0].item()
    columns = columns_of(layer.parameterization, layer.kernel_size[0], scale)
    taps = columns.kernel(size).detach()[:, 0].T
    half = columns.spectrum(GRID).detach()[:, 0].T
    spectra = torch.cat([half[1:].conj().flip(0), half[:-1]])  # from -½ on
    figure = Figure(figsize=(WIDTH, 2.05))
    a, b, kernel, spectrum = figure.subplots(1, 4)
    _columns(a, lattice(-(size // 2), size // 2), taps, "columns of $A$", "pixels", ".-")
    frequency = (torch.arange(GRID) - GRID // 2) / GRID
    _columns(b, frequency, spectra.real, "columns of $B$, real", "$u$ (cycles/px)", "-")
    b.set_xticks([-0.5, 0, 0.5], ["−½", "0", "½"])
    draw_kernel(kernel, layer.kernel(size).detach()[0, 0])
    kernel.set_title("kernel", fontsize=10)
    kernel.set_ylabel("")
    draw_spectrum(spectrum, magnitude(layer, GRID))
    spectrum.set_title("$|\\hat W|$", fontsize=10)
    return figure


def _columns(axes: Axes, x: Tensor, columns: Tensor, title: str, label: str, line: str) -> None:
    """The middle columns as lines, from dark to light; more than five would hide each other."""
    first = max((columns.shape[1] - 5) // 2, 0)
    chosen = columns[:, first : first + 5]
    for number, column in enumerate(chosen.T):
        color = colormaps[SEQUENTIAL](0.85 * number / max(chosen.shape[1] - 1, 1))
        axes.plot(x, column, line, color=color, linewidth=1, markersize=3)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(label)
