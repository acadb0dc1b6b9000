"""Committed differences that do not beat what they are compared with are shown, and no others."""

from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import claims, tables
from fourierconv.study.answers import unsettled
from fourierconv.study.answers.trainings import worded
from fourierconv.study.claims import CLAIMS
from fourierconv.study.experiments.classification import Config
from fourierconv.study.statistics import interval
from tests.study import protocol_runs
from tests.study.protocol_runs import exact, wanted

# of the first claims in points: above 0, about 0, below 0
SEEDS = ([4.0, 5.0, 6.0], [-4.0, 0.0, 4.0], [-5.0, -5.1, -5.2])
WORDS = ("beats", "undecided", "falls behind")


def test_what_beats_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [claim for claim in CLAIMS if claim.unit == "points"][: len(SEEDS)]
    measured = {claim.name: interval(seeds) for claim, seeds in zip(own, SEEDS, strict=True)}
    path = tmp_path / "book" / "results" / "quick" / "claims.csv"
    path.parent.mkdir(parents=True)
    path.write_text(tables.to_csv(claims.to_rows(own, measured), claims.COLUMNS))
    monkeypatch.setattr(unsettled, "repository_root", lambda: tmp_path)
    shown = unsettled.not_above().data
    assert [worded(claim.statement) in shown for claim in own] == [False, True, True]
    assert [word in shown for word in WORDS] == [False, True, True]
    assert "2 of 3 committed differences" in shown


def test_of_the_protocol_the_verdicts_know_the_controls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsettled, "repository_root", lambda: tmp_path)
    assert "not run yet" in unsettled.not_above_protocol().data

    def slow(config: Config) -> dict[str, Any]:
        more = 20.0 * (config.method == "conv2d_5" and config.size == 64 and protocol_runs.doubled(config))
        return exact(config) | {"accuracy": exact(config)["accuracy"] + more}

    protocol_runs.write(tmp_path / "book" / "results", "full", wanted("accuracy", "convergence"), slow)
    shown = unsettled.not_above_protocol().data
    assert "On letters of 64 px, “scaled, per channel” is this many points above conv2d 5×5." in shown
    assert "not converged: no claim" in shown
    assert "On letters of 128 px, “scaled, per channel” is this many points above conv2d 5×5." not in shown
