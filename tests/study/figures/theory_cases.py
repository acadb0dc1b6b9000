"""Every figure of the notebooks on theory, drawn as there but smaller."""

import math
from collections.abc import Callable

import torch
from matplotlib.figure import Figure

from fourierconv.study.figures import (
    circulant,
    energy,
    gallery,
    margins,
    scales,
    smoothing,
    subspace,
    trajectories,
    truncation,
)
from fourierconv.study.theory import kernels
from fourierconv.study.theory import truncation as cut
from fourierconv.study.theory.draws import layer_of

SIZES = [1, 3, 5, 9, 31]


def truncated() -> Figure:
    errors = {("scaled", s): cut.errors(cut.taps("scaled", 3, s, 0), SIZES) for s in (1.1, 1.5, 2.5)}
    errors["spline", 1.0] = cut.errors(cut.taps("spline", 3, 1.0, 0), SIZES)
    return truncation.truncation(errors, SIZES)


FIGURES: dict[str, Callable[[], Figure]] = {
    "diagonalized, one axis": lambda: circulant.diagonalized(torch.randn(1, 1, 5), 16),
    "diagonalized, two axes": lambda: circulant.diagonalized(torch.randn(1, 1, 3, 3), 5),
    "diagonalized, channels": lambda: circulant.diagonalized(torch.randn(3, 2, 3), 8),
    "eigenvalues": lambda: circulant.eigenvalues(torch.randn(5), 16),
    "waves": lambda: circulant.waves(16),
    "margins": lambda: margins.shared_margins(16, 5, [(2, 2), (0, 3), (3, 1)], seed=0),
    "drift": lambda: trajectories.drift({"SGD": [1e-16, 2e-16], "Adam": [1e-16, 0.3]}),
    "subspace": lambda: subspace.subspace(16, 5, seed=0),
    "smoothing": lambda: smoothing.smoothing_strip(
        kernels.random_kernels(1, 9, 0)[0], [math.inf, 4.0, 2.0, 1.0, 0.5], 32
    ),
    "random energy": lambda: energy.random_energy([3, 5, 11], count=50, seed=0),
    "concentration": lambda: energy.concentration([3, 5, 11, 31]),
    "gallery": lambda: gallery.gallery(layer_of("scaled", 5, 2.5, seed=0), 21),
    "gallery, many columns": lambda: gallery.gallery(layer_of("window", 21, 2.0, seed=0), 15),
    "strip": lambda: scales.scale_strip([layer_of("scaled", 5, s, seed=0) for s in (0.5, 1.7, 3.0, 4.0, 6.0)], 31),
    "extents": lambda: scales.scale_extents({"scaled": [layer_of("scaled", 5, s, 0, 2) for s in (0.5, 1.0, 8.0)]}),
    "truncation": truncated,
}
