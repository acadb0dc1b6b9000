"""Runs on a Dask cluster: the scheduler hands them to its workers, and gives those of a lost worker to another one.

Workers need the same version of this package and nothing of the sweep's files: what comes of a run travels back through
the scheduler, and only the sweep writes into the store. Images are drawn or decoded where they are needed, into the
build folder of each worker's machine.
"""

import importlib
import logging
import threading
import uuid
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future, KilledWorker, get_worker

from fourierconv.study import provenance
from fourierconv.study.store import Experiment, StudyError
from fourierconv.study.worker import Done, Failed, Message, attempt, sources

CONNECT = 30.0  # seconds that the scheduler, and then its first worker, may take to answer
ALONE = threading.Lock()  # torch's settings and its random numbers belong to the process, whatever threads it has


class Cluster:
    """The workers of the scheduler at `address`, one run at a time on each.

    Raises StudyError where there is no scheduler, or no worker.
    """

    def __init__(self, experiment: Experiment, address: str) -> None:
        self.experiment, self.address = experiment, address
        self.code = provenance.source_hash(provenance.PACKAGE)
        self.topic = f"fourierconv-{uuid.uuid4()}"
        self.futures: dict[int, Future] = {}
        self.arrived: SimpleQueue[tuple[int, str | None]] = SimpleQueue()  # lines; None once the run has ended
        for name in ("distributed", "distributed.client"):  # what is lost is said here, in one line
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self.client = Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise StudyError(f"there is no scheduler at {address}: {error}") from None
        try:
            self.client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            self.close()
            raise StudyError(f"the scheduler at {address} has no worker: dask worker {address} --nthreads 1") from None
        self.client.subscribe_topic(self.topic, lambda event: self.arrived.put(event[1]))

    def slots(self) -> int:
        """Return how many runs may be done at a time: the number of workers now, or one that waits for a worker."""
        try:
            return max(1, len(self.client.nthreads()))
        except OSError:
            raise self._lost() from None

    def start(self, number: int, config: Any) -> None:
        """Begin a run, which is known by its number from here on; call it while fewer than `slots` are being done."""
        arguments = (self.experiment.__name__, config, self.code, self.topic, number)
        future = self.client.submit(perform, *arguments, key=f"{self.topic}-{number}", pure=False)
        self.futures[number] = future
        future.add_done_callback(lambda future: self.arrived.put((number, None)))

    def wait(self, seconds: float) -> Iterator[tuple[int, Message]]:
        """Yield what comes back of runs, by number, within so many seconds; soon after the first.

        Raises StudyError where the scheduler is lost.
        """
        try:
            number, line = self.arrived.get(timeout=seconds)
        except Empty:
            self._require_scheduler()
            return
        yield number, self._result(number) if line is None else line

    def close(self) -> None:
        """Give up what is not finished; a run that has begun ends where it is, and nobody hears of it."""
        for future in self.futures.values():
            future.release()
        self.client.close(timeout=2)

    def _result(self, number: int) -> Done | Failed | OSError:
        future = self.futures.pop(number)
        if future.status in ("cancelled", "lost"):
            raise self._lost()
        try:
            if future.status == "error":
                error = future.exception(timeout=CONNECT)
                if isinstance(error, KilledWorker):
                    return Failed(f"its worker was lost, {error.allowed_failures + 1} times")
                return Failed(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
            result: Done | Failed | OSError = future.result(timeout=CONNECT)
        except (OSError, TimeoutError):
            raise self._lost() from None
        return result

    def _require_scheduler(self) -> None:
        if self.client.status != "running":
            raise self._lost()

    def _lost(self) -> StudyError:
        return StudyError(
            f"lost the scheduler at {self.address}; what is finished is kept, and the same command goes on from there"
        )


def perform(module: str, config: Any, code: str, topic: str, number: int) -> Done | Failed | OSError:
    """Do a run on a worker of the cluster; its lines go to the sweep that has subscribed to `topic`."""
    worker = get_worker()
    if sources()["code"] != code:
        return Failed(f"the worker {worker.address} has another version of this package")
    experiment: Any = importlib.import_module(module)
    with ALONE:
        return attempt(experiment, config, lambda line: worker.log_event(topic, (number, line)))
