"""Image size: every run is drawn, intervals and slopes are those of the statistics, and the axes are labelled."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from fourierconv.study import comparisons, frames
from fourierconv.study.experiments import image_size as experiment
from fourierconv.study.figures import image_size, style
from fourierconv.study.frames import Runs
from tests.study.figures.drawn import dots, smallest_letters, words
from tests.study.finished_runs import EPOCHS, GAIN, image_size_store

FIGURES = [
    image_size.accuracy,
    image_size.paired,
    image_size.extents,
    image_size.training,
    image_size.fit,
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return frames.runs(experiment, "quick", image_size_store(tmp_path_factory.mktemp("runs")))


@pytest.fixture(autouse=True)
def _book_style() -> None:
    style.apply()


def test_parameters_are_counted(runs: Runs) -> None:
    counts = image_size.parameters(runs).set_index("method")
    first, second, third = runs.results[0].config.widths
    filters = first + first * second + second * third
    channels = first + second + third
    assert counts["convolutions"].to_dict() == {
        "conv2d_5": 25 * filters,
        "conv2d_11": 121 * filters,
        "spectral": 25 * filters,
        "spline": 25 * filters,
        "window": 441 * filters + 3,
        "scaled_layer": 25 * filters + 3,
        "scaled_channel": 25 * filters + channels,
    }
    assert counts["scales"].to_dict() == {
        method: {"window": 3, "scaled_layer": 3, "scaled_channel": channels}.get(method, 0)
        for method in experiment.METHODS
    }
    assert len(set(counts["network"] - counts["convolutions"])) == 1, "the convolutions are the only difference"
    assert counts.loc["conv2d_11", "times 5×5"] == pytest.approx(121 / 25)


def test_every_run_is_a_dot_of_accuracy(runs: Runs) -> None:
    (axes,) = image_size.accuracy(runs).axes
    drawn = dots(axes)
    assert len(drawn) == len(runs.results)
    assert sorted(drawn[:, 1]) == pytest.approx(sorted(runs.rows["accuracy"]))
    assert sorted(drawn[:, 0]) == pytest.approx(sorted(runs.rows["size"]), rel=0.15)
    assert axes.get_ylabel() == "accuracy on unseen fonts (%)"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["32", "64", "128"]


def test_paired_differences_stand_beside_their_interval(runs: Runs) -> None:
    figure = image_size.paired(runs)
    assert [axes.get_title() for axes in figure.axes] == ["32 px", "64 px", "128 px"]
    contenders = [method for method in experiment.METHODS if method != "conv2d_5"]
    for axes in figure.axes:
        assert len(dots(axes)) == 3 * len(contenders)
        bars = [bar for bar in axes.containers if isinstance(bar, ErrorbarContainer)]
        means = [float(np.asarray(bar.lines[0].get_xdata())[0]) for bar in bars]
        expected = comparisons.verdicts(runs.rows).groupby("method", sort=False)["mean"].first()
        assert means == pytest.approx(expected[contenders].tolist())
        assert means[contenders.index("spline")] == pytest.approx(GAIN["spline"])
    assert "points of accuracy above conv2d 5×5" in words(figure)


def test_extents_are_on_log_axes_with_lines_that_grow_with_the_image(runs: Runs) -> None:
    figure = image_size.extents(runs)
    assert [axes.get_title() for axes in figure.axes] == ["layer 1", "layer 2", "layer 3"]
    for layer, axes in enumerate(figure.axes, 1):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        assert sorted(dots(axes)[:, 1]) == pytest.approx(sorted(runs.rows[f"extent_{layer}"]))
        guide = axes.lines[0]
        x, y = np.asarray(guide.get_xdata()), np.asarray(guide.get_ydata())
        assert (y / x).tolist() == pytest.approx([y[0] / x[0]] * 3)
        low, high = axes.get_ylim()
        assert low < dots(axes)[:, 1].min() <= dots(axes)[:, 1].max() < high


def test_every_run_is_a_line_over_its_epochs(runs: Runs) -> None:
    figure = image_size.training(runs)
    assert len(figure.axes) == 9
    for axes in figure.axes:
        lines = [line for line in axes.lines if len(np.asarray(line.get_xdata())) == EPOCHS]
        assert len(lines) == len(experiment.METHODS) * 3
        assert axes.get_yscale() == "log"
    assert "epochs trained" in words(figure)


def test_every_run_is_a_dot_of_test_against_training_accuracy(runs: Runs) -> None:
    figure = image_size.fit(runs)
    drawn = np.concatenate([dots(axes) for axes in figure.axes])
    assert len(drawn) == len(runs.results)
    assert (drawn[:, 0] - drawn[:, 1]).tolist() == pytest.approx([5.0] * len(drawn))  # by construction of these runs


@pytest.mark.parametrize("draw", FIGURES)
def test_figures_name_their_origin_and_can_be_read(draw: Callable[[Runs], Figure], runs: Runs) -> None:
    figure = draw(runs)
    figure.draw_without_rendering()
    assert runs.note in words(figure)
    assert smallest_letters(figure) >= 9


@pytest.mark.parametrize("draw", FIGURES)
def test_a_single_size_can_be_drawn(draw: Callable[[Runs], Figure], runs: Runs) -> None:
    one = frames.runs(experiment, "quick", runs.store, sizes=[64])
    figure = draw(one)
    figure.draw_without_rendering()
    assert one.note in words(figure)
