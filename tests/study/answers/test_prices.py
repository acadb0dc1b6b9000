"""Accuracies at other sizes in both senses, and the price of a step, which is never of two machines at once."""

from pathlib import Path
from typing import Any

import pytest

from fourierconv.study.answers import evidence, prices
from fourierconv.study.answers.trainings import contender
from fourierconv.study.experiments.classification import Config
from tests.study import protocol_runs
from tests.study.protocol_runs import EXPERIMENT, metrics, wanted


def exact(config: Config) -> dict[str, Any]:
    return metrics(config, noise=0.0)


def test_both_senses_are_shown_where_a_contender_has_them(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", wanted("resolution", data="letters"), exact)
    table = prices.other_sizes(evidence.load("resolution", folder=tmp_path), "resolution", data="letters")
    rows = {row.pop("network"): row for row in table.to_dict("records")}
    assert rows["scaled, per channel, kernels as they are"]["128 px"] == "69.0 [69.0, 69.0]"
    assert rows["scaled, per channel, kernels resized"]["128 px"] == "81.0 [81.0, 81.0]"
    assert rows["scaled, per channel, kernels resized"]["64 px"] == "85.0 [85.0, 85.0]"
    assert "conv2d 5×5, kernels as they are" in rows
    assert "conv2d 5×5, kernels resized" not in rows
    assert list(table.columns) == ["network", "32 px", "64 px", "96 px", "128 px", "192 px"]


def test_the_pilot_has_one_seed_of_it(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "pilot", measured=exact)
    table = prices.other_sizes(evidence.load("resolution", folder=tmp_path), "resolution", data="imagenette")
    assert set(table["96 px"]) == {"77.0 (one seed)", "83.0 (one seed)"}


def test_costs_are_of_the_runs_own_steps_as_medians_and_ranges(tmp_path: Path) -> None:
    configs = wanted("accuracy", data="letters", size=128)
    protocol_runs.write(tmp_path, "full", configs, exact)
    loaded = evidence.load("accuracy", folder=tmp_path)
    loaded.rows.loc[loaded.rows["seed"] == 2, "step_s"] *= 3
    found = prices.costs(loaded, "accuracy", data="letters", size=128)
    by_name = found.set_index("contender")
    (config,) = [config for config in configs if config.method == "spline" and config.seed == 0]
    assert by_name.loc["spline", "ms"] == pytest.approx(10 * protocol_runs.SECONDS * EXPERIMENT.cost(config))
    assert by_name.loc["spline", "least"] == pytest.approx(by_name.loc["spline", "ms"])
    assert by_name.loc["spline", "most"] == pytest.approx(3 * by_name.loc["spline", "ms"])
    assert len(by_name) == len({contender(config) for config in configs})


def test_machines_are_named_where_there_are_several(tmp_path: Path) -> None:
    configs = wanted("accuracy", data="letters", size=128)
    protocol_runs.write(tmp_path, "full", configs, exact)
    found = evidence.load("accuracy", folder=tmp_path)
    assert "machine" not in prices.cost_table(found, "accuracy", data="letters", size=128)
    found.rows.loc[found.rows["seed"] == 1, "machine"] = "H0"
    table = prices.cost_table(found, "accuracy", data="letters", size=128)
    assert table.loc[table["contender"] == "spline", "machine"].tolist() == ["abacus", "H0"]


def test_without_any_run_there_are_tables_all_the_same(tmp_path: Path) -> None:
    found = evidence.load("accuracy", "resolution", folder=tmp_path)
    assert prices.other_sizes(found, "resolution", data="letters").empty
    assert prices.cost_table(found, "accuracy", data="letters", size=128).empty
