"""Figures and tables of the size-recovery experiment: teachers, students, how near they came, what they missed."""

from __future__ import annotations

import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator

from fourierconv.study import comparisons, teachers
from fourierconv.study.experiments import size_recovery
from fourierconv.study.figures.style import LOOKS, WIDTH, diverging, ink
from fourierconv.study.frames import Runs, Shown
from fourierconv.study.trained import sides, taps

CLASSIC = 5  # pixels: where every student starts
CHANNELS = 64  # kernels whose extents are averaged before training
CELL = '{median:.2f}<br><small style="white-space: nowrap">{values}</small>'
NEAR = 0.1  # of the true extent
TICKS = (3, 10, 30)  # pixels
SPACINGS = (0.25, 0.5, 1, 2, 4, 8)  # pixels
SHARES = {0.01: "≤ 0.01", 0.1: "0.1", 1.0: "1", 10.0: "10", 100.0: "100"}  # percent


def teacher_sheet() -> Figure:
    """Show every kernel of every teacher, its extent as a dashed box, and a classic kernel's size as a solid one.

    >>> len(teacher_sheet().axes)
    35
    """
    gaussians = [name for name in teachers.NAMES if name.startswith("gaussian")]
    others = [name for name in teachers.NAMES if name not in gaussians]
    figure = Figure(figsize=(WIDTH, 3.6))
    figure.set_layout_engine("none")
    _teacher_block(figure, gaussians, 0.0, 0.55)
    _teacher_block(figure, others, 0.56, 0.998)
    return figure


def _teacher_block(figure: Figure, names: list[str], left: float, right: float) -> None:
    kernels = [teachers.get(name).kernels()[:, 0] for name in names]  # (kernels, 63, 63) each
    widest = max(map(len, kernels))
    widths = (1.55, *[1.0] * widest)
    grid = figure.add_gridspec(5, widest + 1, left=left, right=right, top=0.99, bottom=0.01, width_ratios=widths)
    for row, (name, drawn) in enumerate(zip(names, kernels, strict=True)):
        lengths = sides(drawn)  # (kernels, 2)
        box = grid[row, 0].get_position(figure)
        label = f"{name}\n{float(lengths.mean()):.1f} px"
        figure.text(box.x0 + 0.003, (box.y0 + box.y1) / 2, label, va="center", fontsize=9)
        for column, kernel in enumerate(drawn):
            axes = figure.add_subplot(grid[row, column + 1])
            _teacher(axes, kernel, lengths[column], 0.75 * float(lengths.max()) + 1)


def _teacher(axes: Axes, kernel: torch.Tensor, side: torch.Tensor, reach: float) -> None:
    edge = teachers.REACH + 0.5
    axes.imshow(kernel.numpy(), extent=(-edge, edge, edge, -edge), **diverging(kernel.numpy()))  # type: ignore[arg-type]
    for (height, width), line in ((side.tolist(), "--"), ((CLASSIC, CLASSIC), "-")):
        corner = (-width / 2, -height / 2)
        axes.add_patch(Rectangle(corner, width, height, fill=False, linestyle=line, linewidth=0.8))
    axes.set(xticks=[], yticks=[], xlim=(-reach, reach), ylim=(reach, -reach))
    axes.grid(False)
    axes.spines[:].set(visible=True, linewidth=0.5)


def students(runs: Runs) -> pd.DataFrame:
    """Return what each student has before training: coefficients per axis, scales, and the extent of its kernels."""
    first = {run.config.method: run.config for run in reversed(runs.results)}
    found = []
    for name in runs.rows["method"].unique():
        method = size_recovery.student_of(first[name])
        torch.manual_seed(first[name].seed)
        extents = sides(taps(method.layer(1, CHANNELS, "circular")))
        row = {"coefficients per axis": method.kernel_size, "one scale per": method.scale_per or "–"}
        found.append({"method": name, **row, "extent before training (px)": float(extents.mean())})
    return pd.DataFrame(found)


