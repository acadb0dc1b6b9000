"""What the protocol's runs say in numbers, on tables of known answer, as far as there are runs."""

from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import claims, protocol_claims, tables
from fourierconv.study.experiments.classification import Config
from fourierconv.study.protocol_claims import PROTOCOL_CLAIMS
from fourierconv.study.tables import Row
from tests.study import protocol_runs
from tests.study.protocol_runs import EXPERIMENT, doubled, exact, wanted

ALL = ("accuracy", "sweep", "selection", "predecessor", "coordinates")


def rows(folder: Path, configs: list[Config], measured: Any = exact) -> dict[str, list[Row]]:
    protocol_runs.write(folder, "full", configs, measured)
    return {protocol_claims.NAME: tables.read(EXPERIMENT, folder / "full").rows}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return claims.measure(PROTOCOL_CLAIMS, rows(tmp_path_factory.mktemp("whole"), wanted(*ALL)))


def test_all_are_measured_when_all_is_run(measured: Any) -> None:
    assert measured.keys() == {claim.name for claim in PROTOCOL_CLAIMS}
    assert all(claim.statement.endswith(".") and claim.may_wait for claim in PROTOCOL_CLAIMS)


# of `exact`: scaled_channel gains 8 points and a tenth per seed, conv2d_11 gains 3
KNOWN = [
    ("letters_scaled_channel_128", 8.35, 8),
    ("letters_scaled_channel_128_best", 5.2, 5),
    ("letters_scaled_channel_128_deeper", 8.35, 8),
    ("imagenette_scaled_channel_128", 8.35, 8),
    ("imagenette_scaled_channel_64_best", 5.2, 5),
    ("letters_window_5_32", 0.0, 5),
    ("predecessor_spline", 0.0, 3),
    ("coordinates_sgd", 0.0, 5),
    ("letters_slope_scaled_layer", 1.0, 5),
    ("imagenette_slope_scaled_channel", 0.75, 5),
]


@pytest.mark.parametrize(("name", "mean", "seeds"), KNOWN)
def test_known_answers_over_the_seeds_that_both_sides_have(measured: Any, name: str, mean: float, seeds: int) -> None:
    assert measured[name].mean == pytest.approx(mean, abs=1e-4)
    assert measured[name].n == seeds


def test_what_is_not_run_waits(tmp_path: Path) -> None:
    done = wanted("accuracy", data="letters", size=64) + wanted("selection", data="letters", size=64, seed=0)
    done = [config for config in done if config.method in ("conv2d_5", "scaled_layer") or config.validation]
    told = rows(tmp_path, done)
    found = claims.measure(PROTOCOL_CLAIMS, told)
    assert found.keys() == {"letters_scaled_layer_64", "letters_scaled_layer_64_deeper"}
    shown = claims.values(PROTOCOL_CLAIMS, told, found)
    assert shown["letters_scaled_layer_64_verdict"] == "beats, convergence not checked"
    assert shown["letters_scaled_layer_64"] == "+6.0 points [6.0, 6.0]"
    assert shown["letters_scaled_layer_64_best"] == shown["letters_scaled_layer_64_best_verdict"] == claims.WAITS
    assert len(claims.to_rows([c for c in PROTOCOL_CLAIMS if c.name in found], found)) == 2


# points that twice the training adds, and the words for scaled_channel above conv2d_5 and above the best, conv2d_11
WORDS = [
    (1.0, "beats", "beats"),
    (6.0, "beats, even twice its training", "not converged: no claim"),
    (9.0, "not converged: no claim", "not converged: no claim"),
]


@pytest.mark.parametrize(("gain", "classic", "best"), WORDS)
def test_words_stand_beside_the_controls_of_twice_the_training(
    tmp_path: Path, gain: float, classic: str, best: str
) -> None:
    def slow(config: Config) -> dict[str, Any]:
        return exact(config) | {"accuracy": exact(config)["accuracy"] + gain * doubled(config)}

    told = rows(tmp_path, wanted("accuracy", "convergence", "selection", data="letters", size=128), slow)
    shown = claims.values(PROTOCOL_CLAIMS, told, claims.measure(PROTOCOL_CLAIMS, told))
    words = [shown[f"letters_scaled_channel_128{name}_verdict"] for name in ("", "_deeper", "_best")]
    assert words == [classic, classic, best]


def test_beside_another_size_the_control_is_of_that_size(tmp_path: Path) -> None:
    def slow(config: Config) -> dict[str, Any]:
        more = 6.0 * (config.method == "conv2d_5" and config.size == 64 and doubled(config))
        return exact(config) | {"accuracy": exact(config)["accuracy"] + more}

    told = rows(tmp_path, wanted("accuracy", "convergence", data="letters"), slow)
    shown = claims.values(PROTOCOL_CLAIMS, told, claims.measure(PROTOCOL_CLAIMS, told))
    assert shown["letters_scaled_channel_128_verdict"] == "beats"
    assert shown["letters_scaled_channel_128_at_64_verdict"] == "not converged: no claim"


def test_a_verdict_that_hangs_on_the_first_seed_is_doubted(tmp_path: Path) -> None:
    def first(config: Config) -> dict[str, Any]:  # as good as all would be after twice the training
        more = 12.0 * (config.method == "conv2d_5" and (config.seed == 0 or doubled(config)))
        return exact(config) | {"accuracy": exact(config)["accuracy"] + more}

    told = rows(tmp_path, wanted("accuracy", "convergence", "sweep", data="letters"), first)
    shown = claims.values(PROTOCOL_CLAIMS, told, claims.measure(PROTOCOL_CLAIMS, told))
    assert shown["letters_scaled_channel_128_verdict"] == "beats"
    assert shown["letters_scaled_channel_128_doubt"] == "; by the mean of the seeds *not converged: no claim*"
    assert shown["letters_scaled_channel_128_spectral_doubt"] == ""


def test_networks_are_as_large_as_their_rows_say(tmp_path: Path) -> None:
    def numbers(method: str, network: str = "convnet") -> int:
        return sum(map(ord, method)) + 10_000 * (network == "deeper")

    def measured(config: Config) -> dict[str, Any]:
        return exact(config) | {"parameters": numbers(config.method, config.network)}

    told = rows(tmp_path, wanted("accuracy", "selection", size=128), measured)
    assert protocol_claims.parameters(told) == {
        f"{data}_parameters_{name}": f"{own:,}"
        for data in ("letters", "imagenette")
        for name, own in {
            "conv2d_5": numbers("conv2d_5"),
            "scaled_channel": numbers("scaled_channel"),
            "best": numbers(protocol_claims.chosen(told, data, 128)),
            "deeper": numbers("conv2d_5", "deeper"),
        }.items()
    }
    assert set(protocol_claims.parameters({}).values()) == {claims.WAITS}


def test_one_seed_is_no_answer(tmp_path: Path) -> None:
    done = wanted("accuracy", data="letters", size=64, seed=0)
    assert claims.measure(PROTOCOL_CLAIMS, rows(tmp_path, done)) == {}


def test_a_committed_answer_that_can_no_longer_be_measured_is_outside(measured: Any) -> None:
    assert claims.check(PROTOCOL_CLAIMS, measured, measured)[1]
    text, met = claims.check(PROTOCOL_CLAIMS, {}, {"letters_scaled_layer_64": measured["letters_scaled_layer_64"]})
    assert not met
    assert "no longer measured" in text
