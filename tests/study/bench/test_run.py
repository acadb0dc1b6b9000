"""Processes of the benchmark: a contender that takes too long is ended, and the others are measured without it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fourierconv.study.bench import run
from fourierconv.study.bench.cells import Cell, cell
from fourierconv.study.bench.run import Ended
from fourierconv.study.store import StudyError

TINY = cell("32to32-32px-k3")


def stand_in(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    """In the place of the process that measures."""
    script = folder / "stand_in.py"
    script.write_text("import json, sys, time\nname, output, *names = sys.argv[1:]\n" + source)
    popen = subprocess.Popen

    def start(command: list[str], **options: Any) -> Any:
        return popen([command[0], str(script), *command[3:]], **options)

    monkeypatch.setattr(subprocess, "Popen", start)


SLOW = """
for own in names:
    print("try", own, flush=True)
    if own == "einsum":
        time.sleep(60)
print("rounds", flush=True)
open(output, "w").write(json.dumps({"names": names, "over": {"torch": "memory"}}))
"""


def test_what_takes_too_long_is_ended_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "SECONDS", 1.0)
    stand_in(monkeypatch, tmp_path, SLOW)
    lines: list[str] = []
    run.run_missing([TINY], tmp_path, lines.append)
    found = json.loads((tmp_path / f"{TINY.name}.json").read_text())
    assert found["over"] == {"torch": "memory", "einsum": "time"}
    assert "einsum" not in found["names"]
    assert len(lines) == 1
    assert "over: einsum" in lines[0]


def test_what_is_there_is_not_measured_again_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Cell] = []
    monkeypatch.setattr(run, "measure", lambda own, path: measured.append(own) or [])  # type: ignore[func-returns-value]
    (tmp_path / f"{TINY.name}.json").write_text("{}")
    other = cell("32to32-32px-k7")
    run.run_missing([TINY, other], tmp_path, lambda line: None)
    assert measured == [other]
    run.run_missing([TINY], tmp_path, lambda line: None, again=True)
    assert measured == [other, TINY]


def test_a_process_that_fails_is_named_with_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, tmp_path, "raise ZeroDivisionError('no rounds')")
    with pytest.raises(StudyError, match=f"cell {TINY.name}: ZeroDivisionError: no rounds"):
        run.run_missing([TINY], tmp_path, lambda line: None)
    assert not (tmp_path / f"{TINY.name}.json").exists()


# source of a process, seconds until its end, how it ended, lines that it reported
ENDS = [
    ("print('try one two')\nprint('[1/1] done')", 60.0, Ended(None, False, ""), ["[1/1] done"]),
    ("print('try one two', flush=True)\nraise ValueError('no')", 60.0, Ended("one two", False, "ValueError: no"), []),
    ("import os\nprint('try one', flush=True)\nos._exit(3)", 60.0, Ended("one", False, "no message"), []),
    ("import time\nprint('try one', flush=True)\ntime.sleep(60)", 60.0, Ended("one", True, ""), []),
    ("import time\nprint('rounds', flush=True)\ntime.sleep(60)", 1.0, Ended(None, True, ""), ["rounds"]),
]


@pytest.mark.parametrize(("source", "left", "ended", "lines"), ENDS)
def test_it_is_known_how_a_process_ended(source: str, left: float, ended: Ended, lines: list[str]) -> None:
    reported: list[str] = []
    command = [sys.executable, "-c", source]
    assert run.attend(command, 1.0, time.monotonic() + left, reported.append) == ended
    assert reported == lines
