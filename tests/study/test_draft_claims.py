"""The draft's two claims get the answer that the protocol's page states, on tables whose differences are known."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import claims, draft_claims, protocol, tables
from fourierconv.study.draft_claims import AGAINST, FOR, OPEN, answer
from fourierconv.study.experiments.classification import Config
from fourierconv.study.protocol_claims import PROTOCOL_CLAIMS
from tests.study import protocol_runs
from tests.study.protocol_runs import exact, wanted

MAIN = ("accuracy", "convergence", "selection", "sweep")


def values(folder: Path, measured: Callable[[Config], dict[str, Any]], **where: Any) -> dict[str, str]:
    protocol_runs.write(folder, "full", wanted(*MAIN, **where), measured)
    rows = {"classification": tables.read(protocol_runs.EXPERIMENT, folder / "full").rows}
    found = claims.measure(PROTOCOL_CLAIMS, rows)
    return draft_claims.values(found, claims.values(PROTOCOL_CLAIMS, rows, found))


def test_both_hold_where_all_cases_speak_for_them(tmp_path: Path) -> None:
    found = values(tmp_path, exact)
    assert found["draft_sizes"] == found["draft_accuracy"] == "holds"
    assert found["draft_accuracy_cases"].startswith("It holds against classic 5×5 kernels, the best fixed kernels")
    assert found["draft_sizes_cases"] == (
        "It holds for one scale per layer, one scale per channel and the window over 31×31 on letters, "
        "and for one scale per layer, one scale per channel and the window over 31×31 on Imagenette."
    )


def test_conditions_are_named(tmp_path: Path) -> None:
    def on_letters(config: Config) -> dict[str, Any]:
        behind = 20 * (config.method == "scaled_channel" and config.data == "imagenette")
        return exact(config) | {"accuracy": exact(config)["accuracy"] - behind}

    found = values(tmp_path, on_letters)
    assert found["draft_accuracy"] == "holds with conditions"
    behind = "classic 5×5 kernels, the best fixed kernels and classic 5×5 kernels in a deeper network"
    assert f"it does not hold against {behind} on Imagenette" in found["draft_accuracy_cases"]


def test_neither_holds_where_nothing_grows_or_gains(tmp_path: Path) -> None:
    def flat(config: Config) -> dict[str, Any]:
        points = {"scaled_channel": -5.0, "conv2d_5": 1.0}  # of which the second is then the best fixed kernel
        lower = dict(exact(config), accuracy=70.0 + points.get(config.method, 0.0))
        return lower | {"extents": [own | {"mean": 4 * config.size**-0.1} for own in lower["extents"]]}

    found = values(tmp_path, flat)
    assert found["draft_sizes"] == found["draft_accuracy"] == "does not hold"


def test_what_qualifies_the_claims_is_named(tmp_path: Path) -> None:
    found = values(tmp_path, exact)
    assert found["draft_sizes_proportion"].startswith(
        "Of 8 slopes of learned sizes, 7×7 coefficients on letters included, "
    )
    assert found["draft_sizes_fixed"] == (
        "Fixed 31×31 kernels, which small images cut off, have slopes of 0.00 on letters and 0.00 on Imagenette."
    )
    assert found["draft_accuracy_behind"] == (
        "One scale per channel falls behind classic 5×5 kernels on the same images at 32 px on letters, and behind "
        "classic 5×5 kernels on the same images at 32 px on Imagenette."
    )
    assert draft_claims.values({}, {})["draft_accuracy_behind"] == ""


def test_nothing_is_said_before_all_cases_are_run(tmp_path: Path) -> None:
    found = values(tmp_path, exact, data="letters")
    assert found["draft_sizes"] == found["draft_accuracy"] == "is not answered yet (3 of 6 cases)"
    assert "It waits for runs of classic 5×5 kernels, the best fixed kernels" in found["draft_accuracy_cases"]
    assert draft_claims.values({}, {})["draft_accuracy"] == "is not answered yet (0 of 6 cases)"


def test_a_part_of_the_seeds_says_nothing(tmp_path: Path) -> None:
    protocol_runs.write(tmp_path, "full", [own for own in wanted(*MAIN) if own.seed < 2], exact)
    rows = {"classification": tables.read(protocol_runs.EXPERIMENT, tmp_path / "full").rows}
    found = claims.measure(PROTOCOL_CLAIMS, rows)
    shown = claims.values(PROTOCOL_CLAIMS, rows, found)
    assert shown["letters_scaled_channel_128_verdict"] == "2 of 8 seeds: no verdict"
    assert draft_claims.values(found, shown)["draft_sizes"] == "is not answered yet (0 of 6 cases)"
    assert draft_claims.values(found, shown)["draft_accuracy"] == "is not answered yet (0 of 6 cases)"
    assert draft_claims.values(found, shown)["draft_sizes_proportion"] == ""


def test_without_a_control_nothing_is_told() -> None:
    shown = {f"imagenette_scaled_channel_128{kind}_verdict": "beats" for kind in ("", "_best", "_deeper")}
    shown |= {f"letters_scaled_channel_128{kind}_verdict": "beats" for kind in ("", "_deeper")}
    shown["letters_scaled_channel_128_best_verdict"] = "beats, convergence not checked"
    found = draft_claims.values({}, shown)
    assert found["draft_accuracy"] == "holds with conditions"
    assert "it stays open against the best fixed kernels on letters" in found["draft_accuracy_cases"]


def test_a_match_suffices_only_against_the_best_of_a_sweep(tmp_path: Path) -> None:
    kinds = ("", "_best", "_deeper")
    shown = {f"{data}_scaled_channel_128{kind}_verdict": "matches" for data in protocol.CONTENDERS for kind in kinds}
    found = draft_claims.values({}, shown)
    assert found["draft_accuracy"] == "holds with conditions"
    both = "the best fixed kernels on letters, and against the best fixed kernels on Imagenette;"
    assert found["draft_accuracy_cases"].startswith(f"It holds against {both}")
    shown |= dict.fromkeys(shown, "not converged: no claim")
    assert draft_claims.values({}, shown)["draft_accuracy"] == "is not decided by these runs"


@pytest.mark.parametrize("found", list(product((FOR, AGAINST, OPEN), repeat=3)))
def test_the_four_answers_are_those_of_the_rule(found: tuple[str, ...]) -> None:
    if all(own == FOR for own in found):
        wanted = "holds"
    elif found.count(FOR) > 1:
        wanted = "holds with conditions"
    elif any(own in (FOR, OPEN) for own in found):
        wanted = "is not decided by these runs"
    else:
        wanted = "does not hold"
    assert answer(found) == wanted
