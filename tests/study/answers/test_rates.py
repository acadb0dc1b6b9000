"""The table of the search for rates holds what is committed, and the choice that the protocol makes of it."""

import re
from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import protocol
from fourierconv.study.answers import rates
from fourierconv.study.experiments.classification import Config
from tests.study import protocol_runs


def cells(shown: str) -> dict[str, list[str]]:
    """The table's cells by its first column."""
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr.*?</tr>", shown, re.S)]
    return {name: others for name, *others in rows}


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without results."""
    monkeypatch.setattr(protocol, "repository_root", lambda: tmp_path)
    monkeypatch.setattr(rates, "repository_root", lambda: tmp_path)
    return tmp_path


def write(root: Path, without: str = "") -> None:
    """Write the search as far as it can be asked for, 0.01 the best by far."""

    def measured(config: Config) -> dict[str, Any]:
        assert config.lr is not None
        return protocol_runs.metrics(config) | {"accuracy": 90.0 if config.lr == 0.01 else 40.0 + 100 * config.lr}

    for _ in range(3):  # second seeds are asked for once the first are there
        own = [config for config in protocol.configs("tuning") if config.method != without]
        protocol_runs.write(root / "book" / "results", "tuning", own, measured)


def test_it_shows_both_seeds_and_the_choice(empty: Path) -> None:
    write(empty)
    found = cells(rates.searched("letters").data)
    assert found["contender"] == ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "taken"]
    assert found["conv2d 5×5"] == ["40.1", "40.3", "90.0 / 90.0", "43.0 / 43.0", "", "", "0.01"]
    assert "conv2d 5×5, deeper" in found
    assert "spline" in cells(rates.searched("imagenette").data)


def test_what_is_not_searched_yet_is_open(empty: Path) -> None:
    assert "not run yet" in rates.searched("letters").data
    write(empty, without="spectral")
    assert cells(rates.searched("letters").data)["spectral"] == ["", "", "", "", "", "", "–"]


def test_the_note_says_how_many_runs_there_are(empty: Path) -> None:
    write(empty)
    asked = [config for config in protocol.configs("tuning") if config.data == "letters"]
    note = f"Profile tuning, up to 2 seeds, {len(asked)} of {len(asked)} runs"
    assert note in rates.searched("letters").data
