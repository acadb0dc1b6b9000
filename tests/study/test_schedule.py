"""Which run is begun when: the longest that fits into the time, none that another sweep is at. Nothing is computed."""

import time
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import pytest

from fourierconv.study import marks, sweep
from fourierconv.study.marks import Mark
from fourierconv.study.store import Outcome, Store
from fourierconv.study.sweep import TimeUp, run_missing
from fourierconv.study.worker import Done, Message
from tests.study import toy

SIZES = (32, 64, 128)  # whose costs are as 1 to 4 to 16
CONFIGS = [toy.Config(size=size) for size in SIZES]


class Clockwork:
    """One worker, whose runs take so many seconds per cost and end at once."""

    def __init__(self, second: float) -> None:
        self.second = second
        self.begun: list[int] = []
        self.held: list[Mark] = []  # by another sweep, which gives up when this one waits for it
        self.now: list[tuple[int, Message]] = []

    def slots(self) -> int:
        return 1

    def start(self, number: int, config: Any) -> None:
        self.begun.append(config.size)
        outcome = Outcome({"accuracy": 0.5, "extent": 1.0}, [])
        provenance = {"duration_s": self.second * toy.cost(config) / 32**2, "device": "cpu"}
        self.now = [(number, Done(outcome, provenance))]

    def wait(self, seconds: float) -> Iterator[tuple[int, Message]]:
        if not self.now and self.held:
            self.held.pop().remove()
        now, self.now = self.now, []
        yield from now

    def close(self) -> None:
        pass


def run(
    workers: Clockwork,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float = inf,
    configs: Sequence[toy.Config] = CONFIGS,
) -> None:
    monkeypatch.setattr(sweep, "_workers", lambda *arguments: workers)
    run_missing(toy, configs, store, until=time.monotonic() + seconds)


def test_the_longest_runs_are_begun_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    run(workers := Clockwork(1.0), store, monkeypatch)
    assert workers.begun == [128, 64, 32]


def test_within_a_budget_the_shortest_run_tells_what_fits(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TimeUp) as caught:
        run(workers := Clockwork(1000.0), store, monkeypatch, seconds=5000)
    assert workers.begun == [32, 64]
    assert str(caught.value) == "toy: the time is up, and 1 of 3 runs are left; the shortest takes 4 h 27 min"
    with pytest.raises(TimeUp):
        run(workers := Clockwork(1000.0), store, monkeypatch, seconds=15000)
    assert workers.begun == []
    run(workers := Clockwork(1000.0), store, monkeypatch, seconds=17000)
    assert workers.begun == [128]


def test_a_run_that_does_not_end_in_time_is_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(toy.PAUSE, "3600")
    with pytest.raises(TimeUp, match=r"^toy: the time is up, and 1 of 1 runs are left, 1 stopped on the way$"):
        run_missing(toy, CONFIGS[:1], store, workers=1, until=time.monotonic() + 3)
    assert list(store.root.glob("*/*")) == []


def test_a_run_that_another_sweep_is_at_comes_last(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Clockwork(1.0)
    mark = marks.take(store.path(toy, CONFIGS[2]))
    assert mark is not None
    workers.held.append(mark)
    run(workers, store, monkeypatch)
    assert workers.begun == [64, 32, 128]


def test_a_run_that_another_sweep_has_done_is_not_done_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = Clockwork(1.0), Clockwork(1.0)

    def wait(seconds: float) -> Iterator[tuple[int, Message]]:
        run(second, store, monkeypatch, configs=CONFIGS[:2])
        return Clockwork.wait(first, seconds)

    monkeypatch.setattr(first, "wait", wait)
    run(first, store, monkeypatch)
    assert first.begun == [128]
    assert second.begun == [64, 32]
    assert "[2/3] toy size=64: done by another sweep" in capsys.readouterr().out
