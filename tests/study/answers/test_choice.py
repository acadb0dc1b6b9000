"""The best fixed kernel waits for all of its sweep, ties go to the smaller one; one control judges convergence."""

from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import protocol
from fourierconv.study.answers import choice, evidence
from fourierconv.study.experiments.classification import Config
from tests.study import protocol_runs
from tests.study.protocol_runs import doubled, metrics, wanted

SELECTION = wanted("selection")


def chosen(folder: Path, configs: list[Config], best: tuple[str, ...] = ("conv2d_11",)) -> dict[tuple[str, int], Any]:
    """Choices from some runs, of which those of the best kernels are 50 points above the others."""

    def measured(config: Config) -> dict[str, Any]:
        return metrics(config) | {"accuracy": 90.0 if config.method in best else 40.0}

    protocol_runs.write(folder, "full", configs, measured)
    found = choice.best_fixed(evidence.load("selection", folder=folder))
    return {(row.data, row.size): row for row in found.itertuples()}


def test_the_best_on_images_set_aside_is_chosen_for_every_size(tmp_path: Path) -> None:
    found = chosen(tmp_path, SELECTION)
    assert {row.method for row in found.values()} == {"conv2d_11"}
    assert found.keys() == {(data, size) for data in ("letters", "imagenette") for size in protocol.SIZES}
    assert {row.accuracy for row in found.values()} == {90.0}


def test_of_equal_kernels_the_smaller_one_is_chosen(tmp_path: Path) -> None:
    assert {row.method for row in chosen(tmp_path, SELECTION, ("conv2d_9", "conv2d_21")).values()} == {"conv2d_9"}


def test_a_run_that_is_missing_leaves_its_size_open(tmp_path: Path) -> None:
    gone = SELECTION[0]
    found = chosen(tmp_path, SELECTION[1:])
    assert found[gone.data, gone.size].method is None
    assert (found[gone.data, gone.size].runs, found[gone.data, gone.size].wanted) == (15, 16)
    assert {row.method for place, row in found.items() if place != (gone.data, gone.size)} == {"conv2d_11"}


def test_the_pilot_chooses_nothing(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot")
    found = choice.best_fixed(evidence.load("selection", folder=tmp_path))
    assert set(found["method"]) == {None}
    assert choice.best_of(found, "letters", 64) is None


@pytest.mark.parametrize(("gain", "mark"), [(1.5, "yes"), (2.5, "no")])
def test_convergence_is_what_twice_the_training_adds_to_the_same_seed(tmp_path: Path, gain: float, mark: str) -> None:
    def measured(config: Config) -> dict[str, Any]:
        return metrics(config) | {"accuracy": 80.0 + gain * doubled(config) + 5 * (config.seed > 0)}

    protocol_runs.write(tmp_path, "full", wanted("accuracy", "convergence", data="letters", size=64), measured)
    found = evidence.load("accuracy", "convergence", folder=tmp_path)
    rows = found.of("accuracy")
    assert set(map(choice.converged, rows["gain"])) == {mark}
    assert rows["gain"].tolist() == pytest.approx([gain] * len(rows))


def test_without_its_control_a_cell_is_not_checked(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", wanted("accuracy"))
    found = evidence.load("accuracy", "convergence", folder=tmp_path)
    assert set(found.rows["gain"]) == {None}
