import numpy as np

from fourierconv.study.figures.energy import concentration, random_energy
from fourierconv.study.theory.concentration import best_share


def test_dots_lie_on_the_expectation_and_only_the_right_panel_has_a_hole() -> None:
    for axes, lowest in zip(random_energy([3, 5], count=20000, seed=0).axes, (1.0, 0.0), strict=True):
        for dots, curve in (axes.lines[:2], axes.lines[2:]):
            u, energy = (np.asarray(data, dtype=float) for data in dots.get_data())
            at, height = (np.asarray(data, dtype=float) for data in curve.get_data())
            expected = np.interp(u, at, height)
            assert np.abs(energy - expected).max() < 0.06
            assert abs(expected.min() - lowest) < 1e-9


def test_more_taps_fill_a_band_better_and_a_mean_helps() -> None:
    left, right = concentration([3, 11]).axes
    for axes, zero_mean in ((left, False), (right, True)):
        three, eleven, white = (np.asarray(line.get_ydata(), dtype=float) for line in axes.lines)
        widths = np.asarray(axes.lines[0].get_xdata(), dtype=float)
        assert np.all(eleven >= three - 1e-12)
        assert three[40] == best_share(3, widths[40], zero_mean)
        assert white.tolist() == [0, 1]
    assert [str(line.get_label()) for line in left.lines] == ["3 taps", "11 taps", "a white spectrum"]
