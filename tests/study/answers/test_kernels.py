"""Slopes are those by construction, seeds without all sizes have none, scales are compared with their start."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fourierconv.study import frames
from fourierconv.study.answers import evidence, kernels
from fourierconv.study.answers.evidence import EXPERIMENT, Evidence
from fourierconv.study.answers.trainings import described
from fourierconv.study.data.letters import SIDE
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import Config
from fourierconv.study.figures import grown
from fourierconv.study.models import convolutions
from fourierconv.study.store import Outcome, Store
from fourierconv.study.trained import taps
from tests.study import protocol_runs
from tests.study.protocol_runs import GROWTH, by_contender, metrics, wanted


def exact(config: Config) -> dict[str, Any]:
    return metrics(config, noise=0.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    protocol_runs.write(folder, "full")
    return folder


def test_slopes_are_those_of_the_extents(whole: Path) -> None:
    found = evidence.load("extents", folder=whole)
    for data, seeds in (("letters", 8), ("imagenette", 5)):
        slopes = kernels.slopes(found, "extents", data=data)
        means = slopes.groupby("method")["slope"].mean()
        assert means[["scaled_layer", "scaled_channel", "window_31"]].tolist() == pytest.approx(
            [GROWTH[name] for name in ("scaled_layer", "scaled_channel", "window_31")], abs=0.02
        )
        assert slopes.loc[slopes["method"] == "scaled_channel", "seed"].nunique() == seeds
    table = by_contender(kernels.slope_table(found, "extents", data="letters"))
    assert table["scaled, per layer"]["layer 3 grows"] == "as the image"
    assert table["scaled, per channel"]["layer 3 grows"] == "less than the image"
    assert table["window 31×31"]["layer 3 grows"] == "less than the image"
    assert "conv2d 5×5, deeper" not in table


def test_a_seed_that_lacks_a_size_has_no_slope(tmp_path: Path) -> None:
    runs = [config for config in wanted("extents", data="letters") if (config.size, config.seed) != (128, 1)]
    protocol_runs.write(tmp_path, "full", [config for config in runs if config.seed < 2], exact)
    found = evidence.load("extents", folder=tmp_path)
    assert set(kernels.slopes(found, "extents", data="letters")["seed"]) == {0}
    table = by_contender(kernels.slope_table(found, "extents", data="letters"))
    assert table["scaled, per layer"]["layer 3"] == "1.00 (one seed)"
    assert table["scaled, per layer"]["layer 3 grows"] == "1 of 5 seeds: no verdict"
    assert table["conv2d 5×5"]["layer 3 grows"] == "1 of 8 seeds: no verdict"
    protocol_runs.write(tmp_path, "full", wanted("extents", data="letters", size=64), exact)
    found = evidence.load("extents", folder=tmp_path)
    some = by_contender(kernels.slope_table(found, "extents", data="letters"))
    assert some["scaled, per layer"]["layer 3"] == "no seed has all sizes yet"
    photos = by_contender(kernels.slope_table(found, "extents", data="imagenette"))
    assert set(photos["scaled, per layer"].values()) == {"not run yet"}


def test_extents_stand_above_that_of_the_best_fixed_kernel(whole: Path, tmp_path: Path) -> None:
    table = by_contender(
        kernels.extents(evidence.load("extents", "selection", "sweep", folder=whole), "extents", data="letters")
    )
    assert table["the best fixed kernel"]["64 px"].endswith("<br><small>conv2d 11×11</small>")
    assert table["the best fixed kernel"]["64 px"].startswith("4.0 [")
    protocol_runs.write(tmp_path, "pilot", measured=exact)
    found = evidence.load("extents", "selection", "sweep", folder=tmp_path)
    table = by_contender(kernels.extents(found, "extents", data="letters"))
    start = "<br><small>from 4.7</small>"  # of 5 taps drawn alike, 95 % of the energy
    assert table["scaled, per layer"] == {
        "32 px": f"4.0 (one seed){start}",
        "64 px": f"8.0 (one seed){start}",
        "128 px": f"16.0 (one seed){start}",
    }
    assert table["the layer's whole input"] == {"32 px": "8", "64 px": "16", "128 px": "32"}
    assert set(table["the best fixed kernel"].values()) == {"not chosen yet"}


def test_extents_of_the_best_fixed_kernel_are_of_whole_trainings(tmp_path: Path) -> None:
    def aside(config: Config) -> dict[str, Any]:
        found = exact(config)
        return found | {"extents": [own | {"mean": 9.0} for own in found["extents"]]} if config.validation else found

    protocol_runs.write(tmp_path, "full", wanted("extents", "selection", data="letters"), aside)
    found = evidence.load("extents", "selection", folder=tmp_path)
    table = by_contender(kernels.extents(found, "extents", data="letters"))
    assert table["the best fixed kernel"]["64 px"] == "4.0 [4.0, 4.0]<br><small>conv2d 11×11</small>"


def test_what_influences_a_learned_size_is_told_where_it_is_learned(whole: Path) -> None:
    found = evidence.load("parts", folder=whole)
    assert found.of("parts", method="scaled_layer")["contender"].str.contains("not learned").any()
    table = kernels.influences(found, "parts", methods=("scaled_layer",))
    changes = ("from 2 px", "from 4 px", "scale's rate ×1", "scale's rate ×3", "scale's rate ×30")
    assert set(table["contender"]) == {f"scaled, per layer, {change}" for change in changes}
    assert set(table["seeds"]) == {3}


def test_extents_are_shares_of_the_letter(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", wanted("limits"), exact)
    found = evidence.load("limits", "accuracy", folder=tmp_path)
    rows = kernels.shares(found, "limits", data="letters")
    logs = torch.linspace(math.log(SIDE[0]), math.log(SIDE[1]), 10_001, dtype=torch.float64)
    side = float(logs.exp().mean())
    share = rows.loc[rows["method"] == "conv2d_5", "share"]
    assert share.tolist() == pytest.approx([4.0 * 4 / (256 * side)] * len(share), rel=1e-4)
    table = by_contender(kernels.limits(found, "limits", "accuracy", data="letters"))
    assert table["conv2d 5×5"]["256 px"] == "53.0 [53.0, 53.0]<br><small>0.11 letters</small>"
    assert table["conv2d 5×5"]["128 px"] == "not run yet"


@pytest.mark.parametrize(("factor", "word"), [(1.0, "undecided"), (4.0, "spread"), (0.2, "come closer")])
def test_scales_spread_or_come_closer(tmp_path: Path, factor: float, word: str) -> None:
    start = kernels.starts(wanted("multiscale", method="scaled_channel")[0])[2]

    def measured(config: Config) -> dict[str, Any]:
        wider = start | {"p90": start["p90"] * factor * (1 + 0.01 * (-1) ** config.seed)}
        return metrics(config) | {"scales": [wider if config.method == "scaled_channel" else None] * 3}

    protocol_runs.write(tmp_path, "full", wanted("multiscale", method="scaled_channel"), measured)
    found = evidence.load("multiscale", folder=tmp_path)
    table = kernels.spreads(found, "multiscale")
    assert list(table["contender"]) == ["scaled, per channel"] * 3
    assert table["the scales"].tolist()[2] == word
    assert len(kernels.scales(found, "multiscale")) == 3 * 5


def test_scales_at_the_start_are_those_of_the_contender() -> None:
    first, *_, last = kernels.starts(wanted("multiscale", method="scaled_channel")[0])
    assert 1.0 < first["p10"] < 1.5
    assert 6.0 < last["p90"] < 8.0
    assert kernels.starts(wanted("multiscale", method="conv2d_5")[0]) == []


def test_without_any_run_there_are_tables_all_the_same(tmp_path: Path) -> None:
    found = evidence.load("extents", "limits", "accuracy", "multiscale", "selection", folder=tmp_path)
    assert set(kernels.slope_table(found, "extents", data="letters")["layer 3"]) == {"not run yet"}
    assert set(kernels.limits(found, "limits", data="letters")["256 px"]) == {"not run yet"}
    assert kernels.spreads(found, "multiscale").empty
    assert set(kernels.extents(found, "extents", data="letters")["64 px"]) == {"not run yet", "not chosen yet", "16"}


def test_histories_and_weights_are_those_of_the_runs(tmp_path: Path) -> None:
    kept, other = (replace(own, widths=(4, 4, 4)) for own in wanted("extents", data="letters", size=32)[3:5])
    assert kept.keep
    store, network = Store(tmp_path / "runs"), classification.build(kept)
    history = [{"epoch": 1, "extents": [1.0, 2.0, 3.0]}, {"epoch": 2, "extents": [1.5, 2.5, 3.5]}]
    store.save(EXPERIMENT, kept, Outcome({}, history, dict(network.state_dict())), {})
    rows = described([kept, other])
    found = Evidence("full", rows, rows, {"extents": [kept, other]}, {}, frozenset(), [], "", "", "", store)
    table = kernels.histories(found, "extents")
    assert set(table["contender"]) == {frames.label(kept.method)}
    assert table.loc[table["layer"] == 3, ["epoch", "extent"]].to_numpy().tolist() == [[1, 3.0], [2, 3.5]]
    ((name, layer),) = kernels.layers(found, "extents", number=2).items()
    assert name == frames.label(kept.method)
    assert torch.equal(taps(layer), taps(convolutions(network)[1]))
    assert len(grown.training(found, "extents", data="letters").axes) == 3
    assert grown.portraits(found, "extents", data="letters", size=32, layer=2).axes
    assert kernels.histories(found, "extents", data="imagenette").empty


def test_slopes_of_some_sizes_need_no_others(whole: Path) -> None:
    found = evidence.load("extents", folder=whole)
    table = by_contender(kernels.slope_table(found, "extents", data="imagenette", size=(64, 128)))
    assert table["scaled, per channel"]["layer 3"].startswith("0.7")  # of `metrics`, 0.75 and noise
    assert kernels.slopes(found, "extents", size=64).empty  # one size has no slope
