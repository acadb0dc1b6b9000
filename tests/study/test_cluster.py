"""Runs on a Dask cluster, of real processes: the results of local workers, in a store that the cluster never sees."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fourierconv.study import cluster, provenance
from fourierconv.study.store import Store, StudyError
from fourierconv.study.sweep import run_missing
from tests.study import toy
from tests.study.processes import ended, free_address, start_scheduler, start_worker

CONFIGS = toy.configs("quick")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler with one worker."""
    folder, address = tmp_path_factory.mktemp("cluster"), free_address()
    with ended(start_scheduler(folder, address), start_worker(folder, address)):
        yield address


def test_a_cluster_gives_the_results_of_local_workers(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local = run_missing(toy, CONFIGS[:4], Store(tmp_path / "local"), workers=1)
    capsys.readouterr()
    found = run_missing(toy, CONFIGS[:4], Store(tmp_path / "runs"), scheduler=address)
    assert [result.metrics for result in found] == [result.metrics for result in local]
    assert {result.provenance["threads"] for result in found} == {1}
    assert found[0].provenance.keys() == local[0].provenance.keys()
    printed = capsys.readouterr().out
    assert printed.count("epoch 2/2") == 4
    assert "[4/4] toy " in printed


def test_failures_on_a_cluster_are_named(address: str, tmp_path: Path) -> None:
    store, bad = Store(tmp_path / "runs"), replace(CONFIGS[0], behaviour="diverges")
    with pytest.raises(StudyError, match=r"1 of 2 runs of toy failed:\n.*FloatingPointError: the loss of epoch 1"):
        run_missing(toy, [bad, CONFIGS[0]], store, scheduler=address)
    assert store.find(toy, CONFIGS[0]) is not None
    assert "Traceback" in store.path(toy, bad).with_suffix(".failed.txt").read_text()


def test_an_experiment_that_a_worker_does_not_have_is_a_failure(address: str, tmp_path: Path) -> None:
    elsewhere: Any = SimpleNamespace(**{**vars(toy), "__name__": "tests.study.nowhere"})
    with pytest.raises(StudyError, match=r"ModuleNotFoundError: No module named 'tests\.study\.nowhere'; see "):
        run_missing(elsewhere, CONFIGS[:1], Store(tmp_path / "runs"), scheduler=address)


def test_a_worker_with_another_version_is_refused(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "source_hash", lambda folder: "0123")
    with pytest.raises(StudyError, match=r"the worker tcp://\S+ has another version of this package"):
        run_missing(toy, CONFIGS[:1], Store(tmp_path / "runs"), scheduler=address)


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT", 1.0)
    nowhere = free_address()
    with pytest.raises(StudyError, match=f"^there is no scheduler at {nowhere}: .*$"):
        run_missing(toy, CONFIGS[:1], Store(tmp_path / "runs"), scheduler=nowhere)


def test_a_scheduler_without_workers_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT", 10.0)
    address = free_address()
    with (
        ended(start_scheduler(tmp_path, address)),
        pytest.raises(StudyError, match=f"{address} has no worker: dask worker {address} --nthreads 1$"),
    ):
        run_missing(toy, CONFIGS[:1], Store(tmp_path / "runs"), scheduler=address)
