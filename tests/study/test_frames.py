"""Frames: exactly the runs asked for, and words on where they come from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from fourierconv.study import frames
from fourierconv.study.experiments import image_size, size_recovery
from fourierconv.study.frames import Runs
from fourierconv.study.store import Store, StudyError
from tests.study import toy
from tests.study.finished_runs import EPOCHS, image_size_metrics, image_size_store

OWN: list[dict[str, Any]] = [{}, {"sizes": [32, 64, 128], "seeds": None}, {"sizes": [32]}, {"seeds": 2}]
MANY = len(image_size.METHODS)
WIDER: list[tuple[dict[str, Any], str]] = [
    ({"sizes": [32, 96]}, f"{3 * MANY} of {6 * MANY} runs are beyond it, with sizes=[32, 96]."),
    ({"sizes": [32], "seeds": 5}, f"{2 * MANY} of {5 * MANY} runs are beyond it, with sizes=[32], seeds=5."),
    ({"sizes": [96], "seeds": 4}, f"{4 * MANY} of {4 * MANY} runs are beyond it, with sizes=[96], seeds=4."),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"profile": "fast"}, "profile 'fast' is unknown"),
    ({"profile": "quick", "sizes": [16]}, "size 16 must be"),
    ({"profile": "quick", "seeds": 0}, "seeds=0 must be at least 1"),
    ({"profile": "quick", "sizes": []}, r"sizes=\[\] asks for no run"),
    ({"profile": "quick", "seed": -1}, "seed=-1 must be at least 0"),
    ({"profile": "quick", "seeds": 1}, "seeds=1 must be at least 2"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return frames.runs(image_size, "quick", image_size_store(tmp_path_factory.mktemp("runs")))


def test_rows_and_results_are_those_of_the_configs_in_their_order(runs: Runs) -> None:
    configs = image_size.configs("quick")
    assert [run.config for run in runs.results] == configs
    assert list(runs.rows[["size", "method", "seed"]].itertuples(index=False, name=None)) == [
        (config.size, config.method, config.seed) for config in configs
    ]
    assert runs.rows["accuracy"].tolist() == [image_size_metrics(config)["accuracy"] for config in configs]


def test_committed_rows_have_their_usual_order_and_their_own_note() -> None:
    found = frames.committed(size_recovery, "full")
    assert len(found.rows) == len(size_recovery.configs("full"))
    assert tuple(found.rows["method"].unique()) == size_recovery.METHODS
    assert found.note.startswith("Profile full, 8 seeds, 864 runs in ")
    assert found.note.endswith("Made by make reproduce PROFILE=full.")
    assert found.banner == ""


def test_what_is_missing_is_run(tmp_path: Path) -> None:
    first = frames.runs(toy, "quick", Store(tmp_path))
    assert len(first.rows) == len(toy.configs("quick"))
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    frames.runs(toy, "quick", Store(tmp_path))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == files


def test_the_store_is_by_default_that_of_the_build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path))
    image_size_store(tmp_path / "runs", sizes=[32], seeds=2)
    assert len(frames.runs(image_size, "quick", sizes=[32], seeds=2).rows) == 2 * MANY


def test_the_note_names_profile_seeds_and_hardware(runs: Runs) -> None:
    origin = f"{9 * MANY} runs in {9 * MANY} s of one core on abacus, torch 2.0."
    assert runs.note == f"Profile quick, 3 seeds, {origin} Made by make reproduce."


@pytest.mark.parametrize("seed", [0, 2])
def test_the_runs_of_one_seed_say_so(seed: int, runs: Runs) -> None:
    own = frames.runs(image_size, "quick", runs.store, seed=seed)
    assert set(own.rows["seed"]) == {run.config.seed for run in own.results} == {seed}
    assert own.note.startswith(f"Profile quick, seed {seed}, {3 * MANY} runs")
    assert own.banner == ""


def test_only_the_runs_of_the_one_seed_are_needed(tmp_path: Path) -> None:
    store = image_size_store(tmp_path, sizes=[32], seeds=6)
    for config in image_size.configs("quick", sizes=[32], seeds=5):
        store.path(image_size, config).unlink()
    own = frames.runs(image_size, "quick", store, seed=5, sizes=[32])
    assert {run.config.seed for run in own.results} == {5}
    assert own.banner == (f"Not the quick profile's own: {MANY} of {MANY} runs are beyond it, with sizes=[32], seed=5.")


@pytest.mark.parametrize("overrides", OWN)
def test_runs_of_the_profile_itself_need_no_banner(overrides: dict[str, Any], runs: Runs) -> None:
    own = frames.runs(image_size, "quick", runs.store, **overrides)
    assert own.banner == ""


@pytest.mark.parametrize(("overrides", "ending"), WIDER)
def test_a_banner_says_what_is_not_the_profiles_own(overrides: dict[str, Any], ending: str, tmp_path: Path) -> None:
    store = image_size_store(tmp_path, **overrides)
    wider = frames.runs(image_size, "quick", store, **overrides)
    assert wider.banner == f"Not the quick profile's own: {ending}"


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_a_sweep_that_cannot_be_is_refused_before_any_run(
    arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(StudyError, match=message):
        frames.runs(image_size, store=Store(tmp_path), **arguments)
    assert not list(tmp_path.iterdir())


def test_a_size_given_twice_counts_once(runs: Runs) -> None:
    assert len(frames.runs(image_size, "quick", runs.store, sizes=[64, 64]).rows) == 3 * MANY


def test_history_has_a_row_per_run_and_epoch(runs: Runs) -> None:
    history = runs.history()
    assert len(history) == EPOCHS * len(runs.results)
    assert {"size", "method", "seed", "epoch", "extents"} <= set(history.columns)


def test_tables_show_names_numbers_and_origin(runs: Runs) -> None:
    html = runs.table(pd.DataFrame({"method": ["scaled_layer"], "accuracy": [93.456]}), digits=1).data
    for text in ("scaled, per layer", ">93.5<", runs.note):
        assert text in html
    assert "<strong>" not in html
    foreign = replace(runs, banner="Not the profile's own.")
    assert "<strong>Not the profile's own.</strong>" in foreign.table(pd.DataFrame({"size": [1]})).data


def test_a_banner_lies_above_the_legend_of_a_figure_that_has_one(runs: Runs) -> None:
    figure = Figure(layout="constrained")
    figure.legend(figure.subplots().plot([0, 1]), ["extent"], loc="outside upper center")
    replace(runs, banner="Not the profile's own.").stamp(figure)
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.texts] == [runs.note]
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "Not the profile's own."
    assert legend.get_window_extent().y0 > figure.axes[0].get_window_extent().y1


def test_figures_are_stamped_with_their_origin(runs: Runs) -> None:
    foreign = replace(runs, banner="Not the profile's own.")
    plain, warned = (each.stamp(Figure()) for each in (runs, foreign))
    assert [text.get_text() for text in plain.texts] == [runs.note]
    assert [text.get_text() for text in warned.texts] == [runs.note, "Not the profile's own."]
