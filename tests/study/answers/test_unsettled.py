"""Committed differences that do not beat what they are compared with are shown, and no others."""

from pathlib import Path

import pytest

from fourierconv.study import claims, tables
from fourierconv.study.answers import unsettled
from fourierconv.study.claims import CLAIMS
from fourierconv.study.statistics import interval

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
    assert [claim.statement in shown for claim in own] == [False, True, True]
    assert [word in shown for word in WORDS] == [False, True, True]
    assert "2 of 3 committed differences" in shown
