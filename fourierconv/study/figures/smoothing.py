"""A kernel shrinks while its spectrum is smoothed: one frame per width of the smoothing."""

import math
from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from fourierconv.extent import axis_energies, extent
from fourierconv.study.figures.maps import draw_kernel, draw_spectrum
from fourierconv.study.figures.style import WIDTH
from fourierconv.study.theory.smoothness import smooth, spectrum_of, taps_of


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
        spectrum = spectrum_of(kernel, n)
        width = 1 / (2 * math.pi * sigma)
        if width:
            spectrum = smooth(spectrum, width)
        taps = taps_of(spectrum, kernel.shape[-1])
        side = sum(float(extent(energy)) for energy in axis_energies(taps, 2)) / 2
        draw_spectrum(above[column], spectrum.abs())
        draw_kernel(below[column], taps)
        title = f"$s_u$ = {width:.3f} c/px\n$\\sigma$ = {sigma:g} px" if width else "$s_u$ = 0\nas drawn"
        above[column].set_title(title, fontsize=10)
        below[column].set_title(f"extent {side:.1f} px", fontsize=10)
        below[column].set_ylabel("")
        if column:
            above[column].set_yticklabels([])
            below[column].set_yticklabels([])
    return figure
