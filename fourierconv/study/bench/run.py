"""Cells that are missing, one process after the other; a contender over the limits is ended, and the rest goes on."""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
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
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_forward, args=(process.stdout, lines), daemon=True).start()
        trying = None
        while True:
            try:  # two steps, the first of which loads libraries
                line = lines.get(timeout=None if trying is None else 2 * SECONDS)
            except queue.Empty:
                process.kill()
                return trying
            if not line:
                break
            trying = line.split()[1] if line.startswith("try ") else None
        errors = process.stderr.read()
    if process.returncode:
        raise StudyError(f"cell {cell.name}: {errors.strip().splitlines()[-1] if errors.strip() else 'no message'}")
    return None


def _forward(stream: TextIO, lines: "queue.Queue[str]") -> None:
    """Lines as they come, and an empty one at the end."""
    for line in stream:
        lines.put(line)
    lines.put("")
