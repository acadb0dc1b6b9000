"""Figures of the protocol's accuracies: against image size, at other sizes than that of the training, against cost.

A dot or a line without a bar is of one seed; what is not run yet is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from scipy.optimize import isotonic_regression

from fourierconv.study import protocol
from fourierconv.study.answers import prices
from fourierconv.study.answers.accuracies import summaries
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.trainings import NAMES, NETWORKS, NOT_RUN, ordered
from fourierconv.study.figures.style import KNOWN, PROTOCOL, WIDTH
from fourierconv.study.methods import METHODS
from fourierconv.study.protocol import CONTENDERS

DODGE = 1.03  # factor between contenders along an axis of sizes, so that intervals do not cover each other
DEEPER = NETWORKS["deeper"]
THIN: dict[str, Any] = {"color": "#8a8a8a", "linewidth": 0.8, "zorder": 1}
FIELD = ("hermite", "spacings", "implicit_window")  # other learned sizes, of the field
SWEEP = tuple(name for name in protocol.FIXED if name not in PROTOCOL)  # the other fixed kernels, in grey
FIXED = "fixed k×k, with k"


def accuracy(evidence: Evidence, *names: str) -> Figure:
    """Draw test accuracy against image size, a panel per data: contenders with intervals, the fixed sweep thin."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    panels = figure.subplots(1, len(CONTENDERS))
    drawn: dict[str, Any] = {}
    for data, axes in zip(CONTENDERS, panels, strict=True):
        cells = done(summaries(evidence, "accuracy", *names, data=data))
        drawn |= fixed(axes, cells) | lines(axes, cells, "size")
        percents(axes)
        taps(axes, cells)
        axes.set(title=NAMES[data])
        size_axis(axes, cells["size"], "image size (px)")
        empty(axes, cells)
    panels[0].set_ylabel("test accuracy (%)")
    legend(figure, drawn)
    return evidence.stamp(figure)


def other_sizes(evidence: Evidence, *names: str) -> Figure:
    """Draw the accuracy of networks trained at one size against the size of the test images, a panel per data.

    Solid lines: kernels as they are; dashed ones: kernels resized with the image.
    """
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    panels = figure.subplots(1, len(CONTENDERS))
    drawn: dict[str, Any] = {}
    for data, axes in zip(CONTENDERS, panels, strict=True):
        cells = prices.at_sizes(evidence, *names, data=data)
        for sense, style in (("pixels", "-"), ("image", "--")):
            own = cells[(cells["sense"] == sense) & ~cells["contender"].str.endswith(DEEPER)]
            found = lines(axes, own, "test_size", style)
            drawn |= found if sense == "pixels" else {}
        axes.set(title=f"{NAMES[data]}, trained at {protocol.TUNED_AT} px")
        percents(axes)
        size_axis(axes, cells["test_size"], "size of the test images (px)")
        empty(axes, cells)
    panels[0].set_ylabel("test accuracy (%)")
    legend(figure, drawn, {"kernels as they are": "-", "kernels resized": "--"})
    return evidence.stamp(figure)


def costs(evidence: Evidence, *names: str, size: int = 128) -> Figure:
    """Draw test accuracy against the time of a training step, a panel per data and machine; fixed kernels are grey.

    A machine that trained a single contender has nothing to compare, and no panel beside others.
    """
    found = {data: prices.costs(evidence, *names, data=data, size=size) for data in CONTENDERS}
    places = [(data, machine) for data, own in found.items() for machine in _comparing(own["machine"]) or [""]]
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    panels = figure.subplots(1, len(places), squeeze=False)[0]
    drawn: dict[str, Any] = {}
    for (data, machine), axes in zip(places, panels, strict=True):
        cells = found[data][
            (found[data]["machine"] == machine) & found[data]["method"].isin((*PROTOCOL, *FIELD, *SWEEP))
        ]
        for row in cells.to_dict("records"):
            drawn |= _priced(axes, row)
        percents(axes)
        several = pd.concat([own["machine"] for own in found.values()]).nunique() > 1
        axes.set(
            xscale="log",
            xlabel="training step (ms)",
            title=f"{NAMES[data]}, {size} px" + f"\n{machine}" * bool(several),
        )
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        empty(axes, cells)
    panels[0].set_ylabel("test accuracy (%)")
    legend(figure, drawn)
    return evidence.stamp(figure)


def _comparing(machines: pd.Series) -> list[str]:
    counts = machines.value_counts()
    several = counts[counts > 1]
    return sorted((counts if several.empty else several).index)


