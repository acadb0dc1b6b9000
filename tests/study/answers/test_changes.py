"""Contenders beside the classic kernels of their network: changes, the predecessor's network, other coordinates."""

from pathlib import Path
from typing import Any

import pytest

from fourierconv.study.answers import changes, evidence
from fourierconv.study.answers.trainings import contender
from fourierconv.study.experiments.classification import Config
from tests.study import protocol_runs
from tests.study.protocol_runs import by_contender, exact, metrics, wanted


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    protocol_runs.write(folder, "full", wanted("parts", "predecessor", "accuracy", "convergence"), exact)
    return folder


def test_changes_are_compared_with_the_classic_kernels_all_else_equal(whole: Path) -> None:
    found = evidence.load("parts", "accuracy", "convergence", folder=whole)
    table = by_contender(changes.changes(found))
    assert len(table) == len({contender(config) for config in wanted("parts")})
    assert table["conv2d 5×5, circular padding"]["points above conv2d"] == "–"
    assert table["conv2d 3×3, small ResNet"]["points above conv2d"] == "–"
    for name in ("circular padding", "small ResNet", "1200 images", "two convolutions per stage"):
        assert table[f"scaled, per channel, {name}"]["points above conv2d"].startswith(
            "+8.1 [+7.9, +8.3]<br><small>beats"
        )
    assert table["scaled, per layer, from 2 px"]["points above conv2d"].startswith("+6.0 [+6.0, +6.0]")


def test_what_a_change_does_by_itself_is_above_the_same_without_it(whole: Path, tmp_path: Path) -> None:
    rows = changes.alone(evidence.load("parts", "accuracy", folder=whole))
    assert list(zip(rows["contender"], rows["without"], strict=True)) == list(changes.PAIRS)
    assert (rows["n"] >= 3).all()
    found = rows.set_index(["contender", "without"])["mean"]
    # of `exact`, 6 points and, per channel, 8 and a tenth per seed above conv2d_5
    assert found["scaled, per channel", "scaled, per layer"] == pytest.approx(2.2)
    assert found["scaled, per layer, from 4 px", "scaled, per layer"] == pytest.approx(0.0)
    table = changes.by_themselves(evidence.load("parts", "accuracy", folder=tmp_path))
    assert set(table["points"]) == {"not run yet"}


def test_learned_spacings_are_told_layer_by_layer(whole: Path) -> None:
    table = changes.learned_spacings(evidence.load("parts", "accuracy", folder=whole))
    assert table.columns.tolist() == ["learned spacings", "layer 1", "layer 2", "layer 3"]
    assert table.loc[0, "layer 1"].endswith("] px") or "px [" in table.loc[0, "layer 1"]


def test_the_pilots_changes_are_compared_where_their_baseline_is(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot", measured=exact)
    table = by_contender(changes.changes(evidence.load("parts", "accuracy", "convergence", folder=tmp_path)))
    assert table["scaled, per layer, from 4 px"]["points above conv2d"] == "+6.0<br><small>one seed: no verdict</small>"
    assert table["scaled, per channel, small ResNet"]["points above conv2d"] == "not run yet"


def test_the_predecessors_table_has_steps_and_says_never(whole: Path, tmp_path: Path) -> None:
    table = by_contender(changes.predecessor(evidence.load("predecessor", folder=whole)))
    assert table["open spline"]["points above conv2d"].startswith("+0.0 [+0.0, +0.0]")
    assert table["open spline"]["steps to 50 %"] == "5000 [5000, 5000]"
    assert table["open spline"]["steps to 90 %"] == "never"
    protocol_runs.write(tmp_path, "full", wanted("predecessor", method="conv2d_5")[:1], exact)
    table = by_contender(changes.predecessor(evidence.load("predecessor", folder=tmp_path)))
    assert table["conv2d 5×5"]["steps to 50 %"] == "5000 (one seed)"
    assert set(table["spline"].values()) == {"not run yet", "0.001"}  # and its rate


def test_coordinates_are_compared_seed_by_seed(tmp_path: Path) -> None:
    def measured(config: Config) -> dict[str, Any]:
        return metrics(config) | {"accuracy": 70.0 + config.seed * {"conv2d_5": 1, "spectral": -2}[config.method]}

    protocol_runs.write(tmp_path, "full", wanted("coordinates"), measured)
    table = changes.coordinates(evidence.load("coordinates", folder=tmp_path))
    assert list(table["largest of a seed"]) == ["12.0"] * 2  # of five
    assert list(table["correlation"]) == ["-1.00"] * 2


def test_coordinates_may_differ_with_adam_alone(tmp_path: Path) -> None:
    def measured(config: Config) -> dict[str, Any]:
        gain = {"sgd": -0.1, "adam": 3.0}[config.optimizer] + 0.1 * config.seed
        return metrics(config) | {"accuracy": 80.0 + gain * (config.method == "spectral")}

    protocol_runs.write(tmp_path, "full", wanted("coordinates"), measured)
    table = changes.coordinates(evidence.load("coordinates", folder=tmp_path))
    assert list(table["optimizer"]) == ["SGD", "Adam"]
    assert list(table["difference"]) == ["the interval holds 0", "above 0"]
    protocol_runs.write(tmp_path / "p", "pilot")
    table = changes.coordinates(evidence.load("coordinates", folder=tmp_path / "p"))
    assert list(table["difference"]) == ["not run yet", "not run yet"]
