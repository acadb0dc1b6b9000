"""Learned kernels: the strongest are shown at their size, spectra with DC in the middle, every kernel in the plots."""

import numpy as np
import pandas as pd
import pytest

from fourierconv.study import frames, trained
from fourierconv.study.experiments import image_size
from fourierconv.study.figures import learned, style
from fourierconv.study.frames import Runs
from fourierconv.study.models import convolutions
from fourierconv.study.trained import Networks
from tests.study.figures.drawn import dots, smallest_letters, words
from tests.study.finished_runs import image_size_store


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    store = image_size_store(tmp_path_factory.mktemp("runs"), sizes=[32, 64], seeds=2)
    return frames.runs(image_size, "quick", store, seed=0, sizes=[32, 64])


@pytest.fixture(scope="module")
def networks(runs: Runs) -> Networks:
    return trained.networks(runs)


@pytest.fixture(scope="module")
def rows(networks: Networks) -> pd.DataFrame:
    return trained.kernel_rows(networks)


@pytest.fixture(autouse=True)
def _book_style() -> None:
    style.apply()


def test_every_contender_has_a_row_in_its_colour(runs: Runs, networks: Networks) -> None:
    figure = learned.kernels(runs, networks, size=32, layer=2, count=2)
    panels = np.array(figure.axes).reshape(-1, 5)
    labels = [axes.yaxis.label for axes in panels[:, 0]]
    looks = [style.LOOKS[method] for method in image_size.METHODS]
    assert [label.get_text().replace("\n", " ") for label in labels] == [look.label for look in looks]
    assert [label.get_color() for label in labels] == [style.ink(look.color) for look in looks]
    for method, (first, *_) in zip(image_size.METHODS, panels, strict=True):
        norms = trained.taps(convolutions(networks[32, method])[1]).flatten(2).norm(dim=2)
        shown = float(np.linalg.norm(np.asarray(first.images[0].get_array())))
        assert shown == pytest.approx(float(norms.max()), rel=2e-2)  # what lies outside the window is left out


def test_mass_curves_rise_to_all_of_the_energy(runs: Runs, networks: Networks) -> None:
    figure = learned.mass_curves(runs, networks)
    assert len(figure.axes) == 2 * 3
    for axes in figure.axes:
        curves = [np.asarray(line.get_ydata()) for line in axes.lines if line.get_marker() == "."]
        assert len(curves) == len(image_size.METHODS)
        assert all((np.diff(curve) > -1e-4).all() and curve[-1] == pytest.approx(100, abs=1e-3) for curve in curves)
        assert axes.get_xscale() == "log"


def test_boxes_hold_the_extents_of_each_layer(runs: Runs, rows: pd.DataFrame) -> None:
    figure = learned.extents(runs, rows)
    own = rows[(rows["size"] == 64) & (rows["layer"] == 3)].groupby("method", sort=False)["extent"]
    lines = [np.asarray(line.get_xdata()) for line in figure.axes[-1].lines if line.get_color() == "black"]
    medians = [float(x[0]) for x in lines if len(x) == 2 and x[0] == x[1]]
    for method, median in own.median().items():
        assert np.isclose(medians, median).any(), method
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        style.LOOKS[method].label for method in image_size.METHODS
    ]


def test_every_channels_scale_is_drawn_against_where_it_began(runs: Runs, networks: Networks) -> None:
    figure = learned.scales(runs, networks)
    assert [len(dots(axes)) for axes in figure.axes] == [2 * width for width in runs.results[0].config.widths]
    start, end = dots(figure.axes[2]).T
    assert end.tolist() == pytest.approx(start.tolist())  # these networks were never trained
    assert (start.min(), start.max()) == pytest.approx((1.0, 8.0))


def test_roughness_is_drawn_for_every_kernel_along_the_identity(runs: Runs, rows: pd.DataFrame) -> None:
    figure = learned.roughness(runs, rows)
    left, right = figure.axes
    assert len(dots(left)) == len(dots(right)) == len(rows)
    assert dots(left)[:, 1] == pytest.approx(dots(left)[:, 0], rel=0.05)
    assert (right.get_xscale(), right.get_yscale()) == ("log", "log")


def test_figures_name_their_origin_and_can_be_read(runs: Runs, networks: Networks, rows: pd.DataFrame) -> None:
    for figure in (
        learned.kernels(runs, networks, 32, 1),
        learned.mass_curves(runs, networks),
        learned.extents(runs, rows),
        learned.scales(runs, networks),
        learned.roughness(runs, rows),
    ):
        figure.draw_without_rendering()
        assert runs.note in words(figure)
        assert smallest_letters(figure) >= 9
