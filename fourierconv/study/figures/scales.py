"""What a learned scale does: the same coefficients at several scales, and the extent of random kernels."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure

from fourierconv import FourierConv2d
from fourierconv.study.figures.maps import draw_kernel, draw_spectrum, magnitude
from fourierconv.study.figures.style import LOOKS, WIDTH

GRID = 64


def scale_strip(layers: Sequence[FourierConv2d], size: int) -> Figure:
    """The first kernel of each layer above its spectrum, titled with scale and extent.

    Args:
        layers: each with one learned scale.
        size: odd number of pixels that are shown.

    >>> layers = [FourierConv2d(1, 1, 5, parameterization="scaled", scale=s) for s in (1.0, 2.0)]
    >>> len(scale_strip(layers, 15).axes)
    4
    """
    figure = Figure(figsize=(WIDTH, 3.7))
    above, below = figure.subplots(2, len(layers))
    for column, layer in enumerate(layers):
        assert layer.scale is not None
        draw_kernel(above[column], layer.kernel(size).detach()[0, 0])
        draw_spectrum(below[column], magnitude(layer, GRID))
        extent = float(layer.extent()[0, 0].mean())
        above[column].set_title(f"scale {layer.scale.item():g} px\nextent {extent:.1f} px", fontsize=10)
        above[column].set_ylabel("")
        if column:
            above[column].set_yticklabels([])
            below[column].set_yticklabels([])
    return figure


def scale_extents(layers: Mapping[str, Sequence[FourierConv2d]]) -> Figure:
    """Extent of random kernels against scale, both logarithmic: the median line and the band of 10 to 90 %.

    Args:
        layers: per parameterization, layers of many kernels at growing scales; names as in `fourierconv`.

    >>> layers = [FourierConv2d(4, 4, 5, parameterization="window", scale=s) for s in (0.5, 1.0)]
    >>> len(scale_extents({"window": layers}).axes[0].lines)
    1
    """
    figure = Figure(figsize=(WIDTH, 2.9))
    axes = figure.subplots()
    for name, row in layers.items():
        look = LOOKS["scaled_layer" if name == "scaled" else name]
        scales = [layer.scale.item() for layer in row if layer.scale is not None]
        extents = torch.stack([layer.extent().flatten() for layer in row])
        low, middle, high = torch.quantile(extents.float(), torch.tensor([0.1, 0.5, 0.9]), 1)
        axes.loglog(scales, middle, marker=look.marker, color=look.color, label=f"{name}, k = {row[0].kernel_size[0]}")
        axes.fill_between(scales, low, high, color=look.color, alpha=0.2, linewidth=0)
    ticks = [1, 2, 5, 10, 20, 40]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    places = sorted({layer.scale.item() for row in layers.values() for layer in row if layer.scale is not None})
    axes.set_xticks(places, [f"{place:g}" for place in places])
    axes.minorticks_off()
    axes.set(xlabel="scale (pixels)", ylabel="extent (pixels)")
    axes.legend(loc="upper left")
    return figure
