"""How far two copies of a layer drift apart when one stores its taps as Fourier coefficients."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from fourierconv.study.figures.style import LOOKS, WIDTH

STYLES = (
    (LOOKS["spline"].color, "-"),
    (LOOKS["window"].color, "--"),
    (LOOKS["scaled_channel"].color, "-"),
    (LOOKS["conv2d_5"].color, ":"),
)


def drift(distances: Mapping[str, Sequence[float]]) -> Figure:
    """Relative distance of the kernels after each step, one line per optimizer, on a logarithmic scale.

    >>> len(drift({"SGD": [1e-16, 2e-16], "Adam": [1e-16, 0.1]}).axes[0].lines)
    2
    """
    figure = Figure(figsize=(WIDTH, 2.8))
    axes = figure.subplots()
    for (name, values), (color, line) in zip(distances.items(), STYLES, strict=False):
        axes.semilogy(range(len(values)), values, line, color=color, label=name)
    axes.set(xlabel="training step", ylabel="distance / norm of the kernels", ylim=(1e-17, 10))
    axes.legend(loc="center right")
    return figure