def recovered(runs: Shown) -> Figure:
    """Draw recovered against true extent, a point per run, with the diagonal; inputs down, students across."""
    inputs, methods = _inputs(runs), runs.rows["method"].unique()
    figure = Figure(figsize=(WIDTH, 1.0 + 1.3 * len(inputs)), layout="constrained")
    panels = figure.subplots(len(inputs), len(methods), sharex=True, sharey=True, squeeze=False)
    ends = 0.8 * min(runs.rows[["true_extent", "extent"]].min()), 1.25 * runs.rows["true_extent"].max()
    for line, kind in zip(panels, inputs, strict=True):
        for axes, method in zip(line, methods, strict=True):
            own = runs.rows[(runs.rows["input"] == kind) & (runs.rows["method"] == method)]
            look = LOOKS[method]
            axes.plot(ends, ends, color="#444444", linewidth=0.8)
            axes.scatter(own["true_extent"], own["extent"], s=18, marker=look.marker, color=look.color, linewidths=0)
            axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_ticks(TICKS, labels=map(str, TICKS))
                axis.set_minor_locator(NullLocator())
        line[0].set_ylabel(f"{kind} input")
    for axes, method in zip(panels[0], methods, strict=True):
        axes.set_title(LOOKS[method].label.replace(", ", ",\n"), fontsize=9, color=ink(LOOKS[method].color))
    panels[-1, len(methods) // 2 - 1].set_xlabel("true extent (px)", x=1.0)
    figure.supylabel("recovered extent (px)", fontsize=10)
    return runs.stamp(figure)


def spacings(runs: Runs) -> Figure:
    """Draw the spacings of the scaled students, a point per scale and run; the line is where all of them began.

    Teachers are down, from small to large, inputs across.
    """
    order = runs.rows.sort_values("true_extent", kind="stable")["teacher"].unique().tolist()
    methods = [name for name in runs.rows["method"].unique() if name.startswith("scaled")]
    inputs = _inputs(runs)
    figure = Figure(figsize=(WIDTH, 1.3 + 0.4 * len(order)), layout="constrained")
    panels = figure.subplots(1, len(inputs), sharex=True, sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, inputs, strict=True):
        axes.axvline(1.0, color="#444444", linewidth=0.8)
        for name, aside in zip(methods, (-0.16, 0.16), strict=True):
            own = [run for run in runs.results if (run.config.input, run.config.method) == (kind, name)]
            found = [(runs.store.weights(size_recovery, run.config)["scale"].flatten(), run.config) for run in own]
            places = [order.index(config.teacher) + aside for scales, config in found for _ in scales]
            values = torch.cat([scales for scales, _ in found]).tolist()
            look = LOOKS[name]
            axes.scatter(values, places, s=22, marker=look.marker, color=look.color, linewidths=0, label=look.label)
        axes.set(xscale="log", title=f"{kind} input", xlabel="learned spacing (px)", ylim=(len(order) - 0.5, -0.5))
        axes.set(xticks=SPACINGS, yticks=range(len(order)))
        axes.set_xticklabels(map(str, SPACINGS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(False, axis="y")
    panels[0].set_yticklabels(order)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return runs.stamp(figure)


def _inputs(runs: Shown) -> list[str]:
    return [kind for kind in size_recovery.INPUTS if kind in set(runs.rows["input"])]


def ratios(runs: Shown, kind: str) -> pd.DataFrame:
    """Return, for one kind of input, the ratio of recovered to true extent per teacher and student.

    Each cell holds the median over seeds and, below it, the ratio of every seed.
    """
    own = runs.rows[runs.rows["input"] == kind].sort_values("true_extent", kind="stable")
    medians = comparisons.medians(own, "ratio", ["teacher", "method"])
    table = comparisons.cross(medians, CELL, "teacher", "method")
    return table[runs.rows["method"].unique()]


def summary(runs: Shown) -> pd.DataFrame:
    """Return, per student, the interval of the median ratio over teachers and inputs, and how many runs came near.

    The columns `mean`, `low`, `high` are over seeds; `near` of `runs` runs are within 10 % of the true extent.
    """
    per_seed = runs.rows.groupby(["method", "seed"], sort=False)["ratio"].median().reset_index()
    table = comparisons.means(per_seed, "ratio", ["method"])
    near = (runs.rows["ratio"] - 1).abs() <= NEAR
    counts = near.groupby(runs.rows["method"]).agg(["sum", "size"])
    return table.assign(near=counts["sum"][table["method"]].to_numpy(), runs=counts["size"][table["method"]].to_numpy())


def longer(short: Shown, long: Shown) -> pd.DataFrame:
    """Return, per student, how near trainings of two lengths came: medians, and the percentage within 10 %."""
    columns = {}
    for profile, shown in (("quick", short), ("full", long)):
        found = summary(shown).set_index("method")
        steps = f"{size_recovery.STEPS[profile]} steps"
        columns[f"median ratio, {steps}"] = found["mean"].map("{:.2f}".format)
        columns[f"within 10 %, {steps}"] = (100 * found["near"] / found["runs"]).map("{:.0f} %".format)
    return pd.DataFrame(columns)


def unexplained(runs: Shown) -> Figure:
    """Draw the share of the target's variance that students leave, a point per run; teachers down, inputs across."""
    rows = runs.rows.sort_values("true_extent", kind="stable")
    inputs, methods, names = _inputs(runs), runs.rows["method"].unique(), rows["teacher"].unique()
    figure = Figure(figsize=(WIDTH, 1.3 + 0.5 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(inputs), sharey=True, squeeze=False)[0]
    places = {name: place for place, name in enumerate(names)}
    for axes, kind in zip(panels, inputs, strict=True):
        for number, method in enumerate(methods):
            own = rows[(rows["input"] == kind) & (rows["method"] == method)]
            aside = 0.13 * (number - (len(methods) - 1) / 2)
            look = LOOKS[method]
            share, place = (100 * own["unexplained"]).clip(lower=min(SHARES)), own["teacher"].map(places) + aside
            axes.scatter(share, place, s=22, marker=look.marker, color=look.color, linewidths=0)
        axes.set(xscale="log", xlim=(0.6 * min(SHARES), 160), title=f"{kind} input", xlabel="unexplained variance (%)")
        axes.set(xticks=list(SHARES), yticks=list(places.values()), ylim=(len(names) - 0.5, -0.5))
        axes.set_xticklabels(SHARES.values())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.hlines([place + 0.5 for place in places.values()], *axes.get_xlim(), color="#cccccc", linewidth=0.6)
        axes.grid(False, axis="y")
    panels[0].set_yticklabels(names)
    handles = [panels[0].collections[number] for number in range(len(methods))]
    figure.legend(handles, [LOOKS[name].label for name in methods], loc="outside upper center", ncols=3)
    return runs.stamp(figure)
