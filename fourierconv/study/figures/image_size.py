"""Figures of the image-size experiment: accuracy and learned extents against the size of the image."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from fourierconv.study import comparisons, methods
from fourierconv.study.claims import CLASSIC
from fourierconv.study.experiments.image_size import LAYER_COUNT
from fourierconv.study.figures.style import LOOKS, WIDTH
from fourierconv.study.frames import Runs
from fourierconv.study.models import ConvNet, convolutions
from fourierconv.study.statistics import MATCH_MARGIN

DODGE = 1.035  # factor between contenders along the axis of sizes, so that intervals do not cover each other
BESIDE = 1.012  # and between their means and the dots of their runs
GUIDE: dict[str, Any] = {"color": "#444444", "linewidth": 0.8, "linestyle": "--"}
PIXELS = (2, 3, 5, 7, 10, 15, 20, 30, 50)  # ticks of extents


def parameters(runs: Runs) -> pd.DataFrame:
    """Count, per contender, what the network learns: in its convolutions, as scales, in all; and the share of 5×5's.

    A row per method with the columns `convolutions`, `scales`, `network`, `times 5×5` (of the convolutions).
    """
    config = runs.results[0].config
    found = []
    for name in runs.rows["method"].unique():
        network = ConvNet(methods.get(name), 1, config.widths, config.classes)
        learned = [named for layer in convolutions(network) for named in layer.named_parameters()]
        count = {
            "convolutions": sum(values.numel() for _, values in learned),
            "scales": sum(values.numel() for part, values in learned if part == "scale"),
            "network": sum(values.numel() for values in network.parameters()),
        }
        found.append({"method": name, **count})
    counts = pd.DataFrame(found)
    classic = counts.loc[counts["method"] == CLASSIC, "convolutions"].item()
    return counts.assign(**{"times 5×5": counts["convolutions"] / classic})


def accuracy(runs: Runs) -> Figure:
    """Draw test accuracy against image size: a dot per run, the mean over seeds with its 95 % interval."""
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    _accuracy(axes, runs.rows)
    _legend(figure, axes, runs.rows)
    return runs.stamp(figure)


def paired(runs: Runs) -> Figure:
    """Draw each contender's paired differences in accuracy from conv2d 5×5, with intervals, a panel per size.

    The band is what counts as a match where an interval's lower end lies in it or above.
    """
    differences = comparisons.differences(runs.rows)
    names, sizes = differences["method"].unique(), differences["size"].unique()
    figure = Figure(figsize=(WIDTH, 1.3 + 0.36 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(sizes), sharex=True, sharey=True, squeeze=False)[0]
    for axes, size in zip(panels, sizes, strict=True):
        axes.axvline(0, color="#444444", linewidth=0.8)
        axes.axvspan(-MATCH_MARGIN, 0, color="#888888", alpha=0.25, linewidth=0)
        for place, name in enumerate(names):
            own = differences[(differences["size"] == size) & (differences["method"] == name)]
            (mean,) = comparisons.means(own, "difference", ["size"]).itertuples()
            look = LOOKS[name]
            reach = [[mean.mean - mean.low], [mean.high - mean.mean]]
            axes.errorbar(mean.mean, place, xerr=reach, fmt=look.marker, color=look.color, capsize=3)
            axes.scatter(own["difference"], [place + 0.25] * len(own), s=10, color=look.color, alpha=0.7, linewidths=0)
        axes.set(title=f"{size} px", ylim=(len(names) - 0.5, -0.5))
        axes.set_yticks(range(len(names)), [LOOKS[name].label for name in names])
    panels[len(panels) // 2].set_xlabel(f"points of accuracy above {LOOKS[CLASSIC].label}")
    return runs.stamp(figure)


def extents(runs: Runs) -> Figure:
    """Draw the extent of each layer's kernels against image size on log axes; dashed lines grow with the image."""
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    panels = figure.subplots(1, LAYER_COUNT, sharey=True)
    for layer, axes in enumerate(panels, 1):
        _extent(axes, runs.rows, layer)
        axes.set_title(f"layer {layer}")
    values = runs.rows[[f"extent_{layer}" for layer in range(1, LAYER_COUNT + 1)]]
    panels[0].set(ylabel="extent (px of the layer's input)", ylim=_around(values))
    _legend(figure, panels[0], runs.rows)
    return runs.stamp(figure)


