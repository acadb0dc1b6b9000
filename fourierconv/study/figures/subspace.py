"""The spectra of small kernels as a subspace: its basis, its projector, and a spectrum before and after projection."""

import torch
from matplotlib.figure import Figure

from fourierconv.parameterizations.base import lattice, origin
from fourierconv.study.figures.circulant import IMAGINARY, REAL
from fourierconv.study.figures.style import LOOKS, WIDTH, diverging
from fourierconv.study.theory.circulant import fourier, frequencies
from fourierconv.study.theory.subspace import basis, projector


def subspace(n: int, k: int, seed: int) -> Figure:
    """Columns of B, the projector P = B Bᴴ/n, and a random spectrum of n taps with its projection on k taps.

    >>> len(subspace(32, 3, seed=0).axes)  # three panels and a colour bar
    4
    """
    u = frequencies(n) / n
    figure = Figure(figsize=(WIDTH, 2.6))
    columns, map_, spectrum = figure.subplots(1, 3)
    for tap, column in zip(lattice(-origin(k), k - 1 - origin(k)).tolist(), basis(n, k).T, strict=True):
        # columns of opposite taps are conjugates of each other
        if tap >= 0:
            columns.plot(u, column.real, color=REAL, linewidth=1, label="" if tap else "real")
        if tap > 0:
            columns.plot(u, column.imag, color=IMAGINARY, linewidth=1, label="" if tap > 1 else "imaginary")
    columns.set_title("columns of $B$", fontsize=10)
    columns.set(xlabel="$u$ (cycles/px)", yticks=[-1, 0, 1], ylim=(-1.1, 1.9))
    columns.legend(loc="upper center", ncols=2, columnspacing=1, handlelength=1)
    p = projector(n, k).real.numpy()
    first = float(u[0]) - 0.5 / n
    image = map_.imshow(p, extent=(first, first + 1, first + 1, first), **diverging(p))
    figure.colorbar(image, ax=map_, shrink=0.7)
    map_.grid(False)
    map_.set_title("projector $P$, real part", fontsize=10)
    map_.set(xlabel="$u$ (cycles/px)", xticks=[-0.5, 0, 0.5], yticks=[-0.5, 0, 0.5])
    generator = torch.Generator().manual_seed(seed)
    free = fourier(n) @ torch.randn(n, dtype=torch.float64, generator=generator).to(torch.complex128)
    projected = projector(n, k) @ free
    spectrum.plot(u, free.real, ".", color=LOOKS["conv2d_11"].color, markersize=4, label=f"{n} taps")
    spectrum.plot(u, projected.real, color=LOOKS["scaled_channel"].color, label=f"projected: {k} taps")
    spectrum.set_title("a spectrum, real part", fontsize=10)
    low, high = float(free.real.min()), float(free.real.max())
    spectrum.set(xlabel="$u$ (cycles/px)", ylim=(low - 0.1 * (high - low), high + 0.5 * (high - low)))
    spectrum.legend(loc="upper center")
    return figure
