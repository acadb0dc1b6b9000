"""Figures of trained networks: their kernels and spectra, how large the kernels are, and how smooth the spectra."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib import colormaps
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from fourierconv.extent import axis_energies, mass_curve
from fourierconv.study import methods
from fourierconv.study.experiments.image_size import LAYER_COUNT
from fourierconv.study.figures.portraits import portraits
from fourierconv.study.figures.style import LOOKS, SEQUENTIAL, WIDTH
from fourierconv.study.frames import Runs
from fourierconv.study.models import convolutions
from fourierconv.study.trained import Networks, taps

PIXELS = (1, 2, 5, 10, 20, 50)  # ticks of sizes
GUIDE: dict[str, Any] = {"color": "#444444", "linewidth": 0.8, "linestyle": "--"}


def kernels(runs: Runs, trained: Networks, size: int, layer: int, count: int = 3) -> Figure:
    """Draw one layer of every contender: its strongest kernels, their spectra and how large they are."""
    names = [method for at, method in trained if at == size]
    layers = {LOOKS[name].label: convolutions(trained[size, name])[layer - 1] for name in names}
    return runs.stamp(portraits(layers, count, {LOOKS[name].label: LOOKS[name].color for name in names}))


def mass_curves(runs: Runs, trained: Networks) -> Figure:
    """Draw the share of the energy in centred strips against their width, mean over a layer's kernels."""
    figure, panels, sizes = _panels([size for size, _ in trained], 1.9)
    for (size, method), network in trained.items():
        for axes, layer in zip(panels[sizes.index(size)], convolutions(network), strict=True):
            curves = [mass_curve(energy) for energy in axis_energies(taps(layer), 2)]
            curve = torch.stack(curves).mean((0, 1, 2))
            side = 2 * torch.arange(len(curve)) + 1
            axes.plot(side, 100 * curve, color=LOOKS[method].color, marker=".", markersize=3, linewidth=1.2)
    for axes in panels.flat:
        axes.axhline(95, **GUIDE)
    panels[-1, 1].set_xlabel("width of the strip (px)")
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
        for axes, layer in zip(panels, convolutions(trained[size, "scaled_channel"]), strict=True):
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
