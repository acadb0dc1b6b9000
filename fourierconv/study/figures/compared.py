"""Figures of the protocol's comparisons, a row per contender: points above classic kernels, and steps of training."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fourierconv.study.answers.changes import beside_classic
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.seeds import paired, summed
from fourierconv.study.answers.trainings import ordered
from fourierconv.study.claims import CLASSIC
from fourierconv.study.experiments.classification import LEVELS
from fourierconv.study.figures.answers import empty
from fourierconv.study.figures.style import KNOWN, WIDTH

ROW = 0.3  # inches
DOTS: dict[str, Any] = {"s": 12, "alpha": 0.7, "linewidths": 0}


def changes(evidence: Evidence) -> Figure:
    """Draw the points of every change of question 4 above the classic kernels of its network, with intervals."""
    found = beside_classic(evidence, "parts")
    found = ordered(found[(found["n"] > 0) & ~found["classic"]])
    figure, axes = _rows(found["contender"].tolist())
    for place, row in enumerate(found.to_dict("records")):
        _mean(axes, row, place, row["method"])
    axes.set(xlabel="points above the classic kernels of the same network")
    empty(axes, found)
    return evidence.stamp(figure)


def coordinates(evidence: Evidence) -> Figure:
    """Draw question 5: points of `spectral` above conv2d 5×5 by optimizer, a dot per seed and their mean."""
    rows = evidence.of("coordinates")
    figure, axes = _rows(["SGD", "Adam"])
    drawn = []
    for place, optimizer in enumerate(("sgd", "adam")):
        own = rows[rows["optimizer"] == optimizer]
        ours, theirs = own[own["method"] == "spectral"], own[own["method"] == CLASSIC]
        both = ours.merge(theirs, on="seed", suffixes=("", "_classic"))
        points = (both["accuracy"] - both["accuracy_classic"]).astype(float)
        axes.scatter(points, [place + 0.25] * len(points), color=KNOWN["spectral"].color, **DOTS)
        _mean(axes, paired(ours, theirs), place, "spectral")
        drawn += points.tolist()
    axes.set(xlabel="points of test accuracy of spectral above conv2d 5×5")
    empty(axes, pd.DataFrame(drawn))
    return evidence.stamp(figure)


def steps(evidence: Evidence, *names: str) -> Figure:
    """Draw after how many steps one network first reached accuracies in training: a panel per level, a dot per run."""
    rows = ordered(evidence.of(*names))
    methods = list(rows["method"].unique())
    figure = Figure(figsize=(WIDTH, 1.6 + ROW * max(1, len(methods))), layout="constrained")
    panels = figure.subplots(1, len(LEVELS), sharey=True, sharex=True)
    for level, axes in zip(LEVELS, panels, strict=True):
        for place, method in enumerate(methods):
            look = KNOWN[method]
            reached = rows.loc[rows["method"] == method, f"steps_to_{level}"].dropna().astype(float)
            axes.scatter(reached, [place + 0.25] * len(reached), color=look.color, **DOTS)
            axes.plot(summed(reached.tolist())["mean"], place, look.marker, color=look.color)
            if reached.empty:
                axes.annotate("never", (0.5, place), xycoords=("axes fraction", "data"), ha="center", va="center")
        axes.set(title=f"{level} % in training", ylim=(max(1, len(methods)) - 0.5, -0.5))
        axes.set_yticks(range(len(methods)), [KNOWN[method].label for method in methods])
        empty(axes, rows)
    panels[0].set_xlim(left=0)  # of all panels, and only now: limits that are set no longer grow with what is drawn
    panels[1].set_xlabel("steps, in whole epochs")
    return evidence.stamp(figure)


def _rows(names: list[str]) -> tuple[Figure, Axes]:
    """A panel with a row per name and a line at zero."""
    figure = Figure(figsize=(WIDTH, 1.4 + ROW * max(1, len(names))), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color="#444444", linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    return figure, axes


def _mean(axes: Axes, row: dict[str, Any], place: int, method: str) -> None:
    """A mean with its interval, where it has one."""
    look = KNOWN[method]
    reach = [[row["mean"] - row["low"]], [row["high"] - row["mean"]]] if row["n"] > 1 else None
    axes.errorbar(row["mean"], place, xerr=reach, fmt=look.marker, color=look.color, capsize=3)
