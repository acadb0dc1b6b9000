"""What can go wrong while a sweep runs, done to real processes: `make faults`, some minutes.

Afterwards the table is that of a sweep that nothing happened to, byte for byte.
"""

import io
import os
import random
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from fourierconv.study import tables
from fourierconv.study.__main__ import main
from fourierconv.study.store import Store
from fourierconv.study.sweep import run_missing
from tests.faults import steps
from tests.study.data.photo_cases import data_set, write_archive
from tests.study.processes import (
    alive,
    descendants,
    ended,
    free_address,
    start,
    start_scheduler,
    start_worker,
    wait_for,
)

KILLS = 20
GRACE = 10.0  # seconds that job schedulers leave at least between SIGTERM and SIGKILL
DISK = 160  # KiB of the small disk, which hold half of the results
WORKER = "spawn_main"  # in the command line of a worker process


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store in which every run of quick and full was done by one worker."""
    store = Store(tmp_path_factory.mktemp("undisturbed") / "runs")
    run_missing(steps, steps.configs("full"), store, workers=1)
    return store


def begin(folder: Path, profile: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    where = ("--store", str(folder / "runs"))
    return start(folder, "tests.faults.steps_study", "run", "--profile", profile, *where, *arguments, **environment)


def run(folder: Path, profile: str, **environment: str) -> tuple[int, str]:
    """Run the command to its end in a process of its own; returns its exit status and what it said."""
    with ended(process := begin(folder, profile, "--workers", "1", **environment)):
        return process.wait(timeout=120), (folder / "log").read_text()


def run_again(folder: Path, profile: str, *arguments: str) -> tuple[int, str]:
    """Run the command in this process, with a worker; returns its exit status and what it said."""
    arguments = ("run", "--profile", profile, "--store", str(folder / "runs"), *(arguments or ("--workers", "1")))
    said, handler = io.StringIO(), signal.getsignal(signal.SIGTERM)
    try:
        with redirect_stdout(said), redirect_stderr(said):
            return main(arguments, {"steps": steps}, []), said.getvalue()
    finally:
        signal.signal(signal.SIGTERM, handler)


def table(store: Store, profile: str, folder: Path) -> bytes:
    return tables.collect(steps, profile, store, folder / "tables").read_bytes()


def require_equal(folder: Path, undisturbed: Store, profile: str) -> None:
    own, expected = Store(folder / "runs"), folder / "expected"
    assert table(own, profile, folder) == table(undisturbed, profile, expected)
    left = {path.suffix for path in own.root.glob("*/[!.]*")}
    assert left == {".json", ".safetensors"}, "marks of runs or of failures stayed"


def done(folder: Path) -> int:
    return len(list((folder / "runs").glob("*/*.json")))


def test_kills_of_workers_and_of_the_sweep_at_random_moments(tmp_path: Path, undisturbed: Store) -> None:
    moments, kills = random.Random(7), 0
    statuses: list[int] = []
    while not statuses or statuses[-1] != 0:
        with ended(process := begin(tmp_path, "full", "--workers", "2", STEPS_PAUSE="0.2")):
            while process.poll() is None and kills < KILLS:
                time.sleep(moments.uniform(0.0, 3.0))
                workers = descendants(process.pid, WORKER)
                victim = moments.choice(workers) if workers and moments.random() < 0.7 else process.pid
                if process.poll() is None and alive(victim):
                    os.kill(victim, signal.SIGKILL)
                    kills += 1
            statuses.append(process.wait(timeout=120))
        assert len(statuses) < 2 * KILLS, (tmp_path / "log").read_text()
    assert kills == KILLS
    assert -signal.SIGKILL in statuses
    require_equal(tmp_path, undisturbed, "full")


def test_a_full_disk(tmp_path: Path, undisturbed: Store) -> None:
    disk, environment = tmp_path / "runs", {}
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    if not mounted:  # then files may not grow, which the system refuses in the same place
        environment = {"STEPS_FILE_SIZE": "1000"}  # bytes: less than a result, more than what is said until then
    try:
        status, said = run(tmp_path, "full", **environment)
        assert status == 1
        last = said.splitlines()[-1]
        assert last.startswith(f"error: {disk}/steps/")
        assert last.endswith("No space left on device" if mounted else "File too large")
        before = done(tmp_path)
        assert before > 0 or not mounted
        if mounted:
            subprocess.run(["mount", "-o", f"remount,size={10 * DISK}k", str(disk)], check=True)
        status, said = run_again(tmp_path, "full")
        assert status == 0
        assert said.count(": done in ") == 40 - before
        require_equal(tmp_path, undisturbed, "full")
    finally:
        if mounted:
            subprocess.run(["umount", str(disk)], check=True)


def test_two_sweeps_at_once_do_every_run_once(tmp_path: Path, undisturbed: Store) -> None:
    first, second = (begin(tmp_path, "quick", "--workers", "1", STEPS_PAUSE="0.1") for _ in range(2))
    with ended(first, second):
        assert [sweep.wait(timeout=120) for sweep in (first, second)] == [0, 0]
    said = (tmp_path / "log").read_text()
    assert said.count(": done in ") == len(steps.configs("quick"))
    assert ": done by another sweep" in said
    require_equal(tmp_path, undisturbed, "quick")


def flip_a_byte(path: Path, other: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def take_another_key(path: Path, other: Path) -> None:
    path.write_bytes(other.read_bytes())


def test_damaged_results_are_named_and_run_again(tmp_path: Path, undisturbed: Store) -> None:
    run_missing(steps, steps.configs("quick"), Store(tmp_path / "runs"), workers=1)
    first, second, other, *_ = sorted((tmp_path / "runs").glob("*/*.json"))
    damages: list[tuple[Callable[[Path, Path], None], Path, str]] = [
        (flip_a_byte, first, "is damaged ("),
        (take_another_key, second, f"is damaged (it holds the run {other.stem})"),
    ]
    for damage, path, reason in damages:
        damage(path, other)
        status, said = run_again(tmp_path, "quick")
        assert status == 1
        assert f"error: {path} {reason}" in said
        command = shlex.split(said.rpartition(": ")[2])
        assert command == ["rm", str(path)]
        subprocess.run(command, check=True)
    status, said = run_again(tmp_path, "quick")
    assert status == 0
    assert said.count(": done in ") == 2
    require_equal(tmp_path, undisturbed, "quick")


def test_a_truncated_archive_fails_the_runs_that_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURIERCONV_DATA", str(tmp_path))
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path / "build"))
    whole, archive = tmp_path / "whole", tmp_path / "pets" / "pets.tar"
    write_archive(archive, data_set())
    run_again(whole, "pilot")
    shutil.rmtree(tmp_path / "build")  # and the decoded pictures with it
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    status, said = run(tmp_path, "pilot")
    assert status == 1
    assert said.count(f"FAILED: ValueError: {archive.parent}") == 2
    assert "damaged or truncated archive" in said
    assert done(tmp_path) == 2

    archive.write_bytes(content)
    assert run_again(tmp_path, "pilot")[0] == 0
    require_equal(tmp_path, Store(whole / "runs"), "pilot")


def test_a_lost_worker_of_a_cluster_and_then_its_scheduler(tmp_path: Path, undisturbed: Store) -> None:
    address, log = free_address(), tmp_path / "log"
    pause = {"STEPS_PAUSE": "0.2"}
    scheduler = start_scheduler(tmp_path, address)
    workers = [start_worker(tmp_path, address, **pause) for _ in range(2)]
    sweep = begin(tmp_path, "full", "--scheduler", address)
    with ended(scheduler, *workers, sweep):
        wait_for(lambda: done(tmp_path) >= 4)
        workers[0].kill()  # in the middle of a run, as each takes most of a second
        before = done(tmp_path)
        wait_for(lambda: done(tmp_path) >= before + 4)
        assert "FAILED" not in log.read_text()
        scheduler.kill()
        assert sweep.wait(timeout=60) == 1
    said = log.read_text()
    assert f"error: lost the scheduler at {address}; what is finished is kept" in said
    assert "Traceback" not in said
    assert 8 <= done(tmp_path) < 40

    with ended(start_scheduler(tmp_path, address), start_worker(tmp_path, address)):
        assert run_again(tmp_path, "full", "--scheduler", address)[0] == 0
    require_equal(tmp_path, undisturbed, "full")


def test_a_job_that_is_terminated_with_a_grace_period(tmp_path: Path, undisturbed: Store) -> None:
    with ended(process := begin(tmp_path, "quick", "--workers", "2", STEPS_PAUSE="0.3")):
        wait_for(lambda: done(tmp_path) >= 2)
        family = descendants(process.pid)
        os.killpg(process.pid, signal.SIGTERM)  # every process of the job gets it
        assert process.wait(timeout=GRACE) == 130
        wait_for(lambda: not any(map(alive, family)), GRACE)
    assert (tmp_path / "log").read_text().endswith("the same command goes on from there\n")
    before = done(tmp_path)
    status, said = run_again(tmp_path, "quick")
    assert status == 0
    assert said.count(": done in ") == 8 - before
    require_equal(tmp_path, undisturbed, "quick")


def test_a_loss_that_is_not_a_number_fails_its_run_alone(tmp_path: Path, undisturbed: Store) -> None:
    status, said = run(tmp_path, "quick", STEPS_DIVERGES="5")
    assert status == 1
    (kept,) = (tmp_path / "runs").glob("*/*.failed.txt")
    reason = "FloatingPointError: the loss of epoch 1 is nan: training diverged"
    assert f"steps seed=5: FAILED: {reason}" in said
    assert f"error: 1 of 8 runs of steps failed:\n  Config(seed=5, pictures=False): {reason}" in said
    assert kept.read_text().startswith(reason)
    assert done(tmp_path) == 7
    status, said = run_again(tmp_path, "quick")
    assert status == 0
    assert "7 of 8 runs done, 1 failed, 1 left" in said
    require_equal(tmp_path, undisturbed, "quick")
