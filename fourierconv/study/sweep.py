"""Runs what is missing of a sweep: hands out the longest run left, keeps what comes back, lists what failed."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import fields
from math import inf
from typing import Any, Protocol

from fourierconv.study import marks, provenance
from fourierconv.study.estimates import costs, of_like_cost, seconds_left, tells
from fourierconv.study.marks import Mark
from fourierconv.study.pool import Processes, usual_workers
from fourierconv.study.progress import progress
from fourierconv.study.store import Experiment, Result, Store, StudyError
from fourierconv.study.worker import Done, Failed, Message

PROFILES = ("quick", "tuning", "pilot", "full")
POLL = 1.0  # seconds between two looks at the clock, at new workers, and at what other sweeps have finished
LAST_LINES = 20  # of a run that failed, that are kept


class TimeUp(StudyError):
    """The budget of time is used up and runs are left; nothing is wrong."""


class Workers(Protocol):
    """What runs are computed by: processes of this machine, or a cluster."""

    def slots(self) -> int:
        """Return how many runs may be done at a time."""

    def start(self, number: int, config: Any) -> None:
        """Begin a run, which is known by its number from here on."""

    def wait(self, seconds: float) -> Iterator[tuple[int, Message]]:
        """Yield what comes back of runs, by number, within so many seconds; soon after the first."""

    def close(self) -> None:
        """End all runs."""


def run_missing(
    experiment: Experiment,
    configs: Sequence[Any],
    store: Store,
    workers: int | None = None,
    *,
    scheduler: str | None = None,
    until: float = inf,
) -> list[Result]:
    """Run the configs that have no finished run in `store`, and return the results of all, in the order given.

    A run that fails does not stop the others; why it failed is kept beside where its result would be, and it is tried
    again the next time. A run that another sweep is at is left to it.

    Args:
        experiment: of the runs.
        configs: the runs that are wanted.
        store: where results are kept.
        workers: processes that share the work; by default what suits this machine, see `usual_workers`.
        scheduler: address of a Dask scheduler, whose workers do the runs then.
        until: no run is begun that would not end by then, a time of `time.monotonic`; one that does not is stopped.

    Raises:
        StudyError: at the end, with the runs that failed; at once where a result in the store is damaged.
        TimeUp: runs are left at `until`.
        OSError: at once where the disk is full.

    >>> from pathlib import Path
    >>> from types import SimpleNamespace
    >>> run_missing(SimpleNamespace(NAME="image_size"), [], Store(Path("build/runs")))
    []
    """
    if workers is not None and workers < 1:
        raise StudyError(f"workers must be at least 1, not {workers}")
    distinct = list(dict.fromkeys(configs))
    found = {config: store.find(experiment, config) for config in distinct}
    if missing := [config for config in distinct if found[config] is None]:
        store.remove_abandoned(experiment)
        finished = [(config, result) for config, result in found.items() if result is not None]
        own = costs(experiment, [config for config, _ in finished])
        pairs = zip(own, (result.provenance for _, result in finished), strict=True)
        times = [(cost, float(known["duration_s"])) for cost, known in pairs if tells(known)]
        _Sweep(experiment, distinct, missing, times, store, until).run(
            _workers(experiment, scheduler, min(workers or usual_workers(), len(missing)))
        )
    results = [found[config] or store.find(experiment, config) for config in configs]
    if None in results:
        raise StudyError(f"results of {experiment.NAME} were removed from {store.root} meanwhile; run it again")
    return [result for result in results if result is not None]


def sweep_of(experiment: Experiment, profile: str) -> list[Any]:
    """Return the runs of a profile, none where the experiment refuses it: not each has a sweep in every profile."""
    try:
        return list(dict.fromkeys(experiment.configs(profile)))
    except StudyError:
        return []


def waiting(experiment: Experiment, configs: Sequence[Any]) -> dict[Any, str]:
    """Return the runs that cannot be done yet, with what each waits for."""
    waits = getattr(experiment, "waits", lambda config: "")
    return {config: reason for config in configs if (reason := waits(config))}


def run_names(experiment: Experiment, configs: Sequence[Any]) -> list[str]:
    """Name each run by the fields in which the configs differ.

    >>> from types import SimpleNamespace
    >>> from dataclasses import make_dataclass
    >>> Config = make_dataclass("Config", ["size", "seed", "epochs"])
    >>> run_names(SimpleNamespace(NAME="image_size"), [Config(32, 0, 6), Config(64, 0, 6)])
    ['image_size size=32', 'image_size size=64']
    """
    names = [field.name for field in fields(configs[0])]
    varying = [name for name in names if len({repr(getattr(config, name)) for config in configs}) > 1]
    return [" ".join([experiment.NAME, *(f"{n}={getattr(config, n)}" for n in varying)]) for config in configs]


def _workers(experiment: Experiment, scheduler: str | None, number: int) -> Workers:
    if scheduler is None:
        return Processes(experiment, number)
    from fourierconv.study.cluster import Cluster  # distributed need not be where `gpu` runs

    return Cluster(experiment, scheduler)


class _Sweep:
    """One pass over the missing runs, each known by its number among the configs."""

    def __init__(
        self,
        experiment: Experiment,
        configs: list[Any],
        missing: list[Any],
        times: list[tuple[float, float]],
        store: Store,
        until: float,
    ) -> None:
        self.experiment, self.configs, self.store, self.until = experiment, configs, store, until
        self.names = run_names(experiment, configs)
        self.costs = costs(experiment, configs)
        self.paths = [store.path(experiment, config) for config in configs]
        wanted = set(missing)
        self.unfinished = {number for number, config in enumerate(configs) if config in wanted}
        turns = [getattr(experiment, "priority", lambda config: ())(config) for config in configs]
        self.queue = sorted(self.unfinished, key=lambda number: (turns[number], -self.costs[number]))
        self.marks: dict[int, Mark] = {}  # of the runs that are being done
        self.lines: dict[int, deque[str]] = {}  # which they reported last
        self.elsewhere = False  # whether another sweep is at a run of the queue
        self.times = times
        self.failures: list[str] = []
        self.command = provenance.command()

    def run(self, workers: Workers) -> None:
        self.workers = workers
        done = sum(cost for number, cost in enumerate(self.costs) if number not in self.unfinished)
        self.progress = progress(sum(self.costs), done)
        try:
            while self.begin() and time.monotonic() < self.until:
                for number, message in workers.wait(min(POLL, max(0.0, self.until - time.monotonic()))):
                    self.take(number, message)
        finally:
            self.progress.close()
            workers.close()
            for mark in self.marks.values():
                mark.remove()
        if self.failures:
            head = f"{len(self.failures)} of {len(self.configs)} runs of {self.experiment.NAME} failed:"
            raise StudyError("\n  ".join([head, *self.failures]))
        if self.unfinished:
            raise TimeUp(self.time_up())

    def begin(self) -> bool:
        """Begin runs while there are slots for them; returns whether there is something to wait for."""
        while len(self.marks) < self.workers.slots() and (number := self.next()) is not None:
            self.lines[number] = deque(maxlen=LAST_LINES)
            self.workers.start(number, self.configs[number])
        return bool(self.marks) or self.elsewhere

    def next(self) -> int | None:
        """Take the longest run out of the queue that fits into the time left and that no other sweep is at."""
        self.elsewhere = False
        # Without a measured time nothing says what fits, and the shortest run is the cheapest way to learn one.
        order = list(self.queue) if self.times or self.until == inf else self.queue[::-1]
        for number in order:
            if not self.fits(number):
                continue
            mark = marks.take(self.paths[number])
            if mark is None:
                self.elsewhere = True
                continue
            self.queue.remove(number)
            if self.store.find(self.experiment, self.configs[number]) is None:
                self.marks[number] = mark
                return number
            mark.remove()
            self.ended(number, "done by another sweep")
        return None

    def fits(self, number: int) -> bool:
        """Return whether a run, by the longest of like cost, would end in time."""
        if self.until == inf:
            return True
        return max(of_like_cost(self.times, self.costs[number]), default=0.0) <= self.until - time.monotonic()

    def take(self, number: int, message: Message) -> None:
        """Keep what came back of a run."""
        match message:
            case str():
                self.lines[number].append(message)
                self.progress.line(self.names[number], message)
                return
            case Done(outcome, source):
                seconds = source["duration_s"]
                try:
                    source = source | {"command": self.command}
                    self.store.save(self.experiment, self.configs[number], outcome, source)
                except StudyError as error:
                    self.fail(number, Failed(str(error)))
                else:
                    marks.failure_path(self.paths[number]).unlink(missing_ok=True)
                    self.times.append((self.costs[number], seconds))
                    self.ended(number, f"done in {provenance.readable(seconds)}")
            case Failed():
                self.fail(number, message)
            case OSError():
                raise OSError(message.errno, message.strerror, message.filename or str(self.store.root))
        self.marks.pop(number).remove()

    def fail(self, number: int, failed: Failed) -> None:
        marks.write_failure(self.paths[number], self.configs[number], failed, self.lines[number])
        self.failures.append(f"{self.configs[number]!r}: {failed.reason}; see {marks.failure_path(self.paths[number])}")
        self.ended(number, f"FAILED: {failed.reason}", failed=True)

    def ended(self, number: int, state: str, failed: bool = False) -> None:
        self.unfinished.remove(number)
        costs_left = [self.costs[other] for other in self.unfinished]
        left = seconds_left(self.times, costs_left, self.workers.slots())
        ending = f", {provenance.readable(left)} left" if left else ""
        position = f"[{len(self.configs) - len(self.unfinished)}/{len(self.configs)}]"
        text = f"{position} {self.names[number]}: {state}{ending}"
        self.progress.ended(self.names[number], text, self.costs[number], failed)

    def time_up(self) -> str:
        name, left = self.experiment.NAME, len(self.unfinished)
        shortest = min(self.costs[number] for number in self.unfinished)
        need = max(of_like_cost(self.times, shortest), default=None)
        hint = "" if need is None else f"; the shortest takes {provenance.readable(need)}"
        stopped = f", {len(self.marks)} stopped on the way" if self.marks else ""
        return f"{name}: the time is up, and {left} of {len(self.configs)} runs are left{stopped}{hint}"
