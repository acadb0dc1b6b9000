import numpy as np
import torch

from fourierconv.study.figures.truncation import END, truncation

ERRORS = {
    ("spline", 1.0): torch.tensor([[0.5, 0.6, 0.9], [0.1, 0.2, 0.3]]),
    ("scaled", 1.1): torch.tensor([[0.5, 0.5, 0.5], [0.0, 0.0, 0.0]]),
    ("scaled", 1.5): torch.tensor([[0.5, 0.5, 0.5], [0.4, 0.4, 0.4]]),
    ("low-passed", 1.2): torch.tensor([[0.5, 0.5, 0.5], [0.4, 0.4, 0.4]]),
}


def test_lines_are_medians_and_exact_zeros_fall_out_of_the_figure() -> None:
    (axes,) = truncation(ERRORS, [1, 9]).axes
    spline, short, *_ = (np.asarray(line.get_ydata(), dtype=float) for line in axes.lines)
    assert np.allclose(spline, [0.6, 0.2])
    assert np.allclose(short, [0.5, END])
    assert axes.get_ylim()[0] > END


def test_families_differ_in_colour_and_scales_in_line() -> None:
    (axes,) = truncation(ERRORS, [1, 9]).axes
    looks = [(line.get_color(), line.get_linestyle()) for line in axes.lines[:4]]
    assert len(set(looks)) == 4
    assert looks[1][0] == looks[2][0]
    labels = [str(line.get_label()) for line in axes.lines[:4]]
    assert labels == ["spline", "scaled, scale 1.1", "scaled, scale 1.5", "low-passed, scale 1.2"]
