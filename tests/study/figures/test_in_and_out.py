"""The tutorial's figures: every channel and every tolerance is drawn, and the axes are labelled."""

import numpy as np
import pandas as pd
import pytest

from fourierconv.study import frames
from fourierconv.study.experiments import own_network
from fourierconv.study.figures import in_and_out, style
from fourierconv.study.frames import Runs
from tests.study.figures.drawn import dots, smallest_letters, words
from tests.study.finished_runs import own_network_store

SIZES = pd.DataFrame({"layer": [1, 1, 2, 2, 2], "before": 2.8, "after": [3.0, 2.5, 9.0, 7.0, 8.0]})
EXPORTS = pd.DataFrame(
    {"tolerance": [0.1, 0.01] * 2, "layer": [1, 1, 2, 2], "taps": [5.0, 7.0, 9.0, 12.0], "bound": [0.09, 1e-8] * 2}
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return frames.runs(own_network, "quick", own_network_store(tmp_path_factory.mktemp("runs")))


@pytest.fixture(autouse=True)
def _book_style() -> None:
    style.apply()


def test_every_channel_is_a_dot_beside_its_layer(runs: Runs) -> None:
    figure = in_and_out.extents(runs, SIZES)
    drawn = dots(figure.axes[0])
    assert np.rint(drawn[:, 0]).tolist() == SIZES["layer"].tolist()
    assert sorted(drawn[:, 1]) == sorted(SIZES["after"])
    assert np.concatenate([line.get_ydata() for line in figure.axes[0].lines]) == pytest.approx(2.8)


def test_every_tolerance_is_a_point_of_its_layer(runs: Runs) -> None:
    left, right = in_and_out.tolerances(runs, EXPORTS).axes
    assert [list(np.asarray(line.get_ydata())) for line in left.lines] == [[5.0, 7.0], [9.0, 12.0]]
    guide, *bounds = right.lines
    assert np.asarray(guide.get_xydata()).tolist() == [[0.1, 0.1], [0.01, 0.01]]
    assert [list(np.asarray(line.get_ydata())) for line in bounds] == [[0.09, 1e-8]] * 2
    assert left.xaxis_inverted()
    assert right.xaxis_inverted()


def test_figures_can_be_read_and_say_where_they_come_from(runs: Runs) -> None:
    for figure in (in_and_out.extents(runs, SIZES), in_and_out.tolerances(runs, EXPORTS)):
        figure.canvas.draw()
        assert figure.get_figwidth() == style.WIDTH
        assert smallest_letters(figure) >= 9
        assert "Profile quick, 3 seeds" in words(figure)
        assert all(axes.get_ylabel() for axes in figure.axes)
