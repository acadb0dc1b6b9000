"""The zeros on both sides of an image are the same zeros on a circle: errors against the length of the grid."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from fourierconv.study.figures.style import LOOKS, WIDTH
from fourierconv.study.theory.margins import grid_errors

FLOOR = 1e-17
MARKS: dict[str, dict[str, Any]] = {
    "max(left, right)": {"color": LOOKS["scaled_channel"].color, "zorder": 1},
    "left + right": {"color": LOOKS["conv2d_11"].color, "linestyle": "--", "zorder": 0},
}


def shared_margins(n: int, kernel_size: int, paddings: Sequence[tuple[int, int]], seed: int) -> Figure:
    """Error of a zero-padded correlation on circular grids of growing length, one panel per padding (left, right).

    The vertical lines mark n + max(left, right), which is enough, and n + left + right, which wastes zeros.

    >>> len(shared_margins(16, 5, [(2, 2), (0, 3)], seed=0).axes)
    2
    """
    longest = max(left + right for left, right in paddings) + 1
    grids = range(n, n + longest + 1)
    figure = Figure(figsize=(WIDTH, 2.6))
    panels = figure.subplots(1, len(paddings), sharey=True)
    for axes, (left, right) in zip(panels, paddings, strict=True):
        errors = grid_errors(n, kernel_size, (left, right), grids, seed)
        places = {"max(left, right)": max(left, right), "left + right": left + right}
        marks = {label: axes.axvline(place, label=label, **MARKS[label]) for label, place in places.items()}
        axes.semilogy([grid - n for grid in grids], [max(e, FLOOR) for e in errors], "o-k", markersize=4)
        axes.set_title(f"{left} zeros left, {right} right", fontsize=10)
        axes.set(xlabel="grid − image (pixels)", ylim=(FLOOR, 10), xticks=range(0, longest + 1, 2))
    panels[0].set_ylabel("relative error")
    figure.legend(handles=list(marks.values()), loc="outside lower center", ncols=2)
    return figure
