"""Truncation error against the number of taps: compact kernels end, smooth ones fade, broken spectra never do."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from torch import Tensor

from fourierconv.study.figures.style import LOOKS, WIDTH

END = 1e-9  # below the figure: where a compact kernel has no error left
COLORS = {
    "spline": LOOKS["spline"].color,
    "scaled": LOOKS["scaled_layer"].color,
    "low-passed": LOOKS["scaled_channel"].color,
}
LINES = ("-", "--", ":")


def truncation(errors: Mapping[tuple[str, float], Tensor], sizes: Sequence[int]) -> Figure:
    """Median relative operator-norm error of cutting kernels to windows of growing size, one line per family and scale.

    Args:
        errors: per (family, scale) the errors (sizes, kernels); the families are those of `COLORS`.
        sizes: taps that are kept.

    >>> import torch
    >>> len(truncation({("spline", 1.0): torch.ones(2, 4)}, [1, 3]).axes[0].lines)  # with the line at 1e-3
    2
    """
    figure = Figure(figsize=(WIDTH, 3.2))
    axes = figure.subplots()
    seen: dict[str, int] = {}
    for (family, scale), values in errors.items():
        line = LINES[seen.setdefault(family, 0)]
        seen[family] += 1
        label = family if family == "spline" else f"{family}, scale {scale:g}"
        axes.loglog(sizes, values.quantile(0.5, 1).clamp(min=END), line, color=COLORS[family], label=label)
    axes.axhline(1e-3, color=LOOKS["conv2d_11"].color, linewidth=0.8)
    axes.set(xlabel="taps that are kept, per axis", ylabel="relative error in operator norm", ylim=(1e-7, 2))
    ticks = [1, 3, 5, 9, 15, 31, 61, 121, 241]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
