"""The command for a GPU: rehearsed end to end on the CPU, stopped, failing, without a device."""

import json
import os
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from fourierconv.study.__main__ import main
from fourierconv.study.bench.run import Ended
from fourierconv.study.experiments import classification
from fourierconv.study.gpu import command, measure, multi_process, results
from fourierconv.study.gpu.multi_process import multi_process_service
from fourierconv.study.store import Outcome, Store, StudyError
from tests.study.gpu.made import CELLS, state

NAMES = [own.name for own in measure.REHEARSED]


def study(*arguments: str) -> int:
    return main(["gpu", *arguments], {}, [])


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, as the current folder."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FOURIERCONV_BUILD", raising=False)
    return tmp_path


def test_without_a_device_it_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert study() == 0
    assert capsys.readouterr().out == "there is no CUDA device here: nothing was checked and nothing measured\n"
    assert not (repository / "build").exists()


def test_it_is_rehearsed_and_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "CHECKS", ("tests/test_cuda.py",))
    assert study("--rehearse", "--out", str(tmp_path)) == 0
    printed = capfd.readouterr().out
    assert "[2/2]" in printed
    assert printed.count("not measured\n") == 8  # the bounds
    files = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert files.keys() == {"cells.json", "checks.txt", *results.COMMITTED}
    assert max(files.values()) < 2**20
    own = results.load(tmp_path)
    assert list(own["cells"]) == NAMES
    assert own["checks"]["passed"]
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert {own["command"] for own in provenance["cells"].values()} == {"python -m fourierconv.study gpu"}
    assert provenance["made"][0].keys() >= {"commit", "code", "torch", "seed", "bandwidth", "torch-fftconv"}

    kept, made = own["cells"][NAMES[1]], own["cells"].pop(NAMES[0])
    results.save(tmp_path, own)
    assert study("--rehearse", "--out", str(tmp_path)) == 0
    printed = capfd.readouterr().out
    assert f"[2/2] {NAMES[0]}" in printed
    assert NAMES[1] not in printed
    assert ", before\n" in printed
    again = results.load(tmp_path)["cells"]
    assert again[NAMES[1]] == kept
    assert again[NAMES[0]]["rows"] != made["rows"]

    assert study("--rehearse", "--out", str(tmp_path), "--replace-committed") == 1
    assert "only a GPU's times are committed" in capfd.readouterr().err


def scripted(monkeypatch: pytest.MonkeyPatch, *ends: Ended) -> None:
    """In the place of processes that measure."""
    left = list(ends)
    monkeypatch.setattr(command, "attend", lambda *arguments: left.pop(0))


def test_what_ends_the_process_or_hangs_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(
        monkeypatch,
        Ended("cell-k3 whole tf32", True, ""),
        Ended("cell-k3 auto", False, "RuntimeError: CUDA error"),
        Ended(None, False, ""),
    )
    command.measure(tmp_path, "cpu", time.monotonic() + 60)
    expected = {"cell-k3": {"whole tf32": "time", "auto": "ended the process: RuntimeError: CUDA error"}}
    assert results.load(tmp_path)["excluded"] == expected


def test_a_process_that_ends_for_another_reason_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, Ended(None, False, "ImportError: no torch"))
    with pytest.raises(StudyError, match="the benchmark ended: ImportError: no torch"):
        command.measure(tmp_path, "cpu", time.monotonic() + 60)


def test_at_the_end_of_the_time_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(monkeypatch)
    command.measure(tmp_path, "cpu", time.monotonic() + command.LAST - 1)
    assert "the time is up" in capsys.readouterr().out
    measure.main(str(tmp_path), "cpu", str(time.monotonic() - 1))
    assert results.load(tmp_path)["cells"] == {}


@pytest.mark.parametrize(
    ("body", "share", "said"),
    [("assert False", 1.0, "1 failed"), ("import time; time.sleep(60)", 0.05, "ended after 3 s")],
)
def test_checks_that_fail_are_kept_and_are_the_exit_status(
    body: str, share: float, said: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "tests" / "test_cuda.py").write_text(f"def test_sums():\n    {body}\n")
    scripted(monkeypatch, Ended(None, False, ""))
    monkeypatch.setattr(command, "SHARE", share)
    assert study("--rehearse", "--minutes", "1") == 1
    assert said in (repository / "build" / "gpu_rehearsal" / "checks.txt").read_text()
    checks: dict[str, Any] = results.load(repository / "build" / "gpu_rehearsal")["checks"]
    assert not checks["passed"]
    assert said in checks["summary"]


def test_tables_replace_the_committed_ones(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    results.save(repository / "build" / "gpu", state(CELLS[:1]))
    command.judge(repository / "build" / "gpu")
    assert study("--replace-committed") == 0
    committed = repository / "book" / "results" / "gpu"
    assert {path.name for path in committed.iterdir()} == {*results.COMMITTED}
    assert str(committed / "cuda.csv") in capsys.readouterr().out


def test_runs_end_with_the_time_and_those_that_are_done_are_packed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep finishes a run and hangs in the next."""
    script = repository / "sweep.py"
    script.write_text(
        "import pathlib, sys, time\nfolder = pathlib.Path(sys.argv[-1]) / 'toy'\nfolder.mkdir(parents=True)\n"
        "(folder / '.new.tmp').touch()\n(folder / '0123.json').write_text('{}')\ntime.sleep(60)\n"
    )
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda own, env=None: popen([own[0], str(script), *own[3:]], env=env))
    config = classification.configs("tuning")[0]
    committed = Store(repository / "book" / "results" / "tuning" / "runs")
    committed.save(classification, config, Outcome({"accuracy": 50.0}, []), {"duration_s": 1.0})
    start = time.monotonic()
    command.train(repository, start + 3)
    assert time.monotonic() - start < 30
    assert Store(repository / "build" / "runs").find(classification, config) is not None  # it is not done again
    with tarfile.open(repository / "runs.tar") as archive:
        assert archive.getnames() == [os.path.join("toy", "0123.json")]


def test_processes_share_a_device_by_nvidias_service_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = tmp_path / multi_process.CONTROL
    control.write_text(f'#!/bin/sh\necho "$*" in $CUDA_MPS_PIPE_DIRECTORY >> {tmp_path}/log\ncat >> {tmp_path}/log\n')
    control.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.delenv(multi_process.PIPES, raising=False)
    with multi_process_service() as variables:
        folder = variables[multi_process.PIPES]
        assert Path(folder).is_dir()
    assert (tmp_path / "log").read_text() == f"-d in {folder}\n in {folder}\nquit\n"
    assert not Path(folder).exists()
    monkeypatch.setenv(multi_process.PIPES, "one that runs already")
    with multi_process_service() as variables:
        assert variables == {}


def test_runs_are_packed_into_one_file(tmp_path: Path) -> None:
    store = tmp_path / "runs"
    (store / "toy").mkdir(parents=True)
    (store / "toy" / "0123.json").write_text("{}")
    command.pack([], store, tmp_path / "runs.tar")
    assert not (tmp_path / "runs.tar").exists()
    command.pack([store / "toy" / "0123.json"], store, tmp_path / "runs.tar")
    with tarfile.open(tmp_path / "runs.tar") as archive:
        assert archive.getnames() == [os.path.join("toy", "0123.json")]