def done(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that have a run."""
    return cells[cells["n"] > 0]


def lines(axes: Axes, cells: pd.DataFrame, column: str, style: str = "-") -> dict[str, Any]:
    """Draw a line of means with intervals per contender of `PROTOCOL`; return their labels with colour and marker."""
    chosen = cells[cells["method"].isin(PROTOCOL)]
    contenders = list(ordered(chosen)["contender"].unique())
    drawn = {}
    for number, name in enumerate(contenders):
        own = chosen[chosen["contender"] == name].sort_values(column)
        look = KNOWN[own["method"].iloc[0]]
        deeper = name.endswith(DEEPER)
        aside = DODGE ** (number - (len(contenders) - 1) / 2)
        reach = [(own["mean"] - own["low"]).fillna(0), (own["high"] - own["mean"]).fillna(0)]
        shown: dict[str, Any] = {"color": look.color, "marker": "x" if deeper else look.marker, "markersize": 6}
        axes.errorbar(own[column] * aside, own["mean"], reach, linestyle=":" if deeper else style, capsize=2, **shown)
        drawn[name] = shown | {"linestyle": ":" if deeper else "-"}
    return drawn


def fixed(axes: Axes, cells: pd.DataFrame) -> dict[str, Any]:
    """Draw a thin line of means per kernel of `SWEEP` against image size; return their label and look."""
    sizes = sorted(cells["size"].unique())
    own = cells[cells["method"].isin(SWEEP)]
    for _, line in own.groupby("method", sort=False):
        means = line.set_index("size")["mean"].reindex(sizes)
        axes.plot(sizes, means, marker=".", markersize=3, **THIN)  # a gap where it has no run
    return {} if own.empty else {FIXED: THIN}


def taps(axes: Axes, cells: pd.DataFrame) -> None:
    """Write the taps per axis at the ends of the lines of `fixed`, apart from each other, when limits are final."""
    own = cells[cells["method"].isin(SWEEP)].sort_values("size").groupby("method", sort=False).last()
    to_axes = axes.transData + axes.transAxes.inverted()
    look: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "va": "center", "fontsize": 9, "color": "#666666"}
    for size, ends in own.sort_values("mean").groupby("size"):
        heights = [float(to_axes.transform((size, mean))[1]) for mean in ends["mean"]]
        for method, height in zip(ends.index, spread(heights, 0.05), strict=True):
            axes.annotate(str(METHODS[str(method)].kernel_size), (float(str(size)) * 1.13, height), **look)


def spread(heights: Sequence[float], apart: float) -> list[float]:
    """Move rising heights apart, by the least sum of squares.

    >>> spread([1.0, 5.0, 5.0], 1.0)
    [1.0, 4.5, 5.5]
    """
    steps = apart * np.arange(len(heights))
    return list((isotonic_regression(heights - steps).x + steps).tolist())


def size_axis(axes: Axes, sizes: pd.Series, label: str) -> None:
    """A log axis of sizes with a tick at each."""
    axes.set(xscale="log", xlabel=label)
    ticks = sorted(sizes.unique())
    axes.set_xticks(ticks, map(str, ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    if ticks:
        axes.set_xlim(ticks[0] / 1.25, ticks[-1] * 1.35)


def percents(axes: Axes) -> None:
    """Keep an axis of accuracies between 0 and 100 %, which intervals over two or three seeds may pass."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, -2), min(high, 102))


def empty(axes: Axes, cells: pd.DataFrame) -> None:
    """Say in an empty panel that nothing is run yet."""
    if cells.empty:
        axes.set(xscale="linear", yscale="linear", xticks=[], yticks=[])
        axes.text(0.5, 0.5, NOT_RUN, transform=axes.transAxes, ha="center", va="center")


def legend(figure: Figure, drawn: dict[str, Any], styles: dict[str, str] | None = None) -> None:
    """Name what is drawn, and what the styles of lines mean, above the panels."""
    axes = figure.axes[0]
    if FIXED in drawn:  # last
        drawn[FIXED] = drawn.pop(FIXED)
    named = drawn | {
        label: {"color": "#444444", "linestyle": style} for label, style in (styles or {}).items() if drawn
    }
    handles = [axes.plot([], [], **shown)[0] for shown in named.values()]
    if handles:
        figure.legend(handles, list(named), loc="outside upper center", ncols=3)


def _priced(axes: Axes, row: dict[str, Any]) -> dict[str, Any]:
    """Draw a contender's accuracy at its time; return its label and look."""
    look = KNOWN[row["method"]]
    shown: dict[str, Any] = {"linestyle": "none", "markersize": 7}
    reach = [[row["accuracy"] - row["low"]], [row["high"] - row["accuracy"]]] if row["n"] > 1 else None
    if fixed := row["method"] in SWEEP:
        taps = str(METHODS[row["method"]].kernel_size)
        shown |= {"color": THIN["color"], "marker": f"${taps}$", "markersize": 7 * len(taps)}
    else:
        deeper = row["contender"].endswith(DEEPER)
        shown |= {"color": look.color, "marker": "x" if deeper else look.marker}
    axes.errorbar(row["ms"], row["accuracy"], reach, capsize=2, **shown)
    return {FIXED: shown | {"marker": "$k$", "markersize": 7}} if fixed else {row["contender"]: shown}
