"""One look for every figure of the book: sizes, colours of the methods, colour maps, and deterministic SVG files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.colors import CenteredNorm, to_hex, to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

WIDTH = 7.2
"""Width in inches of the book's text column: a figure this wide is shown at its own size, so 9 pt stay 9 pt."""

SEQUENTIAL = "viridis"
"""Map of magnitudes: perceptually uniform, and legible to colour-blind readers."""

DIVERGING = "RdBu_r"
"""Map of signed values, white at zero; always with the limits of `diverging`."""


@dataclass(frozen=True)
class Look:
    """How one contender appears in every figure: its name in a legend, its colour and its marker."""

    label: str
    color: str
    marker: str


# The fixed kernels are greys, the two scaled methods share a hue. Every pair stays apart under the three common
# kinds of colour blindness, and every colour has a contrast of at least 3 on white: the tests compute both.
LOOKS = {
    "conv2d_5": Look("conv2d 5×5", "#222222", "o"),
    "conv2d_11": Look("conv2d 11×11", "#8a8a8a", "s"),
    "spectral": Look("spectral", "#771a88", "P"),
    "spline": Look("spline", "#3828dc", "v"),
    "window": Look("window", "#0099e8", "^"),
    "scaled_layer": Look("scaled, per layer", "#883311", "D"),
    "scaled_channel": Look("scaled, per channel", "#f8551a", "*"),
}

# Contenders of the protocol alone. Variants of one idea share its colour and differ in their markers; those that
# figures of the protocol draw as lines, `PROTOCOL`, stay apart like the ones above.
KNOWN = LOOKS | {
    **{f"conv2d_{k}": Look(f"conv2d {k}×{k}", "#8a8a8a", f"${k}$") for k in (3, 7, 9, 15, 21, 31)},
    "free_21": Look("free 21×21", "#771a88", "p"),
    "bilinear": Look("bilinear", "#3828dc", "<"),
    "spline_open": Look("open spline", "#3828dc", ">"),
    "spline_even": Look("even spline", "#3828dc", "D"),
    "spline_window": Look("spline, window", "#3828dc", "s"),
    "dyadic": Look("dyadic", "#3828dc", "p"),
    "dyadic_7": Look("dyadic 7×7", "#3828dc", "h"),
    "truncated": Look("truncated", "#3828dc", "d"),
    "scaled_group": Look("scaled, per group", "#f8551a", "X"),
    "scaled_layer_7": Look("scaled 7×7, per layer", "#883311", "d"),
    "scaled_channel_7": Look("scaled 7×7, per channel", "#f8551a", "8"),
    "window_5": Look("window 5×5", "#0099e8", "<"),
    "window_31": Look("window 31×31", "#226677", "h"),
    "window_31_channel": Look("window 31×31, per channel", "#226677", "H"),
    "free_window": Look("free 21×21, window", "#0099e8", "v"),
    "hermite": Look("Gaussian derivatives, per layer", "#558855", "v"),
    "hermite_channel": Look("Gaussian derivatives, per channel", "#558855", "^"),
    "spacings": Look("learned positions", "#558855", "<"),
    "implicit": Look("implicit", "#558855", ">"),
    "implicit_window": Look("implicit, window", "#558855", "P"),
}
PROTOCOL = ("conv2d_5", "spectral", "spline", "window_5", "window_31", "scaled_layer", "scaled_channel")

_RC: dict[Any, Any] = {
    "axes.edgecolor": "#444444",
    "axes.grid": True,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.dpi": 150,
    "figure.facecolor": "white",  # not transparent: the book also has a dark theme
    "figure.figsize": (WIDTH, 3.6),
    "figure.titlesize": 11,
    "font.size": 10,
    "grid.alpha": 0.3,
    "image.cmap": SEQUENTIAL,
    "image.interpolation": "nearest",  # 'none' leaves the pixels of a kernel to the browser, which blurs them
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "savefig.bbox": None,  # a tight box would change the width, and with it the size of the letters as shown
    "savefig.dpi": 150,
    "svg.fonttype": "path",
    "svg.hashsalt": "fourierconv",
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}
_SVG: dict[str, Any] = {"bbox_inches": None, "metadata": {"Date": None}}


def apply() -> None:
    """Make this the style of every figure drawn from here on; in a notebook figures are shown as SVG.

    >>> apply()
    >>> matplotlib.rcParams["font.size"]
    10.0
    """
    matplotlib.rcParams.update(_RC)
    if "inline" in str(matplotlib.get_backend(auto_select=False)):
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", **_SVG)


def ink(color: str) -> str:
    """Darken `color` until letters in it can be read: every contender's then has a contrast of at least 4.5 on white.

    >>> ink("#8a8a8a")
    '#686868'
    """
    red, green, blue = to_rgb(color)
    return to_hex((0.75 * red, 0.75 * green, 0.75 * blue))


def diverging(values: ArrayLike) -> dict[str, object]:
    """Keywords for `imshow` that draw signed values with white at zero and equal reach on both sides.

    >>> norm = diverging([[-1.0, 4.0]])["norm"]
    >>> norm.vmin, norm.vmax
    (-4.0, 4.0)
    """
    norm = CenteredNorm(vcenter=0.0)
    norm.autoscale_None(values)
    return {"cmap": DIVERGING, "norm": norm}


def save(figure: Figure, path: Path) -> None:
    """Write `figure` to the SVG file `path`, the same bytes for the same figure; makes the folder where it is missing.

    Raises:
        ValueError: `path` does not end in .svg.
    """
    if path.suffix != ".svg":
        raise ValueError(f"path={path} is no SVG file: figures of the book are saved as .svg")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, **_SVG)
