"""Size recovery: every teacher and every run is drawn, at its place, with the axes that the text speaks of."""

import re
from dataclasses import replace

import numpy as np
import pytest

from fourierconv.study import frames, teachers
from fourierconv.study.experiments import size_recovery
from fourierconv.study.figures import recovery, style
from fourierconv.study.frames import Runs
from tests.study.figures.drawn import dots, smallest_letters, words
from tests.study.finished_runs import size_recovery_store


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return frames.runs(size_recovery, "quick", size_recovery_store(tmp_path_factory.mktemp("runs")))


def test_every_kernel_of_every_teacher_is_shown_with_its_extent() -> None:
    figure = recovery.teacher_sheet()
    assert len(figure.axes) == sum(len(teachers.get(name).kernels()) for name in teachers.NAMES)
    labels = [text.get_text().split("\n") for text in figure.texts]
    assert {name for name, _ in labels} == set(teachers.NAMES)
    extents = {name: float(size.removesuffix(" px")) for name, size in labels}
    assert extents["gaussian_8"] == pytest.approx(2 * extents["gaussian_4"], rel=0.01)
    for axes in figure.axes:
        own, classic = axes.patches
        assert (own.get_linestyle(), classic.get_linestyle()) == ("--", "-")
        left, right = axes.get_xlim()
        assert left < own.get_x() < own.get_x() + own.get_width() < right  # type: ignore[attr-defined]


def test_every_run_is_a_dot_of_recovered_against_true_extent(runs: Runs) -> None:
    figure = recovery.recovered(runs)
    assert len(figure.axes) == 2 * len(size_recovery.METHODS)
    drawn = np.concatenate([dots(axes) for axes in figure.axes])
    assert len(drawn) == len(runs.results)
    assert drawn[:, 1] == pytest.approx(1.5 * drawn[:, 0])  # by construction of these runs
    for axes in figure.axes:
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        (diagonal,) = axes.lines
        assert np.array_equal(diagonal.get_xdata(), diagonal.get_ydata())
        low, high = axes.get_xlim()
        assert low < dots(axes).min() < dots(axes)[:, 0].max() < high
    assert {"white input", "1/f input", "true extent (px)"} <= {axes.get_ylabel() for axes in figure.axes} | {
        axes.get_xlabel() for axes in figure.axes
    }


def test_every_run_is_a_dot_of_unexplained_variance_in_its_teachers_row(runs: Runs) -> None:
    figure = recovery.unexplained(runs)
    assert [axes.get_title() for axes in figure.axes] == ["white input", "1/f input"]
    for axes in figure.axes:
        drawn = dots(axes)
        assert len(drawn) == len(runs.results) / 2
        assert set(drawn[:, 0].round(6)) == {1.0, 2.0, 3.0}  # percent, by construction of these runs
        assert np.bincount(drawn[:, 1].round().astype(int)).tolist() == [18] * len(teachers.NAMES)
        assert axes.get_xscale() == "log"
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert set(rows) == set(teachers.NAMES)


def test_every_scale_is_a_dot_in_its_teachers_row(runs: Runs) -> None:
    figure = recovery.spacings(runs)
    assert [axes.get_title() for axes in figure.axes] == ["white input", "1/f input"]
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    for axes in figure.axes:
        drawn = dots(axes)
        assert len(drawn) == 2 * 3 * 2 * len(teachers.NAMES)  # of two scales each, for every seed and student
        for value, place in drawn:
            assert value == pytest.approx((2.0 + len(rows[round(place)])) / 4)  # by construction of these runs
        assert axes.get_xscale() == "log"


def test_longer_trainings_stand_beside_short_ones(runs: Runs) -> None:
    near = replace(runs, rows=runs.rows.assign(ratio=1.0))
    table = recovery.longer(runs, near)
    assert table.index.tolist() == list(size_recovery.METHODS)
    assert [set(column) for _, column in table.items()] == [{"1.50"}, {"0 %"}, {"1.00"}, {"100 %"}]


def test_shares_too_small_to_matter_stand_at_the_edge(runs: Runs) -> None:
    tiny = runs.rows.assign(unexplained=1e-9)
    figure = recovery.unexplained(replace(runs, rows=tiny))
    for axes in figure.axes:
        assert set(dots(axes)[:, 0]) == {0.01}
        assert axes.get_xlim()[0] < 0.01
        assert axes.get_xticklabels()[0].get_text() == "≤ 0.01"


def test_students_start_at_a_classic_size(runs: Runs) -> None:
    students = recovery.students(runs)
    assert students["method"].tolist() == list(size_recovery.METHODS)
    assert students["extent before training (px)"].between(4, 6.5).all()


def test_ratios_show_the_median_and_every_seed(runs: Runs) -> None:
    rows = runs.rows.assign(ratio=1.0 + runs.rows["seed"] * (runs.rows["input"] == "white"))
    table = recovery.ratios(replace(runs, rows=rows), "white")
    assert table.shape == (len(teachers.NAMES), len(size_recovery.METHODS))
    cells = {re.sub("<[^>]*>", " ", cell) for cell in table.to_numpy().ravel()}
    assert cells == {"2.00  1.00 2.00 3.00 "}
    assert table.columns.tolist() == list(size_recovery.METHODS)


def test_the_summary_takes_the_median_of_each_seed_and_counts_who_came_near(runs: Runs) -> None:
    off = (runs.rows["teacher"] == "gaussian_8") & (runs.rows["method"] == "window")
    rows = runs.rows.assign(ratio=(1.0 + 0.04 * runs.rows["seed"]).where(~off, 0.5))
    summary = recovery.summary(replace(runs, rows=rows)).set_index("method")
    assert summary["mean"].tolist() == pytest.approx([1.04] * 6)
    assert summary["runs"].tolist() == [54] * 6
    assert summary["near"].to_dict() == {name: 48 if name == "window" else 54 for name in size_recovery.METHODS}


@pytest.mark.parametrize("draw", [recovery.recovered, recovery.spacings, recovery.unexplained])
def test_figures_name_their_origin_and_can_be_read(draw: object, runs: Runs) -> None:
    style.apply()
    assert callable(draw)
    figure = draw(runs)
    figure.draw_without_rendering()
    assert runs.note in words(figure)
    assert smallest_letters(figure) >= 9
