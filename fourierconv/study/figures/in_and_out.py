"""Figures of a network that was converted and exported: sizes before and after training, and what a tolerance costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fourierconv.study.figures.style import SEQUENTIAL, WIDTH
from fourierconv.study.frames import Runs

CLASSIC, LEARNED = "#222222", "#f8551a"
SPREAD = 0.3  # how far the dots of a layer are moved apart sideways


def extents(runs: Runs, sizes: pd.DataFrame) -> Figure:
    """Draw the extent of every output channel after training, a dot each, over the mean of its layer before it."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axes = figure.subplots()
    for layer, own in sizes.groupby("layer"):
        places = layer + np.linspace(-SPREAD, SPREAD, len(own))
        axes.scatter(places, own["after"].sort_values(), s=18, color=LEARNED, linewidths=0, label="after training")
        mean = own["before"].mean()
        axes.plot([places[0], places[-1]], [mean, mean], color=CLASSIC, label="before, mean of the layer")
    layers = sizes["layer"].unique()
    axes.set_xticks(layers, [f"layer {layer}" for layer in layers])
    axes.set(ylabel="extent (px of the layer's input)", ylim=(0, None))
    figure.legend(*(entries[:2] for entries in axes.get_legend_handles_labels()), loc="outside upper center", ncols=2)
    return runs.stamp(figure)


def tolerances(runs: Runs, exported: pd.DataFrame) -> Figure:
    """Draw taps per axis and the bound against the tolerance, a line per layer; tolerances fall to the right."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    asked = exported["tolerance"].unique()
    right.plot(asked, asked, color="#444444", linewidth=0.8, linestyle="--")
    layers = exported["layer"].unique()
    shades = colormaps[SEQUENTIAL](np.linspace(0.0, 0.8, len(layers)))
    widths = np.linspace(4.0, 1.2, len(layers))  # lines that coincide all show
    for layer, shade, width in zip(layers, shades, widths, strict=True):
        own = exported[exported["layer"] == layer]
        line: dict[str, Any] = {"color": shade, "linewidth": width, "marker": "o", "markersize": 2.5 + width}
        left.plot(own["tolerance"], own["taps"], label=f"layer {layer}", **line)
        right.plot(own["tolerance"], own["bound"], **line)
    for axes in (left, right):
        axes.set(xscale="log", xlabel="tolerance")
        axes.invert_xaxis()
    left.set(ylabel="taps per axis", ylim=(0, None))
    left.yaxis.set_major_locator(MaxNLocator(integer=True))
    right.set(yscale="log", ylabel="bound")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=len(layers))
    return runs.stamp(figure)
