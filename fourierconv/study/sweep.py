"""Runs what is missing of a sweep: gives workers the longest run left, prints what they say, lists what failed."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Sequence
from dataclasses import fields
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from fourierconv.study import provenance
from fourierconv.study.store import Experiment, Result, Store, StudyError
from fourierconv.study.worker import work


def run_missing(
    experiment: Experiment, configs: Sequence[Any], store: Store, workers: int | None = None
) -> list[Result]:
    """Run the configs that have no finished run in `store`, and return the results of all, in the order given.

    `workers` processes share the work, by default as many as there are usable cores. A run that fails does not stop
    the others. Raises StudyError at the end, listing the runs that failed, or at once where a result in the store is
    damaged; OSError at once where the disk is full.

    >>> from pathlib import Path
    >>> from types import SimpleNamespace
    >>> run_missing(SimpleNamespace(NAME="image_size"), [], Store(Path("build/runs")))
    []
    """
    if workers is not None and workers < 1:
        raise StudyError(f"workers must be at least 1, not {workers}")
    distinct = list(dict.fromkeys(configs))
    missing = [number for number, config in enumerate(distinct) if store.find(experiment, config) is None]
    if missing:
        store.remove_abandoned(experiment)
        _Sweep(experiment, distinct, missing, store).run(min(workers or usable_cores(), len(missing)))
    results = [store.find(experiment, config) for config in configs]
    if None in results:
        raise StudyError(f"results of {experiment.NAME} were removed from {store.root} meanwhile; run it again")
    return [result for result in results if result is not None]


def usable_cores() -> int:
    """Return the number of cores this process may use, which a scheduler can hold below the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


def costs(experiment: Experiment, configs: Sequence[Any]) -> list[float]:
    """Return the relative cost of each run: `experiment.cost(config)` where it has that function, else 1."""
    cost = getattr(experiment, "cost", lambda config: 1.0)
    return [float(cost(config)) for config in configs]


def seconds_left(finished: Sequence[tuple[float, float]], left: Sequence[float], workers: int) -> float | None:
    """Estimate the seconds that runs of cost `left` take, from the (cost, seconds) of finished runs; None without any.

    >>> seconds_left([(1.0, 10.0), (2.0, 20.0)], left=[2.0, 2.0], workers=2)
    20.0
    """
    if not finished:
        return None
    per_cost = sum(seconds for _, seconds in finished) / sum(cost for cost, _ in finished)
    return per_cost * sum(left) / max(1, min(workers, len(left)))


class _Sweep:
    """One pass over the missing runs, each known by its number among the configs."""

    def __init__(self, experiment: Experiment, configs: list[Any], missing: list[int], store: Store) -> None:
        self.experiment, self.configs, self.store = experiment, configs, store
        self.names = run_names(experiment, configs)
        self.costs = costs(experiment, configs)
        self.queue = deque(sorted(missing, key=lambda number: -self.costs[number]))
        self.unfinished = set(missing)
        self.processes: dict[Connection, SpawnProcess] = {}
        self.jobs: dict[Connection, int] = {}  # what each busy worker is at
        self.times: list[tuple[float, float]] = []  # (cost, seconds) of the runs that succeeded
        self.failures: list[str] = []
        self.source = provenance.gather()

    def run(self, workers: int) -> None:
        try:
            while self.unfinished:
                # A worker that died is replaced as long as there is a run that nobody has begun.
                while self.queue and len(self.processes) < workers:
                    self.start_worker()
                ready = wait(list(self.processes))
                for connection in [connection for connection in self.processes if connection in ready]:
                    self.listen(connection, workers)
        finally:
            for process in self.processes.values():
                process.terminate()
            for process in self.processes.values():
                process.join()
        if self.failures:
            head = f"{len(self.failures)} of {len(self.configs)} runs of {self.experiment.NAME} failed:"
            raise StudyError("\n  ".join([head, *self.failures]))

    def start_worker(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        arguments = (theirs, self.experiment.__name__, self.store, self.source)
        process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
        # Ctrl-C reaches every process of a terminal. Only the parent answers it and ends the workers, which inherit the
        # mask. Starting the first worker would start the tracker, and that would lift the mask.
        resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
            self.processes[ours] = process
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        theirs.close()

    def listen(self, connection: Connection, workers: int) -> None:
        try:
            kind, number, content = connection.recv()
        except (EOFError, ConnectionError):
            self.bury(connection, workers)
            return
        match kind:
            case "idle" if self.queue:
                self.jobs[connection] = self.queue.popleft()
                connection.send((self.jobs[connection], self.configs[self.jobs[connection]]))
            case "idle":
                connection.send(None)
                self.processes.pop(connection).join()
            case "line":
                print(f"{self.names[number]}: {content}", flush=True)
            case "done":
                self.times.append((self.costs[number], content))
                self.close(self.jobs.pop(connection), f"done in {provenance.readable(content)}", workers)
            case "failed":
                self.fail(self.jobs.pop(connection), content, workers)
            case "disk full":
                # No later run could be saved either: hours of work would be thrown away one by one.
                raise OSError(*content)

    def bury(self, connection: Connection, workers: int) -> None:
        process = self.processes.pop(connection)
        process.join()
        code = process.exitcode or 0
        reason = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if connection not in self.jobs:
            raise StudyError(f"a worker process for {self.experiment.NAME} did not start: {reason}")
        self.fail(self.jobs.pop(connection), f"its process was {reason}", workers)

    def fail(self, number: int, reason: str, workers: int) -> None:
        self.failures.append(f"{self.configs[number]!r}: {reason}")
        self.close(number, f"FAILED: {reason}", workers)

    def close(self, number: int, state: str, workers: int) -> None:
        self.unfinished.remove(number)
        left = seconds_left(self.times, [self.costs[other] for other in self.unfinished], workers)
        ending = f", {provenance.readable(left)} left" if left else ""
        position = f"[{len(self.configs) - len(self.unfinished)}/{len(self.configs)}]"
        print(f"{position} {self.names[number]}: {state}{ending}", flush=True)
