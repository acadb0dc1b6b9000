"""A kernel shrinks while its spectrum is smoothed: one frame per width of the smoothing."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from torch import Tensor

from fourierconv.extent import axis_energies, extent
from fourierconv.study.figures.maps import draw_kernel, draw_spectrum
from fourierconv.study.figures.style import WIDTH
from fourierconv.study.theory.smoothness import smooth, spectrum_of, taps_of


class Frame(NamedTuple):
    """A kernel whose spectrum was smoothed so that it has a Gaussian window of width `sigma`; infinity is no window."""

    sigma: float
    width: float  # of the smoothing, in cycles per pixel
    magnitude: Tensor  # |Ŵ|, (n, n), DC in the middle
    taps: Tensor  # (k, k)
    extent: float  # width of the centred strip with 95 % of the energy, mean of both axes, in pixels


def smoothed(kernel: Tensor, sigma: float, n: int) -> Frame:
    """Smooth the spectrum of taps (k, k), k odd, on a grid of n×n frequencies with a Gaussian of width 1/(2πσ).

    >>> import torch
    >>> round(smoothed(torch.ones(3, 3, dtype=torch.float64), 0.5, 16).extent, 1)
    1.0
    """
    spectrum = spectrum_of(kernel, n)
    width = 1 / (2 * math.pi * sigma)
    if width:
        spectrum = smooth(spectrum, width)
    taps = taps_of(spectrum, kernel.shape[-1])
    side = sum(float(extent(energy)) for energy in axis_energies(taps, 2)) / 2
    return Frame(sigma, width, spectrum.abs(), taps, side)


def smoothing_strip(kernel: Tensor, sigmas: Sequence[float], n: int) -> Figure:
    """Smooth the spectrum of taps (k, k) with Gaussians of width 1/(2πσ), and show |Ŵ| above the kernel that is left.

    Args:
        kernel: float64 taps, k odd.
        sigmas: widths in pixels of the windows that the kernel must then have; infinity is no smoothing.
        n: points per axis of the grid of frequencies, at least k.

    >>> import torch
    >>> len(smoothing_strip(torch.ones(3, 3, dtype=torch.float64), [math.inf, 1.0], 16).axes)
    4
    """
    figure = Figure(figsize=(WIDTH, 3.9))
    above, below = figure.subplots(2, len(sigmas))
    for column, sigma in enumerate(sigmas):
        frame = smoothed(kernel, sigma, n)
        draw_spectrum(above[column], frame.magnitude)
        draw_kernel(below[column], frame.taps)
        title = f"$s_u$ = {frame.width:.3f} c/px\n$\\sigma$ = {sigma:g} px" if frame.width else "$s_u$ = 0\nas drawn"
        above[column].set_title(title, fontsize=10)
        below[column].set_title(f"extent {frame.extent:.1f} px", fontsize=10)
        below[column].set_ylabel("")
        if column:
            above[column].set_yticklabels([])
            below[column].set_yticklabels([])
    return figure
