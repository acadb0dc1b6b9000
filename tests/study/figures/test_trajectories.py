import numpy as np

from fourierconv.study.figures.trajectories import drift


def test_a_line_per_optimizer_from_before_the_first_step() -> None:
    distances = {"SGD": [1e-16, 2e-16, 3e-16], "Adam": [1e-16, 0.1, 0.2]}
    (axes,) = drift(distances).axes
    assert {str(line.get_label()): list(np.asarray(line.get_ydata())) for line in axes.lines} == distances
    assert all(list(np.asarray(line.get_xdata())) == [0, 1, 2] for line in axes.lines)
    assert axes.get_yscale() == "log"


def test_lines_differ_in_colour() -> None:
    (axes,) = drift({name: [1.0] for name in "abcd"}).axes
    assert len({line.get_color() for line in axes.lines}) == 4
