import math
import re

import numpy as np

from fourierconv.study.figures.smoothing import smoothing_strip
from fourierconv.study.theory.kernels import random_kernels

KERNEL = random_kernels(1, 9, seed=0)[0]


def test_the_first_frame_is_the_kernel_itself() -> None:
    figure = smoothing_strip(KERNEL, [math.inf, 1.0], 32)
    assert np.allclose(np.asarray(figure.axes[2].images[0].get_array()), KERNEL)
    assert figure.axes[0].get_title() == "$s_u$ = 0\nas drawn"


def test_kernels_shrink_and_spectra_smooth_out_from_left_to_right() -> None:
    axes = smoothing_strip(KERNEL, [math.inf, 4.0, 2.0, 1.0], 32).axes
    extents = [float(re.findall(r"[\d.]+", a.get_title())[0]) for a in axes[4:]]
    assert extents == sorted(extents, reverse=True)
    steps = [np.abs(np.diff(values, axis=1)).mean() / values.mean() for values in map(shown, axes[:4])]
    assert steps == sorted(steps, reverse=True)


def shown(axes: object) -> np.ndarray:
    return np.asarray(axes.images[0].get_array())  # type: ignore[attr-defined]


def test_titles_give_both_widths() -> None:
    title = smoothing_strip(KERNEL, [2.0, 1.0], 32).axes[0].get_title()
    assert title == "$s_u$ = 0.080 c/px\n$\\sigma$ = 2 px"
