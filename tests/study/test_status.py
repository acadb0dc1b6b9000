"""Where a profile stands: counts, living processes, failures, and times from the nearest runs that were measured."""

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from fourierconv.study import marks, status, tables
from fourierconv.study.store import Outcome, Store, StudyError
from fourierconv.study.worker import Failed
from tests.study import toy

FULL = toy.configs("full")  # 8 runs of each size; of cost 1024 and 4096
PROVENANCE = {"cpu": "abacus", "device": "cpu", "date": "2026-01-01T00:00:00+00:00"}
OUTCOME = Outcome({"accuracy": 0.5, "extent": 1.0}, [])


def finish(store: Store, configs: Sequence[toy.Config], hours: float = 0.001) -> None:
    """Have runs done, that at size 32 took so many hours."""
    for config in configs:
        seconds = 3600 * hours * toy.cost(config) / 1024
        store.save(toy, config, OUTCOME, PROVENANCE | {"duration_s": seconds})


def said(store: Store, profile: str = "full", workers: int = 2) -> list[str]:
    committed = store.root.parent / "committed"
    return status.lines([status.standing(toy, profile, ("quick", "pilot"), store, committed)], workers)


def test_nothing_measured(store: Store) -> None:
    assert said(store) == [
        "toy: 0 of 16 runs done, 16 left: time unknown with workers=2",
        "all: 0 of 16 runs done, 16 left: time unknown",
    ]


def test_times_are_those_of_like_cost(store: Store) -> None:
    finish(store, FULL[:4], 2.0)
    finish(store, FULL[8:12], 1.0)  # that took 4 hours each
    assert said(store) == [
        "toy: 8 of 16 runs done, 8 left: about 12 h 00 min with workers=2",
        "all: 8 of 16 runs done, 8 left: about 24.0 core-hours, 12 h 00 min on this machine with workers=2",
    ]
    assert said(store, workers=1)[1].endswith("about 24.0 core-hours, 24 h 00 min on this machine with workers=1")


def test_times_of_another_profile(store: Store) -> None:
    finish(store, [config for config in toy.configs("quick") if config.seed == 2], 1.0)
    assert said(store, "pilot")[0].endswith("8 left: about 10 h 00 min with workers=2 by the runs of quick")


def test_times_of_committed_runs(store: Store, tmp_path: Path) -> None:
    elsewhere = Store(tmp_path / "elsewhere")
    finish(elsewhere, toy.configs("quick"), 1.0)
    tables.collect(toy, "quick", elsewhere, tmp_path / "committed" / "quick")
    assert json.loads((tmp_path / "committed" / "quick" / "toy.provenance.json").read_text())["cpu"] == ["abacus"]
    assert said(store)[0].endswith("16 left: about 20 h 00 min with workers=2 by the committed runs of quick on abacus")
    assert said(store, "pilot")[0].endswith(" 10 h 00 min with workers=2 by the committed runs of quick on abacus")


def test_a_damaged_committed_table_is_named(store: Store, tmp_path: Path) -> None:
    sidecar = tmp_path / "committed" / "quick" / "toy.provenance.json"
    sidecar.parent.mkdir(parents=True)
    sidecar.write_text('{"runs": ')
    with pytest.raises(StudyError, match=r"toy\.provenance\.json is not whole JSON; restore it: git checkout"):
        said(store)


def test_a_gpu_and_a_processor_say_nothing_about_each_other(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Store(tmp_path / "elsewhere")
    for found in (store, elsewhere):
        finish(found, toy.configs("quick")[:6], 1.0)
        for config in toy.configs("quick")[6:]:
            found.save(toy, config, OUTCOME, PROVENANCE | {"duration_s": 4.0, "device": "H0"})
    assert said(store)[0].endswith(" 4 left: about 5 h 00 min with workers=2")
    monkeypatch.setenv("FOURIERCONV_DEVICE", "cuda")
    assert said(store)[0].endswith(" 4 left: about 5.0 s with workers=2")
    tables.collect(toy, "quick", elsewhere, tmp_path / "committed" / "quick")
    assert said(Store(tmp_path / "empty"))[0].endswith("by the committed runs of quick on abacus")
    assert "about 20 s" in said(Store(tmp_path / "empty"))[0]


def test_prices_are_those_of_the_committed_pilot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(status.prices(toy, tmp_path).values()) == {"not measured"}
    store = Store(tmp_path / "runs")
    finish(store, toy.configs("pilot"), 1.0)
    tables.collect(toy, "pilot", store, tmp_path / "pilot")
    monkeypatch.setattr(toy, "priority", lambda config: (int(config.size > 32), config.seed), raising=False)
    found = status.prices(toy, tmp_path)
    assert found["cost_toy_hardware"] == "abacus"
    assert found["cost_toy_tuning"] == "10 h 00 min"  # two runs of an hour, two of four
    assert (found["cost_toy_full_0"], found["cost_toy_full_1"]) == ("8 h 00 min", "32 h 00 min")
    monkeypatch.setattr(toy, "configs", lambda profile: [] if profile == "pilot" else [toy.Config()])
    assert status.prices(toy, tmp_path) == {}


def test_what_runs_and_what_failed(store: Store) -> None:
    finish(store, FULL)
    running, failed, left = (store.path(toy, config) for config in FULL[:3])
    for path in (running, failed, left):
        path.unlink()
    mark = marks.take(running)
    assert mark is not None
    marks.write_failure(failed, FULL[1], Failed("ValueError: no"), [])
    left.with_suffix(".running").write_text("process 1 on a machine that crashed\n")
    first, *rest, _ = said(store)
    mark.remove()
    assert first == "toy: 13 of 16 runs done, 1 running, 1 failed, 3 left: about 5.4 s with workers=2"
    assert rest == [
        f"  running: toy size=32 seed=0 method=conv2d: process {os.getpid()} on {socket.gethostname()}",
        f"  failed: toy size=32 seed=0 method=window: ValueError: no; see {marks.failure_path(failed)}",
    ]


def test_what_cannot_be_done_yet(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "waits", lambda config: "its size" if config.size > 32 else "", raising=False)
    finish(store, FULL[:8])
    first, *rest, _ = said(store)
    assert first.startswith("toy: 8 of 16 runs done, 8 left: ")
    assert rest == ["  8 of them wait, each for its size"]


def test_all_done_needs_no_time(store: Store) -> None:
    finish(store, FULL)
    assert said(store) == ["toy: 16 of 16 runs done"]
