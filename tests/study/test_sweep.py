"""Sweeps with real worker processes: what is missing is run, once; what fails is named; nothing else depends on how."""

import contextlib
import io
import os
import re
import signal
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fourierconv.study import provenance, worker
from fourierconv.study.estimates import seconds_left
from fourierconv.study.store import Outcome, Result, Store, StudyError
from fourierconv.study.sweep import run_missing, run_names
from fourierconv.study.worker import Done
from tests.study import toy

CONFIGS = toy.configs("quick")
# behaviour of a run, the reason that its failure is given
FAILURES = {
    "raises": r"ValueError: the scale is -1.0 \(toy.py:\d+\)",
    "nan": r"metrics.accuracy is nan; a result holds finite numbers only",
    "diverges": r"FloatingPointError: the loss of epoch 1 is nan: training diverged \(toy.py:\d+\)",
    "dies": rf"its process was killed by signal {int(signal.SIGKILL)}",
}
# finished (cost, seconds), costs left, workers, seconds left
ESTIMATES = [
    ([], [1.0], 2, None),
    ([(4.0, 8.0)], [], 2, 0.0),
    ([(4.0, 8.0), (1.0, 2.0)], [3.0, 3.0, 4.0], 2, 10.0),
    ([(1.0, 2.0)], [3.0], 8, 6.0),
]


@pytest.fixture(scope="module")
def one_worker(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Result], list[str]]:
    """The whole sweep by one worker: its results and the lines it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        results = run_missing(toy, CONFIGS, Store(tmp_path_factory.mktemp("one") / "runs"), workers=1)
    return results, printed.getvalue().splitlines()


def metrics(results: list[Result]) -> list[dict[str, object]]:
    return [result.metrics for result in results]


def stamps(store: Store) -> dict[str, tuple[int, int]]:
    """What changes when a result is written again, even with the same content."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in store.root.glob("*/*.json")}


def test_results_come_in_the_order_of_the_configs(one_worker: tuple[list[Result], list[str]]) -> None:
    results, _ = one_worker
    assert [result.config for result in results] == CONFIGS
    assert {result.metrics["threads"] for result in results} == {1}
    assert {result.provenance["threads"] for result in results} == {1}


def test_progress_is_plain_lines_with_the_longest_runs_first(one_worker: tuple[list[Result], list[str]]) -> None:
    names = run_names(toy, CONFIGS)
    order = [*names[6:], *names[:6]]  # size 64 before size 32
    expected = []
    for number, name in enumerate(order, start=1):
        ending = r", \S+ s left" if number < len(order) else ""
        expected += [f"{name}: epoch 1/2", f"{name}: epoch 2/2"]
        expected += [rf"\[{number}/{len(order)}\] {name}: done in \S+ s{ending}"]
    _, lines = one_worker
    assert len(lines) == len(expected)
    assert all(re.fullmatch(pattern, line) for pattern, line in zip(expected, lines, strict=True))


def test_a_resumed_sweep_runs_the_missing_runs_only_and_gives_the_same_numbers(
    store: Store, one_worker: tuple[list[Result], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    # In another order and by two workers, so that each worker has other runs behind it than the one worker had.
    some = run_missing(toy, CONFIGS[:3], store, workers=1)
    before = stamps(store)
    everything = run_missing(toy, CONFIGS, store, workers=2)
    assert metrics(everything) == metrics(one_worker[0])
    assert everything[:3] == some
    assert len(before) == 3
    assert before.items() <= stamps(store).items()
    assert len(stamps(store)) == len(CONFIGS)

    capsys.readouterr()
    assert run_missing(toy, [CONFIGS[5], CONFIGS[5]], store) == [everything[5]] * 2
    assert capsys.readouterr().out == ""


def test_failures_are_named_and_do_not_stop_the_others(store: Store) -> None:
    failing = [replace(CONFIGS[0], behaviour=behaviour) for behaviour in FAILURES]
    with pytest.raises(StudyError) as caught:
        run_missing(toy, [*failing, *CONFIGS[:2]], store, workers=1)
    head, *lines = str(caught.value).splitlines()
    assert head == f"{len(failing)} of {len(failing) + 2} runs of toy failed:"
    for config, reason, line in zip(failing, FAILURES.values(), lines, strict=True):
        kept = store.path(toy, config).with_suffix(".failed.txt")
        assert re.fullmatch(f"  {re.escape(repr(config))}: {reason}; see {kept}", line)
        first, *rest = kept.read_text().splitlines()
        assert re.fullmatch(reason, first)
        assert f"of {config!r}" in rest
        assert "  epoch 1/2" in rest
        assert ("Traceback (most recent call last):" in rest) == (config.behaviour in ("raises", "diverges"))
    assert len(stamps(store)) == 2


def test_a_run_that_succeeds_at_last_is_no_failure_any_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    config = toy.Config(behaviour="raises if asked to")
    monkeypatch.setenv(toy.ASKED, "yes")
    with pytest.raises(StudyError, match="1 of 1 runs"):
        run_missing(toy, [config], store)
    kept = store.path(toy, config).with_suffix(".failed.txt")
    assert kept.exists()
    monkeypatch.delenv(toy.ASKED)
    run_missing(toy, [config], store)
    assert not kept.exists()


def test_a_disk_that_is_full_for_a_run_ends_the_sweep_at_once(store: Store) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        run_missing(toy, [*CONFIGS, toy.Config(size=128, behaviour="fills the disk")], store, workers=1)
    assert caught.value.filename == str(store.root)
    assert list(store.root.glob("*/*")) == []


