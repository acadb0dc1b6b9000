"""What lies beside a run's result while there is none: the mark of the sweep that is at it, and why it failed last.

`<key>.running` is locked by the process whose sweep is at the run. The system lifts the lock when that process ends,
however it ends, so a file that is not locked says nothing. `<key>.failed.txt` is removed when the run succeeds.
"""

import fcntl
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fourierconv.study.store import write_atomically
from fourierconv.study.worker import Failed


@dataclass(frozen=True)
class Mark:
    """The mark that this process holds on a run."""

    path: Path
    descriptor: int

    def remove(self) -> None:
        """Let other sweeps have the run."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


def take(result: Path) -> Mark | None:
    """Mark the run whose result is kept at `result`; None where another sweep is at it.

    Raises OSError with the mark's path as its filename.
    """
    path = result.with_suffix(".running")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
                    return Mark(path, descriptor)
            except BlockingIOError:
                os.close(descriptor)
                return None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # who had it removed it after we opened it
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def holder(result: Path) -> str | None:
    """Return which process is at the run whose result is kept at `result`, None where none is."""
    try:
        descriptor = os.open(result.with_suffix(".running"), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(descriptor, 1000).decode().strip()
    finally:
        os.close(descriptor)
    return None


def write_failure(result: Path, config: Any, failed: Failed, lines: Iterable[str]) -> None:
    """Keep why a run failed: the reason, the time, the config, the last lines that it reported, the traceback."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    last = "".join(f"  {line}\n" for line in lines) or "  none\n"
    text = f"{failed.reason}\n\nat {date}\nof {config!r}\n\nits last lines:\n{last}\n{failed.traceback}"
    write_atomically(failure_path(result), text.encode())


def failure(result: Path) -> str | None:
    """Return why the run whose result is kept at `result` failed last, in one line; None where it did not."""
    try:
        return failure_path(result).read_text().partition("\n")[0]
    except FileNotFoundError:
        return None


def failure_path(result: Path) -> Path:
    """Return where the failure of a run is kept.

    >>> failure_path(Path("runs/toy/0123.json")).name
    '0123.failed.txt'
    """
    return result.with_suffix(".failed.txt")
