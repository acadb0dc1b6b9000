"""The worker's side of a sweep: a process that asks for configs, runs them, saves each result, until there is none.

A worker holds one thread and deterministic algorithms, so that no result depends on how many workers there are, and it
ends when the process that started it ends, however that ends.
"""

import errno
import importlib
import multiprocessing
import os
import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from fourierconv.study import provenance
from fourierconv.study.store import Experiment, Store, StudyError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def work(connection: Connection, module: str, store: Store, source: dict[str, Any]) -> None:
    """Run in a process of its own until the parent sends None instead of a job, a pair (number, config).

    Sends (kind, number, content): 'idle' asks for a job; 'line' is a line of progress; 'done' holds the run's seconds,
    'failed' a reason of one line, 'disk full' what an OSError takes. `source` is the provenance that all runs share.
    """
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms would import the whole compiler
    experiment: Any = importlib.import_module(module)
    try:
        connection.send(("idle", -1, None))
        while (job := connection.recv()) is not None:
            number, config = job
            kind, content = _run(experiment, config, store, source, number, connection)
            connection.send((kind, number, content))
            connection.send(("idle", -1, None))
    except (EOFError, ConnectionError):
        return  # the parent is gone, and with it whoever wants the rest


def _run(
    experiment: Experiment,
    config: Any,
    store: Store,
    source: dict[str, Any],
    number: int,
    connection: Connection,
) -> tuple[str, Any]:
    start = time.perf_counter()
    try:
        found = store.find(experiment, config)  # another sweep on the same store may have been faster
        if found is not None:
            return "done", found.provenance["duration_s"]
        # Draws that an experiment forgets to seed must not depend on which runs this worker had before.
        torch.manual_seed(int(store.path(experiment, config).stem, 16))
        outcome = experiment.run(config, lambda line: connection.send(("line", number, line)))
        seconds = time.perf_counter() - start
        store.save(experiment, config, outcome, source | provenance.finished(seconds))
        return "done", seconds
    except StudyError as error:
        return "failed", str(error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return "disk full", (error.errno, error.strerror, error.filename or str(store.root))
        return "failed", _one_line(error)


def _one_line(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first} ({Path(frame.filename).name}:{frame.lineno})"


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