def training(runs: Runs) -> Figure:
    """Draw the extents of every run after each epoch: sizes down, layers across."""
    history = runs.history()
    sizes, names = history["size"].unique(), history["method"].unique()
    figure = Figure(figsize=(WIDTH, 1.2 + 1.7 * len(sizes)), layout="constrained")
    panels = figure.subplots(len(sizes), LAYER_COUNT, sharex=True, sharey=True, squeeze=False)
    for line, size in zip(panels, sizes, strict=True):
        for layer, axes in enumerate(line):
            for name in names:
                for _, run in history[(history["size"] == size) & (history["method"] == name)].groupby("seed"):
                    axes.plot(run["epoch"], run["extents"].str[layer], color=LOOKS[name].color, linewidth=1.0)
            axes.set_yscale("log")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            _pixel_ticks(axes)
        line[0].set_ylabel(f"{size} px images")
    for layer, axes in enumerate(panels[0], 1):
        axes.set_title(f"layer {layer}")
    panels[-1, 1].set_xlabel("epochs trained")
    panels[0, 0].set_ylim(_around(history["extents"].apply(pd.Series)))
    figure.supylabel("extent (px of the layer's input)", fontsize=10)
    handles = [panels[0, 0].plot([], [], color=LOOKS[name].color)[0] for name in names]
    figure.legend(handles, [LOOKS[name].label for name in names], loc="outside upper center", ncols=3)
    return runs.stamp(figure)


def fit(runs: Runs) -> Figure:
    """Draw test against training accuracy, a dot per run, a panel per size; on the diagonal the two are equal."""
    sizes = runs.rows["size"].unique()
    figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
    panels = figure.subplots(1, len(sizes), sharex=True, sharey=True, squeeze=False)[0]
    low = 0.9 * min(runs.rows[["accuracy", "train_accuracy"]].min())
    for axes, size in zip(panels, sizes, strict=True):
        axes.plot([low, 100], [low, 100], **GUIDE)
        for name, own in runs.rows[runs.rows["size"] == size].groupby("method", sort=False):
            look = LOOKS[str(name)]
            axes.scatter(
                own["train_accuracy"], own["accuracy"], s=22, marker=look.marker, color=look.color, linewidths=0
            )
        axes.set(title=f"{size} px", aspect="equal", xlim=(low, 102), ylim=(low, 102))
    panels[len(panels) // 2].set_xlabel("accuracy on training images, last epoch (%)")
    panels[0].set_ylabel("accuracy on unseen fonts (%)")
    _legend(figure, panels[0], runs.rows)
    return runs.stamp(figure)


def _accuracy(axes: Axes, rows: pd.DataFrame) -> None:
    _against_size(axes, rows, "accuracy")
    axes.set(ylabel="accuracy on unseen fonts (%)", ylim=(None, 101))  # an interval can reach beyond all that there is


def _extent(axes: Axes, rows: pd.DataFrame, layer: int) -> None:
    sizes, column = sorted(rows["size"].unique()), f"extent_{layer}"
    for start in (1, 2, 4, 8):  # pixels at the smallest size
        axes.plot(sizes, [start * size / sizes[0] for size in sizes], zorder=1, **GUIDE | {"linewidth": 0.5})
    _against_size(axes, rows, column)
    axes.set_yscale("log")
    _pixel_ticks(axes)


def _against_size(axes: Axes, rows: pd.DataFrame, column: str) -> None:
    """A line of means with intervals per contender over the axis of sizes, and a dot per run."""
    names = rows["method"].unique()
    means = comparisons.means(rows, column, ["method", "size"])
    for number, name in enumerate(names):
        look, aside = LOOKS[name], DODGE ** (number - (len(names) - 1) / 2)
        own, mean = rows[rows["method"] == name], means[means["method"] == name].sort_values("size")
        axes.scatter(own["size"] * aside * BESIDE, own[column], s=10, color=look.color, alpha=0.7, linewidths=0)
        reach = [mean["mean"] - mean["low"], mean["high"] - mean["mean"]]
        axes.errorbar(
            mean["size"] * aside, mean["mean"], reach, color=look.color, marker=look.marker, markersize=6, capsize=2
        )
    sizes = sorted(rows["size"].unique())
    axes.set(xscale="log", xlabel="image size (px)")
    axes.set_xticks(sizes, map(str, sizes))
    axes.xaxis.set_minor_locator(NullLocator())


def _around(values: pd.DataFrame) -> tuple[float, float]:
    return 0.8 * float(values.min().min()), 1.2 * float(values.max().max())


def _pixel_ticks(axes: Axes) -> None:
    axes.set_yticks(PIXELS, map(str, PIXELS))
    axes.yaxis.set_minor_locator(NullLocator())


def _legend(figure: Figure, axes: Axes, rows: pd.DataFrame) -> None:
    names = rows["method"].unique()
    handles = [axes.plot([], [], color=LOOKS[name].color, marker=LOOKS[name].marker, markersize=6)[0] for name in names]
    figure.legend(handles, [LOOKS[name].label for name in names], loc="outside upper center", ncols=3)
