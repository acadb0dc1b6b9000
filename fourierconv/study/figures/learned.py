"""Figures of trained networks: their kernels and spectra, how large the kernels are, and how smooth the spectra."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator
from torch import Tensor

from fourierconv.extent import axis_energies, extent, mass_curve
from fourierconv.study import methods
from fourierconv.study.experiments.image_size import LAYER_COUNT
from fourierconv.study.figures.style import DIVERGING, LOOKS, SEQUENTIAL, WIDTH, diverging
from fourierconv.study.frames import Runs
from fourierconv.study.trained import Networks, taps

CLASSIC = 5  # pixels: the side of the square drawn over every kernel
GRID = 65  # points per axis of the spectra, odd so that DC is the middle one
PIXELS = (1, 2, 5, 10, 20, 50)  # ticks of sizes
GUIDE: dict[str, Any] = {"color": "#444444", "linewidth": 0.8, "linestyle": "--"}


def kernels(runs: Runs, trained: Networks, size: int, layer: int, count: int = 3) -> Figure:
    """Draw the `count` kernels of largest norm of one layer, and beside them their spectra; contenders down."""
    names = [method for at, method in trained if at == size]
    figure = Figure(figsize=(WIDTH, 0.9 + 1.02 * len(names)), layout="constrained")
    panels = figure.subplots(len(names), 2 * count, squeeze=False)
    for line, name in zip(panels, names, strict=True):
        every = taps(trained[size, name].convolutions()[layer - 1]).flatten(0, 1)
        largest = every[every.flatten(1).norm(dim=1).argsort(descending=True, stable=True)[:count]]
        reach = _reach(largest)
        for kernel, left, right in zip(largest, line[:count], line[count:], strict=True):
            _kernel(left, kernel, reach)
            _spectrum(right, kernel)
        line[0].set_ylabel(LOOKS[name].label.replace(", ", ",\n"), color=LOOKS[name].color, fontsize=9)
        line[0].set_xlabel(f"{2 * reach + 1} px wide", fontsize=9)
    panels[0, count // 2].set_title("kernels")
    panels[0, count + count // 2].set_title("their spectra")
    for axes in panels[-1, count:]:
        axes.set_xticks([-0.5, 0, 0.5], ["−½", "0", "½"])
    panels[-1, count + count // 2].set_xlabel("cycles per pixel")
    return runs.stamp(figure)


def _reach(kernels: Tensor) -> int:
    """Pixels from the origin that hold nearly all of every kernel's energy, at least one more than a classic kernel."""
    sides = [float(extent(energy, 0.995).max()) for energy in axis_energies(kernels, 2)]
    return max(CLASSIC // 2 + 1, math.ceil(max(sides) / 2))


def _kernel(axes: Axes, kernel: Tensor, reach: int) -> None:
    edge, shown = len(kernel) / 2, reach + 0.5
    axes.imshow(kernel.numpy(), extent=(-edge, edge, edge, -edge), **diverging(kernel.numpy()))  # type: ignore[arg-type]
    axes.add_patch(Rectangle((-CLASSIC / 2, -CLASSIC / 2), CLASSIC, CLASSIC, fill=False, linewidth=0.8))
    axes.set(xticks=[], yticks=[], xlim=(-shown, shown), ylim=(shown, -shown))
    axes.set_facecolor(colormaps[DIVERGING](0.5))  # beyond the taps the kernel is zero
    _frame(axes)


def _spectrum(axes: Axes, kernel: Tensor) -> None:
    # Wrapping taps onto the grid samples the spectrum of a kernel of any size.
    index = torch.arange(len(kernel)) % GRID
    wrapped = torch.zeros(GRID, GRID).index_put_((index[:, None], index), kernel, accumulate=True)
    magnitude = torch.fft.fftshift(torch.fft.fft2(wrapped).abs())
    axes.imshow(magnitude.numpy(), extent=(-0.5, 0.5, 0.5, -0.5), vmin=0, cmap=SEQUENTIAL)
    axes.set(xticks=[], yticks=[])
    _frame(axes)


def _frame(axes: Axes) -> None:
    axes.grid(False)
    axes.spines[:].set(visible=True, linewidth=0.5)


def mass_curves(runs: Runs, trained: Networks) -> Figure:
    """Draw the share of the energy in centred windows against their side, mean over a layer's kernels."""
    figure, panels, sizes = _panels([size for size, _ in trained], 1.9)
    for (size, method), network in trained.items():
        for axes, layer in zip(panels[sizes.index(size)], network.convolutions(), strict=True):
            curves = [mass_curve(energy) for energy in axis_energies(taps(layer), 2)]
            curve = torch.stack(curves).mean((0, 1, 2))
            side = 2 * torch.arange(len(curve)) + 1
            axes.plot(side, 100 * curve, color=LOOKS[method].color, marker=".", markersize=3, linewidth=1.2)
    for axes in panels.flat:
        axes.axhline(95, **GUIDE)
    panels[-1, 1].set_xlabel("side of the window (px)")
    figure.supylabel("share of the energy (%)", fontsize=10)
    names = list(dict.fromkeys(method for _, method in trained))
    handles = [panels[0, 0].plot([], [], color=LOOKS[name].color)[0] for name in names]
    figure.legend(handles, [LOOKS[name].label for name in names], loc="outside upper center", ncols=3)
    return runs.stamp(figure)


def extents(runs: Runs, rows: pd.DataFrame) -> Figure:
    """Draw how the extents of a layer's kernels spread: boxes from quartile to quartile, whiskers to the extremes."""
    figure, panels, sizes = _panels(rows["size"], 1.9)
    for (size, number), own in rows.groupby(["size", "layer"]):
        axes = panels[sizes.index(size), number - 1]
        names = list(own["method"].unique())
        groups = [own.loc[own["method"] == name, "extent"].to_numpy() for name in names]
        boxes = axes.boxplot(groups, orientation="horizontal", whis=(0, 100), widths=0.6, patch_artist=True)
        for box, line, name in zip(boxes["boxes"], boxes["medians"], names, strict=True):
            box.set(facecolor=LOOKS[name].color, alpha=0.7)
            line.set_color("black")
        axes.set_yticks(range(1, len(names) + 1), [LOOKS[name].label for name in names])
        axes.set_ylim(len(names) + 0.6, 0.4)
    panels[-1, 1].set_xlabel("extent (px of the layer's input)")
    return runs.stamp(figure)


def scales(runs: Runs, trained: Networks) -> Figure:
    """Draw the learned against the initial scale of every output channel with a scale of its own."""
    sizes = sorted({size for size, _ in trained})
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    panels = figure.subplots(1, LAYER_COUNT, sharex=True, sharey=True)
    shades = colormaps[SEQUENTIAL](np.linspace(0.1, 0.8, len(sizes)))
    ends = []
    for size, shade in zip(sizes, shades, strict=True):
        for axes, layer in zip(panels, trained[size, "scaled_channel"].convolutions(), strict=True):
            fresh = methods.get("scaled_channel").layer(layer.in_channels, layer.out_channels, "zeros")
            start, end = (each.state_dict()["scale"].flatten().tolist() for each in (fresh, layer))
            axes.scatter(start, end, s=22, color=shade, linewidths=0, label=f"{size} px images")
            ends += start + end
    limits = 0.85 * min(ends), 1.15 * max(ends)
    for number, axes in enumerate(panels, 1):
        axes.plot(limits, limits, **GUIDE)
        axes.set(title=f"layer {number}", xscale="log", yscale="log", xlim=limits, ylim=limits)
        for axis in (axes.xaxis, axes.yaxis):
            _ticks(axis, limits)
    panels[1].set_xlabel("initial scale (px)")
    panels[0].set_ylabel("learned scale (px)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(sizes))
    return runs.stamp(figure)


def roughness(runs: Runs, rows: pd.DataFrame) -> Figure:
    """Draw √roughness/2π of every kernel's spectrum against its rms radius, and its roughness against its extent."""
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, own in rows.groupby("method", sort=False):
        look = LOOKS[str(name)]
        measured = np.sqrt(own["roughness"]) / (2 * math.pi)
        # thousands of dots: as pixels, they do not weigh on the page
        dots: dict[str, Any] = {"s": 6, "color": look.color, "linewidths": 0, "alpha": 0.6, "rasterized": True}
        left.scatter(own["rms"], measured, label=look.label, **dots)
        right.scatter(own["extent"], own["roughness"], **dots)
    limits = 0.85 * rows["rms"].min(), 1.15 * rows["rms"].max()
    left.plot(limits, limits, **GUIDE)
    left.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    for axis in (left.xaxis, left.yaxis):
        _ticks(axis, limits)
    right.set(xscale="log", yscale="log")
    _ticks(right.xaxis, right.get_xlim())
    left.set(xlabel="rms radius of the taps (px)", ylabel="√roughness of the spectrum / 2π (px)")
    right.set(xlabel="extent (px)", ylabel="roughness of the spectrum (px²)")
    figure.legend(loc="outside upper center", ncols=3, markerscale=3)
    return runs.stamp(figure)


def _panels(found: Iterable[int], height: float) -> tuple[Figure, np.ndarray, list[int]]:
    """Panels with a log axis of pixels, a row per image size and a column per layer."""
    sizes = sorted(set(found))
    figure = Figure(figsize=(WIDTH, 1.0 + height * len(sizes)), layout="constrained")
    panels = figure.subplots(len(sizes), LAYER_COUNT, sharex=True, sharey=True, squeeze=False)
    for line, size in zip(panels, sizes, strict=True):
        line[-1].annotate(f"{size} px images", (1.02, 0.5), xycoords="axes fraction", rotation=270, va="center")
    for number, axes in enumerate(panels[0], 1):
        axes.set_title(f"layer {number}")
        axes.set(xscale="log", xlim=(0.9, 60))
        _ticks(axes.xaxis, (0.9, 60))
    return figure, panels, sizes


def _ticks(axis: Axis, limits: tuple[float, float]) -> None:
    inside = [pixels for pixels in PIXELS if limits[0] <= pixels <= limits[1]]
    axis.set_ticks(inside, labels=map(str, inside))
    axis.set_minor_locator(NullLocator())
