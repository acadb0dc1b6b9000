"""Committed runs trained anew: found by their keys, compared cell by cell with a tolerance from the seeds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fourierconv.study import recompute
from fourierconv.study.store import Outcome, Store, StudyError, key
from tests.study import toy

FULL = toy.configs("full")
CELL = [config for config in FULL if (config.size, config.method) == (64, "window")]  # seeds 0 to 3
PROVENANCE = {"date": "2026-01-01T00:00:00+00:00"}


def fill(store: Store, configs: Sequence[toy.Config], accuracies: Sequence[float]) -> None:
    for config, accuracy in zip(configs, accuracies, strict=True):
        store.save(toy, config, Outcome({"accuracy": accuracy}, []), PROVENANCE)


def compared(tmp_path: Path, configs: Sequence[toy.Config], new: Sequence[float], old: Sequence[float]) -> Any:
    """Compare new accuracies of some configs with committed ones of the cell's first seeds."""
    committed, store = Store(tmp_path / "committed"), Store(tmp_path / "recomputed")
    fill(committed, CELL[: len(old)], old)
    fill(store, configs, new)
    results = [result for config in configs if (result := store.find(toy, config)) is not None]
    return recompute.compare(toy, "full", results, committed)


def test_runs_are_known_by_how_their_keys_begin() -> None:
    keys = [key(toy, config)[: recompute.DIGITS] for config in CELL]
    assert recompute.by_key(toy, "full", keys) == CELL
    assert recompute.command(toy, "full", CELL).endswith(f"--profile full --only toy {' '.join(keys)}")


@pytest.mark.parametrize(("asked", "count"), [("nothing", 0), ("", len(FULL))])
def test_a_key_of_no_run_or_of_several_is_refused(asked: str, count: int) -> None:
    with pytest.raises(StudyError, match=f"'{asked}' begins the keys of {count} runs of toy in the profile full"):
        recompute.by_key(toy, "full", [asked])


# accuracies of the recomputed seeds, whether they are within the tolerance of 70, 71, 72, 73 (their t·sd is 4.108)
WITHIN = [
    ([70.0, 71.0, 72.0, 73.0], True),
    ([74.3, 74.3, 74.3, 74.3], True),  # 71.5 ± 2.905
    ([74.5, 74.5, 74.5, 74.5], False),
    ([76.0], True),  # one seed: 71.5 ± 4.593
    ([76.2], False),
    ([66.8], False),
]


@pytest.mark.parametrize(("new", "within"), WITHIN)
def test_a_cell_is_within_what_as_many_new_seeds_would_differ_by(
    tmp_path: Path, new: list[float], within: bool
) -> None:
    lines, met = compared(tmp_path, CELL[: len(new)], new, [70.0, 71.0, 72.0, 73.0])
    assert met == within
    assert lines[0].endswith(f"{new[0]:.2f} %, committed 70.00")
    assert lines[-1].endswith("over 4 seeds: within" if within else "over 4 seeds: OUTSIDE")


def test_seeds_that_agree_almost_exactly_have_the_floor_as_their_tolerance(tmp_path: Path) -> None:
    assert compared(tmp_path, CELL[:1], [70.4], [70.0, 70.0])[1]
    assert not compared(tmp_path / "other", CELL[:1], [70.6], [70.0, 70.0])[1]


def test_one_committed_seed_tells_no_tolerance(tmp_path: Path) -> None:
    lines, met = compared(tmp_path, CELL[:2], [50.0, 51.0], [70.0])
    assert met
    assert lines[1].endswith("51.00 %, committed not")
    assert lines[-1].endswith("mean 50.50 %, 1 committed seeds: no tolerance is known")
