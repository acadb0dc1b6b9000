"""Processes of a sweep and of a Dask cluster, as tests start, watch and end them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def start(folder: Path, module: str, *arguments: str, log: str = "log", **environment: str) -> subprocess.Popen[bytes]:
    """Start `python -m module` in the folder, what it says goes into a file there."""
    surroundings = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"} | environment
    # What a shell runs in the background ignores Ctrl-C, as does all that it starts in turn.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (folder / log).open("ab") as file:
            # In a session of its own, whose process group gets what Ctrl-C sends to all processes of a terminal.
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=folder,
                env=surroundings,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    finally:
        signal.signal(signal.SIGINT, handler)


def wait_for(condition: Callable[[], object], seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def descendants(pid: int, holding: str = "") -> list[int]:
    """The children of a process whose command line holds a text."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if holding in line]


def alive(pid: int) -> bool:
    # A process that ended but that nobody has waited for yet is still listed, as a zombie.
    state = subprocess.run(["ps", "-o", "state=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def free_address() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{found.getsockname()[1]}"


def start_scheduler(folder: Path, address: str) -> subprocess.Popen[bytes]:
    host, port = address.removeprefix("tcp://").split(":")
    options = ("--host", host, "--port", port, "--no-dashboard", "--no-show")
    return start(folder, "dask", "scheduler", *options, log="scheduler.log")


def start_worker(folder: Path, address: str, **environment: str) -> subprocess.Popen[bytes]:
    """A worker that nobody starts again when it is lost."""
    options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder / "dask"))
    return start(folder, "dask", "worker", address, *options, log="worker.log", **environment)


@contextmanager
def ended(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    """Have the processes end with the block."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
