"""One command with one budget of time: the checks on CUDA, the benchmark, then runs that the protocol still asks for.

Stop it at any time, and it goes on from there: cells that are finished are kept, and so are checks that passed.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch

from fourierconv.study.bench.bounds import Bound
from fourierconv.study.bench.run import attend
from fourierconv.study.experiments import classification
from fourierconv.study.gpu import results
from fourierconv.study.gpu.bounds import bounds
from fourierconv.study.gpu.multi_process import multi_process_service
from fourierconv.study.protocol import rates_left
from fourierconv.study.provenance import PACKAGE, source_hash
from fourierconv.study.store import Store, StudyError, build_folder, repository_root, write_atomically
from fourierconv.study.tables import Row, to_csv, write_changed
from fourierconv.study.training import DEVICE_VARIABLE

CHECKS = ("tests/test_cuda.py", "tests/tools", "tests/engines")
SHARE = 0.5  # of the time, that the checks may take at most
WORKERS = 15
PATIENCE = 45.0  # seconds that a contender may take to start
LAST = 20.0  # seconds: within so many of the end no cell is begun
LINES = 400  # of what the checks say, that are kept


def main(folder: Path, minutes: float, rehearse: bool, runs: bool) -> int:
    """Do what is missing, as far as the time goes; returns the exit status, 1 where a check failed.

    Args:
        folder: for the results.
        minutes: of all parts together.
        rehearse: whether to measure tiny cells on the CPU.
        runs: whether to go on with the protocol's runs.

    Raises:
        StudyError: the benchmark cannot go on, with the reason.
    """
    start = time.monotonic()
    until = start + 60 * minutes
    if not rehearse and not torch.cuda.is_available():
        print("there is no CUDA device here: nothing was checked and nothing measured")
        return 0
    passed = check(folder, SHARE * (until - time.monotonic()))
    measure(folder, "cpu" if rehearse else "cuda", until)
    for bound in judge(folder):
        print(f"{bound.verdict:7} {bound.statement}: {bound.shown}")
    if runs:
        train(folder, until)
    print(f"{folder}: {time.monotonic() - start:.0f} s, {'the checks passed' if passed else 'CHECKS FAILED'}")
    return 0 if passed else 1


def check(folder: Path, seconds: float) -> bool:
    """Run the tests that need a device, unless they passed with this code; returns whether they passed."""
    state = results.load(folder)
    root, code = repository_root(), source_hash(PACKAGE)
    if state["checks"] and state["checks"]["code"] == code and state["checks"]["passed"]:
        print(f"checks: {state['checks']['summary']}, before", flush=True)
        return True
    # what another Python or torch warns of is not what is checked
    options = ["-k", "cuda", "-m", "", "-W", "default", "--continue-on-collection-errors"]
    options += ["-q", "--tb=short", "-p", "no:cacheprovider"]
    if find_spec("xdist"):  # where it is installed, as thousands of small tests take turns at the device
        options += ["-n", str(min(WORKERS, os.cpu_count() or 1))]
    command = [sys.executable, "-m", "pytest", *(path for path in CHECKS if (root / path).exists()), *options]
    print(f"checks: at most {seconds:.0f} s", flush=True)
    with tempfile.TemporaryFile("w+") as said:
        try:
            done = subprocess.run(command, cwd=root, stdout=said, stderr=said, timeout=seconds, check=False)
            status, ending = done.returncode, []
        except subprocess.TimeoutExpired:
            status, ending = 1, [f"ended after {seconds:.0f} s"]
        said.seek(0)
        lines = said.read().splitlines()[-LINES:] + ending
    passed = status == 0 or (status == 5 and not torch.cuda.is_available())  # 5: no test was left without a device
    summary = lines[-1].strip("= ") if lines else "no output"
    state["checks"] = {"code": code, "passed": passed, "summary": summary}
    write_atomically(folder / "checks.txt", ("\n".join(lines) + "\n").encode())
    results.save(folder, state)
    print(f"checks: {summary}", flush=True)
    return passed


def measure(folder: Path, device: str, until: float) -> None:
    """Measure the cells that are missing; a contender that ends the process or takes too long is left out.

    Raises:
        StudyError: the process ends when it tries no contender.
    """
    module = "fourierconv.study.gpu.measure"
    command = [sys.executable, "-m", module, str(folder), device, str(until - LAST)]
    while until - LAST > time.monotonic():
        ended = attend(command, PATIENCE, until, _show)
        if not ended.killed and not ended.error:
            return
        if time.monotonic() >= until:
            break
        if ended.trying is None:
            raise StudyError(f"the benchmark ended: {ended.error}")
        cell, _, name = ended.trying.partition(" ")
        state = results.load(folder)
        state["excluded"].setdefault(cell, {})[name] = "time" if ended.killed else f"ended the process: {ended.error}"
        results.save(folder, state)
        print(f"{cell}: {name} {'took too long' if ended.killed else ended.error}; again without it", flush=True)
    print("the time is up: the same command goes on with the next cell", flush=True)


def _show(line: str) -> None:
    if line.startswith("["):
        print(line, flush=True)


def judge(folder: Path) -> list[Bound]:
    """The bounds, which are also written as a table."""
    found = bounds(*results.measured(folder))
    rows: list[Row] = [dict(zip(results.BOUNDS, (b.statement, b.verdict, b.shown), strict=True)) for b in found]
    write_changed(folder / "bounds.csv", to_csv(rows, results.BOUNDS))
    return found


def train(folder: Path, until: float) -> None:
    """Runs of the protocol on the device, its rates first, until the time is up; those that end are packed.

    What is committed counts as done.
    """
    store = build_folder() / "runs"
    profile = "tuning" if rates_left() else "full"
    committed = Store(repository_root() / "book" / "results" / profile / "runs")
    committed.give(classification, classification.configs(profile), Store(store))
    start = time.time()
    command = [sys.executable, "-m", "fourierconv.study", "run", "--profile", profile, "--only", "classification"]
    command += ["--budget", f"{max(until - time.monotonic(), 1):.0f}s", "--store", str(store)]
    with multi_process_service() as variables:
        environment = os.environ | variables | {DEVICE_VARIABLE: "cuda"}
        with subprocess.Popen(command, env=environment) as process:
            try:
                process.wait(max(until - time.monotonic(), 1))
            except subprocess.TimeoutExpired:
                process.terminate()
    paths = [path for path in sorted(store.glob("*/[!.]*")) if path.stat().st_mtime >= start]
    pack(paths, store, folder / "runs.tar")


def pack(paths: Sequence[Path], root: Path, target: Path) -> None:
    """One archive of finished runs, for `tar -xf runs.tar -C build/runs` on another machine; none without runs."""
    if paths:
        with tarfile.open(target, "w") as archive:
            for path in paths:
                archive.add(path, path.relative_to(root))
