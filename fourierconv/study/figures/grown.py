"""Figures of the protocol's kernels: extents against image size, scales per layer, accuracy against relative extent."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from fourierconv.study.answers import kernels
from fourierconv.study.answers.accuracies import summaries
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.kernels import LAST, LAYERS
from fourierconv.study.answers.seeds import summed
from fourierconv.study.answers.trainings import NAMES, ordered
from fourierconv.study.figures.answers import DEEPER, done, empty, fixed, legend, lines, size_axis, taps
from fourierconv.study.figures.portraits import portraits as draw_portraits
from fourierconv.study.figures.style import KNOWN, PROTOCOL, WIDTH
from fourierconv.study.protocol import CONTENDERS

GUIDE: dict[str, Any] = {"color": "#444444", "linewidth": 0.5, "linestyle": "--", "zorder": 1}
PIXELS = (0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50)  # ticks of extents and scales
MARKS = {32: 4, 64: 7, 128: 10, 256: 13}  # points by the pixels of an image


def extents(evidence: Evidence, *names: str, data: str) -> Figure:
    """Draw the extent of each layer's kernels against image size on log axes; dashed lines grow with the image."""
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    panels = figure.subplots(1, len(LAYERS), sharey=True)
    drawn: dict[str, Any] = {}
    values: list[float] = []
    for layer, axes in zip(LAYERS, panels, strict=True):
        cells = done(summaries(evidence, f"extent_{layer}", *names, data=data))
        drawn |= _growth(axes, cells[~cells["contender"].str.endswith(DEEPER)])
        values += cells["mean"].tolist()
        axes.set_title(f"layer {layer}")
    if values:
        pixels(panels[0], "y", 0.8 * min(values), 1.25 * max(values))
    panels[0].set_ylabel("extent (px of the layer's input)")
    legend(figure, drawn)
    return evidence.stamp(figure)


def last_layer(evidence: Evidence, *names: str, sweep: str) -> Figure:
    """Draw the last layer's extents as `extents` does, a panel per data, over those of a sweep of fixed kernels."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    panels = figure.subplots(1, len(CONTENDERS), sharey=True)
    drawn: dict[str, Any] = {}
    thin: list[pd.DataFrame] = []
    values: list[float] = []
    for data, axes in zip(CONTENDERS, panels, strict=True):
        cells, swept = (done(summaries(evidence, f"extent_{LAST}", *own, data=data)) for own in (names, (sweep,)))
        drawn |= fixed(axes, swept) | _growth(axes, cells[~cells["contender"].str.endswith(DEEPER)])
        thin.append(swept)
        values += [*cells["mean"], *swept["mean"]]
        axes.set_title(NAMES[data])
    if values:
        pixels(panels[0], "y", 0.8 * min(values), 1.25 * max(values))
    for axes, swept in zip(panels, thin, strict=True):
        taps(axes, swept)
    panels[0].set_ylabel("extent of the last layer's kernels (px)")
    legend(figure, drawn)
    return evidence.stamp(figure)


def _growth(axes: Axes, cells: pd.DataFrame) -> dict[str, Any]:
    """Lines of extents against image size on log axes, over dashed ones that grow with the image; return looks."""
    sizes = sorted(cells["size"].unique())
    for start in (1, 2, 4, 8, 16):  # pixels at the smallest size
        axes.plot(sizes, [start * size / sizes[0] for size in sizes], **GUIDE)
    drawn = lines(axes, cells, "size")
    size_axis(axes, cells["size"], "image size (px)")
    axes.set_yscale("log")
    empty(axes, cells)
    return drawn


def training(evidence: Evidence, *names: str, data: str) -> Figure:
    """Draw the extents of each layer's kernels after every epoch, a line per run: sizes down, layers across."""
    found = kernels.histories(evidence, *names, data=data)
    found = ordered(found[found["method"].isin(PROTOCOL)])
    sizes = sorted(found["size"].unique()) or [""]
    figure = Figure(figsize=(WIDTH, 1.5 + 1.7 * len(sizes)), layout="constrained")
    panels = figure.subplots(len(sizes), len(LAYERS), sharex=True, sharey=True, squeeze=False)
    drawn: dict[str, Any] = {}
    for line, size in zip(panels, sizes, strict=True):
        for layer, axes in zip(LAYERS, line, strict=True):
            own = found[(found["size"] == size) & (found["layer"] == layer)]
            for (contender, method, _), run in own.groupby(["contender", "method", "seed"], sort=False):
                drawn[contender] = {"color": KNOWN[method].color}
                axes.plot(run["epoch"], run["extent"], linewidth=1.0, **drawn[contender])
            axes.set_yscale("log")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_title(f"layer {layer}, {size} px" if size else f"layer {layer}")
            empty(axes, own)
        line[0].set_ylabel("extent (px)")
    panels[-1, 1].set_xlabel("epochs trained")
    if len(found):
        pixels(panels[0, 0], "y", 0.8 * found["extent"].min(), 1.25 * found["extent"].max())
    legend(figure, drawn)
    return evidence.stamp(figure)