def test_a_disk_that_is_full_for_a_result_ends_the_sweep_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", toy.no_space)
    with pytest.raises(OSError, match="No space left") as caught:
        run_missing(toy, CONFIGS[:2], store, workers=1)
    assert caught.value.filename == str(store.path(toy, CONFIGS[0]).with_suffix(".safetensors"))
    assert list(store.root.glob("*/*")) == []


def test_a_damaged_result_stops_the_sweep_before_any_work(store: Store) -> None:
    path = store.path(toy, CONFIGS[-1])
    path.parent.mkdir(parents=True)
    path.write_text('{"metrics"')
    with pytest.raises(StudyError, match=f"rm {path}$"):
        run_missing(toy, CONFIGS, store)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("workers", [0, -1])
def test_a_sweep_needs_a_worker(store: Store, workers: int) -> None:
    with pytest.raises(StudyError, match=f"at least 1, not {workers}"):
        run_missing(toy, CONFIGS, store, workers)


def test_two_sweeps_at_once_leave_one_whole_store(store: Store, one_worker: tuple[list[Result], list[str]]) -> None:
    found: list[list[Result]] = []
    sweeps = [threading.Thread(target=lambda: found.append(run_missing(toy, CONFIGS, store, 1))) for _ in range(2)]
    for sweep in sweeps:
        sweep.start()
    for sweep in sweeps:
        sweep.join()
    assert [metrics(results) for results in found] == [metrics(one_worker[0])] * 2
    results = {store.path(toy, config) for config in CONFIGS}
    assert set(store.root.glob("*/*")) == results | {path.with_suffix(".safetensors") for path in results}


def test_names_hold_the_fields_that_vary() -> None:
    configs = [toy.Config(32, 0), toy.Config(32, 1), toy.Config(64, 0)]
    assert run_names(toy, configs) == ["toy size=32 seed=0", "toy size=32 seed=1", "toy size=64 seed=0"]
    assert run_names(toy, configs[:1]) == ["toy"]


@pytest.mark.parametrize(("finished", "left", "workers", "seconds"), ESTIMATES)
def test_the_time_left_follows_the_cost(
    finished: list[tuple[float, float]], left: list[float], workers: int, seconds: float | None
) -> None:
    assert seconds_left(finished, left, workers) == seconds


def test_provenance_tells_the_commit_of_tracked_sources_only(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    tracked, untracked = tmp_path / "package", tmp_path / "site-packages"
    for folder in (tracked, untracked):
        folder.mkdir()
        (folder / "layers.py").write_text("k = 5\n")
    assert provenance.git_state(tracked) == (None, None)
    git("init", "--quiet")
    git("add", "package")
    git("commit", "--quiet", "--message", "layers")
    assert provenance.git_state(tracked) == (git("rev-parse", "HEAD"), False)
    assert provenance.git_state(untracked) == (None, None)
    clean = provenance.source_hash(tracked)
    (tracked / "layers.py").write_text("k = 7\n")
    assert provenance.git_state(tracked) == (git("rev-parse", "HEAD"), True)
    assert provenance.source_hash(tracked) != clean
    (tracked / "layers.py").write_text("k = 5\n")
    assert provenance.source_hash(tracked) == clean
    (tracked / "costs.json").write_text("{}\n")  # which choose an engine, and so how a result is rounded
    assert provenance.source_hash(tracked) != clean


def test_the_commit_of_a_run_is_that_of_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    now = ["before"]
    monkeypatch.setattr(worker, "settle", lambda: None)  # which changes the whole process
    monkeypatch.setattr(worker, "sources", lambda: {"commit": now[0]})

    def run(config: Any, report: Any) -> Outcome:
        now[0] = "while it ran"
        return Outcome({}, [])

    experiment: Any = SimpleNamespace(**vars(toy) | {"run": run})
    done = worker.attempt(experiment, toy.Config(), lambda line: None)
    assert isinstance(done, Done)
    assert done.provenance["commit"] == "before"
