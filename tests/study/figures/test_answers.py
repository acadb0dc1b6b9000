"""Figures of the protocol: whatever is run is drawn, what is not is not, and all of it can be read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from fourierconv.study import protocol
from fourierconv.study.answers import evidence
from fourierconv.study.answers.accuracies import summaries
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.experiments.classification import LEVELS, Config
from fourierconv.study.figures import answers, compared, grown, style
from tests.study import protocol_runs
from tests.study.figures.drawn import dots, smallest_letters, words
from tests.study.protocol_runs import wanted

NAMES = (
    "accuracy",
    "selection",
    "sweep",
    "extents",
    "resolution",
    "limits",
    "multiscale",
    "parts",
    "coordinates",
    "predecessor",
)
FIGURES: dict[str, Callable[[Evidence], Figure]] = {
    "accuracy": lambda found: answers.accuracy(found, "accuracy", "sweep"),
    "other sizes": lambda found: answers.other_sizes(found, "resolution"),
    "costs": lambda found: answers.costs(found, "accuracy", "sweep"),
    "extents": lambda found: grown.extents(found, "extents", data="letters"),
    "last layer": lambda found: grown.last_layer(found, "extents", sweep="selection"),
    "scales": lambda found: grown.scales(found, "multiscale"),
    "limits": lambda found: grown.limits(found, "limits", "accuracy"),
    "changes": compared.changes,
    "coordinates": compared.coordinates,
    "steps": lambda found: compared.steps(found, "predecessor"),
}
TABLES = ("empty", "pilot", "partial", "complete")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Evidence]:
    folder = tmp_path_factory.mktemp("tables")
    some = [config for number, config in enumerate(wanted(*NAMES)) if number % 3]
    protocol_runs.write(folder / "pilot", "pilot")
    protocol_runs.write(folder / "partial", "full", some)
    protocol_runs.write(folder / "complete", "full")
    return {name: evidence.load(*NAMES, folder=folder / name) for name in TABLES}


@pytest.fixture(autouse=True)
def _book_style() -> None:
    style.apply()


def means(axes: Axes) -> list[tuple[float, float]]:
    """Positions of the means of error bars."""
    bars = [bar.lines[0] for bar in axes.containers if isinstance(bar, ErrorbarContainer)]
    return [place for bar in bars for place in zip(*map(np.asarray, bar.get_data()), strict=True)]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_drawn_and_read_from_any_table(tables: dict[str, Evidence], name: str, table: str) -> None:
    found = tables[table]
    figure = FIGURES[name](found)
    figure.draw_without_rendering()
    assert smallest_letters(figure) >= 9
    assert figure.get_figwidth() == style.WIDTH
    said = words(figure).replace("\n", " ")
    assert found.note in said
    assert found.banner in said
    nothing = table == "empty" or (table == "pilot" and name in ("last layer", "coordinates", "changes"))
    assert ("not run yet" in said) == nothing


def test_means_and_intervals_are_those_of_the_table(tables: dict[str, Evidence]) -> None:
    found = tables["complete"]
    left, _ = answers.accuracy(found, "accuracy", "sweep").axes
    cells = summaries(found, "accuracy", "accuracy", "sweep", data="letters")
    drawn = cells[cells["method"].isin(style.PROTOCOL)]
    assert sorted(height for _, height in means(left)) == pytest.approx(sorted(drawn["mean"]))
    assert sorted(size for size, _ in means(left)) == pytest.approx(sorted(drawn["size"]), rel=0.15)
    thin = [line for line in left.lines if line.get_color() == answers.THIN["color"] and len(line.get_xdata()) == 3]  # type: ignore[arg-type]
    assert len(thin) == len(protocol.FIXED) - 1
    assert {text.get_text() for text in left.texts} == {str(k) for k in (3, 7, 9, 11, 15, 21, 31)}


def test_the_numbers_of_the_sweep_lie_apart(tables: dict[str, Evidence]) -> None:
    figure = answers.accuracy(tables["complete"], "accuracy", "sweep")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(a.overlaps(b) for number, a in enumerate(boxes) for b in boxes[:number])


def test_one_seed_has_no_bar(tables: dict[str, Evidence]) -> None:
    left, _ = answers.accuracy(tables["pilot"], "accuracy", "sweep").axes
    bars = [bar for bar in left.containers if isinstance(bar, ErrorbarContainer)]
    assert bars
    for bar in bars:
        for segments in bar.lines[2]:
            assert all(np.ptp(segment[:, 1]) == 0 for segment in segments.get_segments())


def test_kernels_that_are_resized_have_dashed_lines(tables: dict[str, Evidence]) -> None:
    left, right = answers.other_sizes(tables["complete"], "resolution").axes
    for axes in (left, right):
        dashed = [
            bar
            for bar in axes.containers
            if isinstance(bar, ErrorbarContainer) and bar.lines[0].get_linestyle() == "--"
        ]
        assert len(dashed) == 2  # one scale per layer and per channel
    assert [label.get_text() for label in left.get_xticklabels()] == ["32", "64", "96", "128", "192"]


def test_extents_are_on_log_axes_over_lines_that_grow_with_the_image(tables: dict[str, Evidence]) -> None:
    figure = grown.extents(tables["complete"], "extents", data="letters")
    assert [axes.get_title() for axes in figure.axes] == ["layer 1", "layer 2", "layer 3"]
    for axes in figure.axes:
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        x, y = (np.asarray(values) for values in axes.lines[0].get_data())
        assert (y / x).tolist() == pytest.approx([y[0] / x[0]] * 3)
    figure.draw_without_rendering()
    highest = max(extent for axes in figure.axes for _, extent in means(axes))
    assert figure.axes[0].get_ylim()[1] == pytest.approx(1.25 * highest)  # the dashed lines go on beyond it


def test_extents_of_the_last_layer_lie_over_those_of_fixed_kernels(tables: dict[str, Evidence]) -> None:
    found = tables["complete"]
    figure = grown.last_layer(found, "extents", sweep="selection")
    figure.draw_without_rendering()
    for axes, data in zip(figure.axes, ("letters", "imagenette"), strict=True):
        cells = summaries(found, "extent_3", "extents", data=data)
        drawn = cells[cells["method"].isin(style.PROTOCOL) & ~cells["contender"].str.endswith(answers.DEEPER)]
        assert sorted(height for _, height in means(axes)) == pytest.approx(sorted(drawn["mean"]))
        swept = summaries(found, "extent_3", "selection", data=data, size=128, method=answers.SWEEP)
        written = sorted(axes.texts, key=lambda text: text.get_window_extent().y0)
        assert [f"conv2d_{text.get_text()}" for text in written] == list(swept.sort_values("mean")["method"])
        assert min(np.diff([text.get_window_extent().y0 for text in written])) >= 9  # they can be told apart


def test_scales_of_every_run_lie_on_the_range_of_their_start(tables: dict[str, Evidence]) -> None:
    figure = grown.scales(tables["complete"], "multiscale")
    wide = [line for line in figure.axes[0].lines if line.get_linewidth() == 12]
    assert len(wide) == 3  # contenders with a scale
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "scaled, per layer",
        "scaled, per channel",
        "window 31×31",
    ]


def test_costs_are_drawn_at_their_milliseconds(tables: dict[str, Evidence]) -> None:
    left, right = answers.costs(tables["complete"], "accuracy", "sweep").axes
    assert len(means(left)) == len(style.PROTOCOL) + 1 + len(answers.FIELD) + len(protocol.FIXED) - 1
    assert left.get_xscale() == right.get_xscale() == "log"


def test_a_machine_with_a_single_contender_has_no_panel_of_costs(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", protocol_runs.wanted("accuracy", size=128))
    found = evidence.load("accuracy", folder=tmp_path)
    found.rows.loc[(found.rows["method"] == "spline") & (found.rows["seed"] == 1), "machine"] = "H0"
    assert [axes.get_title() for axes in answers.costs(found, "accuracy").axes] == [
        "letters, 128 px\nabacus",
        "Imagenette, 128 px\nabacus",
    ]


def test_every_seed_of_a_comparison_of_coordinates_is_a_dot(tables: dict[str, Evidence]) -> None:
    (axes,) = compared.coordinates(tables["complete"]).axes
    assert len(dots(axes)) == 2 * 5
    assert [label.get_text() for label in axes.get_yticklabels()] == ["SGD", "Adam"]


def test_every_change_but_the_classic_kernels_has_its_row(tables: dict[str, Evidence]) -> None:
    (axes,) = compared.changes(tables["complete"]).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert "scaled, per layer, from 2 px" in names
    assert not [name for name in names if name.startswith("conv2d")]
    assert len(means(axes)) == len(names)


def test_steps_are_dots_or_never(tables: dict[str, Evidence]) -> None:
    figure = compared.steps(tables["complete"], "predecessor")
    assert [len(dots(axes)) for axes in figure.axes] == [9, 0, 0]
    assert words(figure).count("never") == 6


def test_no_step_is_beyond_the_axis(tmp_path: Path) -> None:
    def learned(config: Config) -> dict[str, Any]:
        return protocol_runs.metrics(config) | {"steps_to": {str(level): 25 * level for level in LEVELS}}

    protocol_runs.write(tmp_path, "full", wanted("predecessor"), learned)
    for axes in compared.steps(evidence.load("predecessor", folder=tmp_path), "predecessor").axes:
        assert len(dots(axes)) == 9
        assert axes.get_xlim()[0] == 0
        assert axes.get_xlim()[1] > 25 * max(LEVELS)


def test_intervals_of_two_seeds_do_not_stretch_the_axis_beyond_a_hundred_percent(tmp_path: Path) -> None:
    two = [config for config in wanted("accuracy") if config.seed < 2]
    protocol_runs.write(
        tmp_path, "full", two, lambda own: protocol_runs.metrics(own) | {"accuracy": 50.0 + own.seed * 40}
    )
    found = evidence.load("accuracy", folder=tmp_path)
    assert summaries(found, "accuracy", "accuracy")["high"].max() > 102
    for axes in answers.accuracy(found, "accuracy").axes:
        assert -2 <= axes.get_ylim()[0] < axes.get_ylim()[1] <= 102
