"""A circular correlation as a matrix, before and after the Fourier transform."""

import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor

from fourierconv.parameterizations.base import lattice, origin
from fourierconv.study.figures.style import LOOKS, WIDTH, diverging
from fourierconv.study.theory.circulant import correlation_matrix, fourier, frequencies, off_blocks, to_frequency

FLOOR = 1e-17  # shown for anything smaller: a logarithm has no zero
REAL, IMAGINARY = LOOKS["spline"].color, LOOKS["scaled_channel"].color


def diagonalized(kernels: Tensor, n: int) -> Figure:
    """The matrix C of kernels (out, in, *k) on images of n pixels per axis, and |F C F*| on a logarithmic scale.

    >>> len(diagonalized(torch.randn(1, 1, 3), 8).axes)  # two maps and their colour bars
    4
    """
    dims = kernels.ndim - 2
    out, inner = kernels.shape[:2]
    matrix = correlation_matrix(kernels, n)
    transformed = to_frequency(matrix, n, dims)
    figure = Figure(figsize=(WIDTH, 3.3))
    left, right = figure.subplots(1, 2)
    image = left.imshow(matrix.numpy(), **diverging(matrix.numpy()))
    figure.colorbar(image, ax=left, shrink=0.75)
    norm = LogNorm(FLOOR, float(transformed.abs().max()))
    image = right.imshow(transformed.abs().clamp(min=FLOOR).numpy(), norm=norm)
    figure.colorbar(image, ax=right, shrink=0.75)
    where = "off the diagonal" if out == inner == 1 else "outside the blocks"
    left.set_title("$C$, in pixels", fontsize=10)
    right.set_title(f"$|F C F^*|$, {where} {off_blocks(transformed, n**dims):.1e}", fontsize=10)
    for axes, what, places in ((left, "pixel", lattice(0, n - 1)), (right, "frequency", frequencies(n))):
        axes.grid(False)
        axes.set(xlabel=f"{what} of the image", ylabel=f"{what} of the output")
        _number(axes, places.tolist(), inner, out, dims)
    return figure


def _number(axes: Axes, places: list[int], inner: int, out: int, dims: int) -> None:
    """Label a tick in the middle of every fourth block of an axis; rows of images have too many blocks to number."""
    shown = range(0, len(places), max(len(places) // 4, 1)) if dims == 1 else []
    names = [str(places[block]).replace("-", "−") for block in shown]
    axes.set_xticks([block * inner + (inner - 1) / 2 for block in shown], names)
    axes.set_yticks([block * out + (out - 1) / 2 for block in shown], names)


def eigenvalues(kernel: Tensor, n: int) -> Figure:
    """The diagonal of F C F* for taps (k,) on n pixels, on the curve of the kernel's conjugate spectrum.

    >>> len(eigenvalues(torch.randn(3), 8).axes[0].lines)
    4
    """
    diagonal = to_frequency(correlation_matrix(kernel.view(1, 1, -1), n), n, 1).diagonal()
    u = torch.linspace(-0.5, 0.5, 401, dtype=torch.float64)
    taps = lattice(-origin(len(kernel)), len(kernel) - 1 - origin(len(kernel)))
    phases = torch.polar(torch.ones(401, len(kernel), dtype=torch.float64), 2 * torch.pi * torch.outer(u, taps))
    curve = phases @ kernel.to(phases.dtype)
    figure = Figure(figsize=(WIDTH, 2.6))
    axes = figure.subplots()
    for name, color in (("real", REAL), ("imag", IMAGINARY)):
        label = "real part" if name == "real" else "imaginary part"
        axes.plot(u, getattr(curve, name), color=color, linewidth=1, label=rf"$\overline{{\hat W(u)}}$, {label}")
        axes.plot(frequencies(n) / n, getattr(diagonal, name), "o", color=color, label=f"eigenvalues, {label}")
    axes.set(xlabel="frequency $u$ (cycles per pixel)", xlim=(-0.52, 0.52))
    axes.legend(ncols=1, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def waves(n: int) -> Figure:
    """The first rows of the Fourier matrix: the waves that every shift leaves alone but for a factor.

    >>> len(waves(8).axes)
    3
    """
    rows = torch.conj_physical(fourier(n))  # the eigenvectors, columns of F*
    figure = Figure(figsize=(WIDTH, 1.9))
    for m, axes in enumerate(figure.subplots(1, 3, sharey=True)):
        row = rows[m + n // 2]
        axes.plot(row.real, "o-", color=REAL, markersize=3, linewidth=1, label="real part")
        axes.plot(row.imag, "o-", color=IMAGINARY, markersize=3, linewidth=1, label="imaginary part")
        axes.set_title(f"$m = {m}$", fontsize=10)
        axes.set_xlabel("pixel")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
