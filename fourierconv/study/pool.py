"""Worker processes of this machine, each of which does one run after the other."""

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from fourierconv.study.store import Experiment, StudyError
from fourierconv.study.worker import Failed, Message, work

PACKED = 16  # runs at a time on a CUDA device: a small network alone leaves most of it idle, and waits for Python
GRACE = 5.0  # seconds that workers have to end when they are asked to


def usable_cores() -> int:
    """Return the number of cores this process may use, which a scheduler can hold below the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_workers() -> int:
    """Return how many runs this machine does at a time: one per usable core, on a CUDA device at most PACKED.

    Raises:
        StudyError: FOURIERCONV_DEVICE asks for a device that there is not.
    """
    from fourierconv.study.training import device  # which imports the layers

    return usable_cores() if device().type == "cpu" else min(PACKED, usable_cores())


class Processes:
    """At most `workers` processes; one that died is replaced when there is a run for it."""

    def __init__(self, experiment: Experiment, workers: int) -> None:
        self.experiment, self.workers = experiment, workers
        self.processes: dict[Connection, SpawnProcess] = {}
        self.ready: set[Connection] = set()
        self.jobs: dict[Connection, int] = {}  # what each busy worker is at

    def slots(self) -> int:
        """Return how many runs may be done at a time."""
        return self.workers

    def start(self, number: int, config: Any) -> None:
        """Begin a run, which is known by its number from here on; call it while fewer than `slots` are being done."""
        idle = [connection for connection in self.processes if connection not in self.jobs]
        connection = idle[0] if idle else self._start_process()
        self.jobs[connection] = number
        with suppress(ConnectionError):  # a worker that died while it was idle is found by `wait`
            connection.send((number, config))

    def wait(self, seconds: float) -> Iterator[tuple[int, Message]]:
        """Yield what comes back of runs, by number, within so many seconds; soon after the first.

        Raises StudyError where a process does not start.
        """
        if not self.processes:
            time.sleep(seconds)
        for connection in wait(list(self.processes), seconds):
            assert isinstance(connection, Connection)
            try:
                number, message = pickle.loads(connection.recv_bytes())
            except (EOFError, ConnectionError):
                yield from self._bury(connection)
                continue
            if number < 0:
                self.ready.add(connection)
                continue
            if not isinstance(message, str):
                del self.jobs[connection]
            yield number, message

    def close(self) -> None:
        """End all processes, whatever they are at."""
        for process in self.processes.values():
            process.terminate()
        end = time.monotonic() + GRACE
        for process in self.processes.values():
            process.join(max(0.0, end - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def _start_process(self) -> Connection:
        ours, theirs = multiprocessing.Pipe()
        arguments = (theirs, self.experiment.__name__)
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
        return ours

    def _bury(self, connection: Connection) -> Iterator[tuple[int, Message]]:
        process = self.processes.pop(connection)
        process.join()
        code = process.exitcode or 0
        reason = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        if connection not in self.ready and code > 0:
            raise StudyError(f"a worker process for {self.experiment.NAME} did not start: {reason}")
        if connection in self.jobs:
            yield self.jobs.pop(connection), Failed(f"its process was {reason}")
