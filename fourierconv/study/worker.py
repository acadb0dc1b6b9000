"""One run where it is computed: in a local process that asks for configs until there is none, or on a cluster.

Either way it has one thread and deterministic algorithms, so that no result depends on how many workers there are, and
what comes of it goes back to the sweep, which alone writes into the store. A local worker ends when the process that
started it ends, however that ends.
"""

import errno
import importlib
import multiprocessing
import os
import pickle
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from fourierconv.study import provenance
from fourierconv.study.store import Experiment, Outcome, StudyError, key

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Done:
    """What a run that succeeded sends back; `provenance` holds its seconds as `duration_s`."""

    outcome: Outcome
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """Why a run failed, in one line, and the traceback where there is one."""

    reason: str
    traceback: str = ""


# What comes back of a run: lines of progress first, then one of the others. An OSError is a full disk, which ends the
# sweep: no later run could be saved either.
Message = str | Done | Failed | OSError


def settle() -> None:
    """One thread, deterministic algorithms, and on CUDA no fewer bits in torch's convolutions than in ours."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms would import the whole compiler
    # else it writes NaN into all new memory, which takes time and changes no result
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.allow_tf32 = False


def attempt(experiment: Experiment, config: Any, report: Callable[[str], None]) -> Done | Failed | OSError:
    """Do one run, alone in this process, and return what came of it; `report` gets its lines of progress."""
    settle()
    # Draws that an experiment forgets to seed must not depend on which runs this process had before.
    torch.manual_seed(int(key(experiment, config), 16))
    code = sources()  # now, as the checkout may change while this process goes on with what it has imported
    start = time.perf_counter()
    try:
        outcome = experiment.run(config, report)
        seconds = time.perf_counter() - start
        if outcome.weights is not None:
            outcome = replace(outcome, weights={name: w.detach().cpu() for name, w in outcome.weights.items()})
        return Done(outcome, code | provenance.finished(seconds))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return OSError(error.errno, error.strerror, error.filename)
        reason = str(error) if isinstance(error, StudyError) else _one_line(error)
        return Failed(reason, "".join(traceback.format_exception(error)))


@cache
def sources() -> dict[str, Any]:
    """Describe code and machine of this process, once."""
    return provenance.gather()


def work(connection: Connection, module: str) -> None:
    """Run in a process of its own until the parent is gone; a job is a pair (number, config).

    Sends pickled pairs (number, message), and (-1, '') once it is ready.
    """
    threading.Thread(target=_die_with_parent, daemon=True).start()
    experiment: Any = importlib.import_module(module)

    def send(number: int, message: Message) -> None:
        # plain pickle: what multiprocessing makes of tensors needs this process for as long as they are in use
        connection.send_bytes(pickle.dumps((number, message)))

    try:
        send(-1, "")
        while True:
            number, config = connection.recv()
            send(number, attempt(experiment, config, partial(send, number)))
    except (EOFError, ConnectionError):
        return  # the parent is gone, and with it whoever wants the rest


def _one_line(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    first, *_ = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {first} ({Path(frame.filename).name}:{frame.lineno})"


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