def portraits(evidence: Evidence, *names: str, data: str, size: int, layer: int) -> Figure:
    """Draw the strongest kernels of one layer, their spectra and mass curves, of networks whose weights were kept."""
    found = kernels.layers(evidence, *names, number=layer, data=data, size=size)
    if found:
        colors = {look.label: look.color for look in KNOWN.values()}
        return evidence.stamp(draw_portraits(found, colors={name: colors[name] for name in found}))
    figure = Figure(figsize=(WIDTH, 1.2), layout="constrained")
    empty(figure.subplots(), pd.DataFrame())
    return evidence.stamp(figure)


def scales(evidence: Evidence, *names: str) -> Figure:
    """Draw the scales of each layer, from the 10th to the 90th percentile with the median, a line per run.

    Grey boxes reach from the 10th to the 90th percentile at the start.
    """
    found = ordered(kernels.scales(evidence, *names))
    contenders = list(found["contender"].unique())
    figure = Figure(figsize=(WIDTH, 2.0 + 0.45 * len(contenders)), layout="constrained")
    panels = figure.subplots(1, len(LAYERS), sharey=True, sharex=True)
    for layer, axes in zip(LAYERS, panels, strict=True):
        for place, name in enumerate(contenders):
            own = found[(found["contender"] == name) & (found["layer"] == layer)].sort_values("seed")
            look, start = KNOWN[own["method"].iloc[0]], own.iloc[0]
            bar = [start["start_p10"], start["start_p90"]]
            axes.plot(bar, [place] * 2, color="#cccccc", linewidth=12, solid_capstyle="butt", zorder=1)
            axes.plot(start["start_p50"], place, "|", color="#888888", markersize=12, zorder=2)
            for number, run in enumerate(own.to_dict("records")):
                height = place + 0.3 * ((number + 0.5) / len(own) - 0.5) * 2
                axes.plot([run["p10"], run["p90"]], [height] * 2, color=look.color, linewidth=1.4)
                axes.plot(run["p50"], height, look.marker, color=look.color, markersize=5)
        axes.set(title=f"layer {layer}", xscale="log", ylim=(len(contenders) - 0.4, -0.6))
        axes.set_yticks(range(len(contenders)), contenders)
        empty(axes, found)
    if len(found):
        ends = found[["p10", "p90", "start_p10", "start_p90"]].astype(float)
        pixels(panels[0], "x", 0.8 * ends.min().min(), 1.25 * ends.max().max())
    panels[1].set_xlabel("scale (px of the layer's input)")
    return evidence.stamp(figure)


def limits(evidence: Evidence, *names: str, data: str = "letters") -> Figure:
    """Draw accuracy against the last layer's extent as a share of the letter; a contender's line joins image sizes."""
    runs = ordered(kernels.shares(evidence, *names, data=data))
    runs = runs[runs["method"].isin(PROTOCOL) | (runs["method"] == "conv2d_21")]
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes, drawn = figure.subplots(), {}
    for name, own in runs.groupby("contender", sort=False):
        look = KNOWN[own["method"].iloc[0]]
        cells = [
            {"size": size, "share": run["share"].mean(), **summed(run["accuracy"].astype(float).tolist())}
            for size, run in own.groupby("size")
        ]
        shown: dict[str, Any] = {"color": look.color, "marker": look.marker}
        axes.plot([cell["share"] for cell in cells], [cell["mean"] for cell in cells], color=look.color)
        for cell in cells:
            axes.plot(cell["share"], cell["mean"], markersize=MARKS[cell["size"]], **shown)
        drawn[str(name)] = shown
    axes.set(xlabel="extent of the last layer's kernels in the image / side of the letter", ylabel="test accuracy (%)")
    sizes = f", from {runs['size'].min()} to {runs['size'].max()} px" if len(runs) else ""
    axes.set_title(f"{NAMES[data]}; marks grow with the image{sizes}")
    empty(axes, runs)
    legend(figure, drawn)
    return evidence.stamp(figure)


def pixels(axes: Axes, name: str, low: float, high: float) -> None:
    """Limits and ticks of a log axis of pixels, 'x' or 'y'."""
    inside = [tick for tick in PIXELS if low <= tick <= high]
    axes.set(**{f"{name}lim": (low, high), f"{name}ticks": inside, f"{name}ticklabels": [f"{t:g}" for t in inside]})
    (axes.xaxis if name == "x" else axes.yaxis).set_minor_locator(NullLocator())
