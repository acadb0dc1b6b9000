"""Figures of what a convolution costs: who is fastest where, and how time grows with kernels and images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from fourierconv.study.bench.bounds import OTHERS, Measured, ratio
from fourierconv.study.figures.style import WIDTH


@dataclass(frozen=True)
class Line:
    """How a contender is drawn."""

    label: str
    color: str
    marker: str


LINES = {
    "torch": Line("torch (oneDNN)", "#222222", "o"),
    "fft-conv-pytorch": Line("fft-conv-pytorch", "#8a8a8a", "s"),
    "torch-fftconv": Line("torch-fftconv", "#8a8a8a", "v"),
    "einsum": Line("torch.fft, einsum, autograd", "#3828dc", "^"),
    "auto": Line("this package", "#f8551a", "*"),
    "floor": Line("floor of FFT engines", "#883311", "_"),
}
CUDA_LINES = {
    "torch": Line("torch (cuDNN)", "#222222", "o"),
    "torch tf32": Line("torch, TF32", "#666666", "s"),
    "torch bf16 channels_last": Line("torch, bfloat16, channels last", "#aaaaaa", "v"),
    "einsum": LINES["einsum"],
    "auto": LINES["auto"],
    "auto tf32": Line("this package, TF32", "#ffa500", "P"),
    "floor": LINES["floor"],
}
LETTERS = {"whole": "w", "tiled": "t", "direct": "d"}


def crossover(cells: Sequence[Measured], channels: str) -> Figure:
    """Draw, over kernel and image, how many times faster 'auto' is than the fastest other, and the engine's initial.

    Args:
        cells: measured cells.
        channels: the beginning of the names of those to draw.
    """
    shown = [own for own in cells if own.cell.name.startswith(f"{channels}-")]
    kernels = sorted({own.cell.kernel for own in shown})
    sizes = sorted({own.cell.size for own in shown})
    factors = np.full((len(sizes), len(kernels)), np.nan)
    figure = Figure(figsize=(WIDTH, 0.9 + 0.5 * len(sizes)), layout="constrained")
    axes = figure.subplots()
    for own in shown:
        row, column = sizes.index(own.cell.size), kernels.index(own.cell.kernel)
        factor = math.exp(ratio(own, own.fastest(OTHERS), "auto").mean)
        factors[row, column] = math.log2(factor)
        text = f"{factor:.1f}{LETTERS[own.engine]}"
        axes.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if factor > 4 else "black")
    limit = max(1.0, float(np.nanmax(np.abs(factors))))
    axes.imshow(factors, cmap="PuOr", norm=TwoSlopeNorm(0.0, -limit, limit), aspect="auto", origin="lower")
    axes.set_xticks(range(len(kernels)), [str(kernel) for kernel in kernels])
    axes.set_yticks(range(len(sizes)), [str(size) for size in sizes])
    axes.set(xlabel="taps per axis", ylabel="image (px)")
    axes.grid(visible=False)
    return figure


def curves(cells: Sequence[Measured], lines: Mapping[str, Line] = LINES) -> Figure:
    """Draw milliseconds of a training step against the taps per axis, a line per contender, on logarithmic axes.

    Args:
        cells: measured cells of one family: they differ in their kernels alone.
        lines: the contenders to draw; where one was not measured, its line has no point.
    """
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    for name, line in lines.items():
        points: list[tuple[int, float]] = []
        for own in sorted(cells, key=lambda own: own.cell.kernel):
            if name == "floor" and own.floor:
                points.append((own.cell.kernel, 1000 * float(np.median(list(own.floor.values())))))
            elif name in own.steps:
                points.append((own.cell.kernel, 1000 * own.middle(name)))
        style = "--" if name == "floor" else "-"
        taps, times = zip(*points, strict=True) if points else ((), ())
        axes.plot(taps, times, style, color=line.color, marker=line.marker, label=line.label)
    xlabel = "taps" if all(own.cell.dims == 1 for own in cells) else "taps per axis"
    axes.set(xscale="log", yscale="log", xlabel=xlabel, ylabel="training step (ms)")
    kernels = sorted({own.cell.kernel for own in cells})
    axes.set_xticks(kernels, [str(kernel) for kernel in kernels])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
