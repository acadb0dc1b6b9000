"""Cells that are missing, one process after the other; a contender over the limits is ended, and the rest goes on."""

import json
import math
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fourierconv.study.bench.cells import Cell
from fourierconv.study.bench.contenders import NAMES
from fourierconv.study.store import StudyError

SECONDS = 20.0  # that a step may take


def run_missing(cells: Sequence[Cell], folder: Path, report: Callable[[str], None], again: bool = False) -> None:
    """Measure every cell that has no file in the folder; `again`, also those that have one.

    Raises:
        StudyError: a process that failed, with what it said last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, cell in enumerate(cells, 1):
        path = folder / f"{cell.name}.json"
        if path.exists() and not again:
            continue
        start = time.monotonic()
        over = measure(cell, path)
        report(
            f"[{number}/{len(cells)}] {cell.name}: {time.monotonic() - start:.0f} s"
            + "".join(f", over: {o}" for o in over)
        )


def measure(cell: Cell, path: Path) -> list[str]:
    """Write the file of a cell; returns the contenders that were over the limits."""
    over: dict[str, str] = {}
    while True:
        names = [name for name in NAMES if name not in over]
        temporary = path.with_suffix(".new")
        slow = _attempt(cell, temporary, names)
        if slow is None:
            break
        over[slow] = "time"
    found = json.loads(temporary.read_text())
    found["over"] |= over
    temporary.write_text(json.dumps(found))
    temporary.rename(path)
    return list(found["over"])


def _attempt(cell: Cell, path: Path, names: Sequence[str]) -> str | None:
    """Run the process; returns the contender that had to be ended, None where none had."""
    command = [sys.executable, "-m", "fourierconv.study.bench.measure", cell.name, str(path), *names]
    ended = attend(command, patience=2 * SECONDS)  # two steps, the first of which loads libraries
    if ended.error:
        raise StudyError(f"cell {cell.name}: {ended.error}")
    return ended.trying if ended.killed else None


@dataclass(frozen=True)
class Ended:
    """How a process ended that measures.

    Attributes:
        trying: the contender that it tried then, None where it tried none.
        killed: whether it was ended, because that took too long or the time was up.
        error: what it said last, where it failed by itself; else ''.
    """

    trying: str | None
    killed: bool
    error: str


def attend(
    command: Sequence[str], patience: float, until: float = math.inf, report: Callable[[str], None] = lambda line: None
) -> Ended:
    """Run a process that says 'try' and a name before it tries a contender, and another line after the last one.

    Args:
        command: of the process.
        patience: seconds that it may try one contender.
        until: when the process is ended in any case, on the monotonic clock.
        report: called with its other lines.
    """
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, bufsize=1) as process,
    ):
        assert process.stdout is not None
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_forward, args=(process.stdout, lines), daemon=True).start()
        trying = None
        while True:
            waits = min(math.inf if trying is None else patience, until - time.monotonic())
            try:
                line = lines.get(timeout=None if waits == math.inf else max(waits, 0))
            except queue.Empty:
                process.kill()
                return Ended(trying, True, "")
            if not line:
                break
            trying = line.removeprefix("try ").strip() if line.startswith("try ") else None
            if trying is None:
                report(line.rstrip())
        if process.wait() == 0:
            return Ended(None, False, "")
        said.seek(0)
        return Ended(trying, False, (said.read().strip().splitlines() or ["no message"])[-1])


def _forward(stream: TextIO, lines: "queue.Queue[str]") -> None:
    """Lines as they come, and an empty one at the end."""
    for line in stream:
        lines.put(line)
    lines.put("")
