"""The committed results: tables are what the committed runs say, byte for byte, and kept weights fit their networks."""

from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import tables
from fourierconv.study.experiments import classification
from fourierconv.study.store import Store, repository_root
from fourierconv.study.sweep import sweep_of

EXPERIMENT: Any = classification
COMMITTED = repository_root() / "book" / "results"
PROFILES = sorted(path.parent.name for path in COMMITTED.glob(f"*/{EXPERIMENT.NAME}.csv"))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_partial_table_is_that_of_the_committed_runs(profile: str, tmp_path: Path) -> None:
    store = Store(COMMITTED / profile / "runs")
    path = tables.collect(EXPERIMENT, profile, store, tmp_path)
    for made in tables.files(EXPERIMENT, tmp_path):
        assert made.read_text() == (COMMITTED / profile / made.name).read_text()
    assert len(tables.from_csv(path.read_text())) == len(list((store.root / EXPERIMENT.NAME).glob("*.json")))


@pytest.mark.parametrize("profile", PROFILES)
def test_kept_weights_are_those_of_their_runs(profile: str) -> None:
    store = Store(COMMITTED / profile / "runs")
    for config in sweep_of(EXPERIMENT, profile):
        if store.path(EXPERIMENT, config).exists() and config.keep:
            network = EXPERIMENT.network(config, store.weights(EXPERIMENT, config))
            assert sum(p.numel() for p in network.parameters()) > 0
