"""Marks beside results: one sweep at a run at a time, and a mark that a dead process left says nothing."""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fourierconv.study import marks
from fourierconv.study.marks import Mark
from fourierconv.study.worker import Failed
from tests.study import toy
from tests.study.processes import REPOSITORY

DYING = "import os, sys, pathlib\nfrom fourierconv.study import marks\nassert marks.take(pathlib.Path(sys.argv[1]))\n"


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return tmp_path / "toy" / "0123.json"


def taken(result: Path) -> Mark:
    mark = marks.take(result)
    assert mark is not None
    return mark


def test_a_run_has_one_mark_at_a_time(result: Path) -> None:
    assert marks.holder(result) is None
    mark = taken(result)
    assert marks.take(result) is None
    assert marks.holder(result) == f"process {os.getpid()} on {socket.gethostname()}"
    mark.remove()
    assert marks.holder(result) is None
    assert list(result.parent.iterdir()) == []
    taken(result).remove()


def test_the_mark_of_a_dead_process_is_nobodys(result: Path) -> None:
    code = DYING + "os.kill(os.getpid(), 9)"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", code, str(result)], env=environment, check=False)
    assert "process" in result.with_suffix(".running").read_text()
    assert marks.holder(result) is None
    taken(result).remove()


def test_a_mark_that_is_removed_while_it_is_taken_is_taken_anew(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock
    calls: list[int] = []

    def late(descriptor: int, how: int) -> None:
        if not calls:
            result.with_suffix(".running").unlink()
        calls.append(how)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    mark = taken(result)
    assert len(calls) == 2
    assert marks.take(result) is None
    mark.remove()


def test_a_disk_that_is_full_for_a_mark_names_it(result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "write", lambda descriptor, content: toy.no_space(descriptor))
    with pytest.raises(OSError, match="No space left") as caught:
        marks.take(result)
    assert caught.value.filename == str(result.with_suffix(".running"))


def test_a_failure_says_what_happened_to_whom(result: Path) -> None:
    assert marks.failure(result) is None
    marks.write_failure(result, toy.Config(), Failed("ValueError: no", "Traceback…\n"), ["epoch 1/2"])
    assert marks.failure(result) == "ValueError: no"
    text = marks.failure_path(result).read_text()
    assert f"of {toy.Config()!r}\n\nits last lines:\n  epoch 1/2\n\nTraceback…\n" in text
