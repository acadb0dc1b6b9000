"""Where small kernels have their energy in frequency, and how narrow a band they can gather it in."""

from collections.abc import Sequence

import torch
from matplotlib import colormaps
from matplotlib.figure import Figure

from fourierconv.study.figures.style import LOOKS, SEQUENTIAL, WIDTH
from fourierconv.study.theory.concentration import best_share, expected_energy, mean_energy
from fourierconv.study.theory.kernels import random_kernels

POINTS = 121


def _colors(count: int) -> list[tuple[float, float, float, float]]:
    """Colours from small to large, all dark enough for lines on white."""
    return [colormaps[SEQUENTIAL](0.62 * i / max(count - 1, 1)) for i in range(count)]


def random_energy(sizes: Sequence[int], count: int, seed: int) -> Figure:
    """Mean energy of random k×k kernels at each frequency, as they are and with their mean removed: dots on the theory.

    >>> len(random_energy([3, 5], count=10, seed=0).axes)
    2
    """
    u = torch.linspace(-0.5, 0.5, POINTS, dtype=torch.float64)
    figure = Figure(figsize=(WIDTH, 2.7))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, zero_mean in zip(panels, (False, True), strict=True):
        for k, color in zip(sizes, _colors(len(sizes)), strict=True):
            energy = mean_energy(random_kernels(count, k, seed, zero_mean), u)
            axes.plot(u[::4], energy[::4], "o", color=color, markersize=3)
            axes.plot(u, expected_energy(k, u, zero_mean), color=color, linewidth=1.2, label=f"{k}×{k}")
        axes.set_title("mean removed" if zero_mean else "independent taps", fontsize=10)
        axes.set(xlabel="frequency $u_x$ (cycles per pixel), $u_y = 0$", ylim=(0, 1.45))
    panels[0].set_ylabel("mean $|\\hat W|^2$ / mean energy")
    panels[1].legend(ncols=len(sizes), loc="upper center")
    return figure


def concentration(sizes: Sequence[int]) -> Figure:
    """The largest share of its energy that a sequence of k taps can have within |u| <= b, with and without a mean.

    >>> len(concentration([3, 5]).axes)
    2
    """
    widths = torch.linspace(0.002, 0.5, POINTS).tolist()
    figure = Figure(figsize=(WIDTH, 2.9))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, zero_mean in zip(panels, (False, True), strict=True):
        for k, color in zip(sizes, _colors(len(sizes)), strict=True):
            shares = [best_share(k, width, zero_mean) for width in widths]
            axes.plot(widths, shares, color=color, label=f"{k} taps")
        axes.plot([0, 0.5], [0, 1], color=LOOKS["conv2d_11"].color, linestyle=":", label="a white spectrum")
        axes.set_title("taps that sum to 0" if zero_mean else "any taps", fontsize=10)
        axes.set(xlabel="half-width $b$ of the band (cycles per pixel)", xlim=(0, 0.5), ylim=(0, 1.02))
    panels[0].set_ylabel("largest share of the energy")
    panels[0].legend(loc="lower right")
    return figure
