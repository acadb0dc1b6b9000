"""What layers have learned, at a glance: kernels, their spectra, and how large they are, a row per layer."""

import math
from collections.abc import Mapping

import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullLocator
from torch import Tensor, nn

from fourierconv import FourierConv2d, from_conv
from fourierconv.study.figures.style import DIVERGING, SEQUENTIAL, WIDTH, diverging, ink

CLASSIC = 5  # pixels: the side of the square drawn over every kernel
GRID = 65  # points per axis of the spectra, odd so that DC is the middle one
MASS = 0.95  # share of the energy by which sizes are read
SIDES = (1, 3, 10, 30)  # ticks of sizes, in pixels
LARGE = 15  # pixels, beyond which a curve rises late


def portraits(layers: Mapping[str, nn.Module], count: int = 3, colors: Mapping[str, str] | None = None) -> Figure:
    """Draw the `count` kernels of largest norm of each layer, their spectra, and the mean mass curve of all.

    Args:
        layers: FourierConv2d or nn.Conv2d, by the name written beside the row.
        count: kernels per layer, fewer where a layer has not as many.
        colors: of the names and curves.

    >>> figure = portraits({"classic": nn.Conv2d(1, 4, 5), "smooth": FourierConv2d(1, 4, 5, parameterization="spline")})
    >>> len(figure.axes)  # three kernels, three spectra and a curve each
    14
    """
    figure = Figure(figsize=(WIDTH, 0.9 + 0.94 * len(layers)), layout="constrained")
    panels = figure.subplots(len(layers), 2 * count + 1, squeeze=False)
    for line, (name, module) in zip(panels, layers.items(), strict=True):
        layer = module if isinstance(module, FourierConv2d) else from_conv(module)
        assert isinstance(layer, FourierConv2d)
        color = (colors or {}).get(name, "#222222")
        size, kernels, spectra = strongest(layer, count)
        for axes in line[: 2 * count]:
            axes.set_axis_off()
        for kernel, spectrum, left, right in zip(kernels, spectra, line, line[count:], strict=False):
            _kernel(left, kernel)
            _spectrum(right, spectrum)
        line[0].set_axis_on()
        line[0].set_ylabel(name.replace(", ", ",\n"), color=ink(color), fontsize=9)
        line[0].set_xlabel(f"{size} px wide", fontsize=9)
        _mass(line[-1], layer, color)
    panels[0, count // 2].set_title("kernels")
    panels[0, count + count // 2].set_title("their spectra")
    panels[0, -1].set_title("energy")
    for axes in panels[-1, count : 2 * count]:
        axes.set_xticks([-0.5, 0, 0.5], ["−½", "0", "½"])
    panels[-1, count + count // 2].set_xlabel("cycles per pixel")
    panels[-1, -1].set_xticks(SIDES, map(str, SIDES))
    panels[-1, -1].set_xlabel("strip (px)")
    return figure


@torch.no_grad()
def strongest(layer: FourierConv2d, count: int) -> tuple[int, Tensor, Tensor]:
    """The `count` kernels of largest norm.

    Returns:
        An odd number of pixels that holds nearly all of their energy and more than a classic kernel; the kernels in
        that window, (count, size, size); and |Ŵ| with DC in the middle, (count, 65, 65).

    >>> size, kernels, spectra = strongest(FourierConv2d(2, 3, 5), 4)
    >>> size, kernels.shape, spectra.shape
    (7, torch.Size([4, 7, 7]), torch.Size([4, 65, 65]))
    """
    # the norms on a grid are those of the wrapped kernels: close enough to rank them
    taps = torch.fft.irfft2(layer.spectrum(GRID), s=(GRID, GRID)).flatten(0, 1)
    chosen = taps.flatten(1).norm(dim=1).argsort(descending=True, stable=True)[:count]
    side = float(layer.extent(0.995).flatten(0, 1)[chosen].max())
    size = 2 * max(CLASSIC // 2 + 1, math.ceil((side - 1) / 2)) + 1
    kernels = layer.kernel(size).flatten(0, 1)[chosen]
    return size, kernels, torch.fft.fftshift(torch.fft.fft2(taps[chosen]).abs(), (-2, -1))


def _kernel(axes: Axes, kernel: Tensor) -> None:
    edge = len(kernel) / 2
    axes.imshow(kernel.numpy(), extent=(-edge, edge, edge, -edge), **diverging(kernel.numpy()))  # type: ignore[arg-type]
    axes.add_patch(Rectangle((-CLASSIC / 2, -CLASSIC / 2), CLASSIC, CLASSIC, fill=False, linewidth=0.8))
    axes.set_facecolor(colormaps[DIVERGING](0.5))
    _frame(axes)


def _spectrum(axes: Axes, magnitude: Tensor) -> None:
    axes.imshow(magnitude.numpy(), extent=(-0.5, 0.5, 0.5, -0.5), vmin=0, cmap=SEQUENTIAL)
    _frame(axes)


def _frame(axes: Axes) -> None:
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set(visible=True, linewidth=0.5)


def _mass(axes: Axes, layer: FourierConv2d, color: str) -> None:
    """Share of the energy in centred strips, mean over kernels and axes; median extent of kernels, mean over axes."""
    curve = layer.mass_curve().mean((0, 1, 2)).float().tolist()
    sides = [2 * index + 1 for index in range(len(curve))]
    if len(curve) == 1 or sides[-1] < SIDES[-1]:  # nothing beyond
        sides.append(10 * SIDES[-1])
        curve.append(curve[-1])
    axes.plot(sides, curve, color=color, linewidth=1.2)
    axes.axhline(MASS, color="#444444", linewidth=0.8, linestyle="--")
    extent = float(layer.extent(MASS).mean(-1).quantile(0.5))
    x, y, side = (0.95, 0.1, "right") if extent < LARGE else (0.05, 0.6, "left")  # where the curve leaves room
    axes.text(x, y, f"{extent:.1f} px", transform=axes.transAxes, ha=side, fontsize=9, color=ink(color))
    axes.set(xscale="log", xlim=(0.9, 60), ylim=(0, 1.05), yticks=[])
    axes.set_xticks(SIDES, [])
    axes.xaxis.set_minor_locator(NullLocator())
