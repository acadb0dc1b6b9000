"""The study's command line, as a person or a Makefile calls it: real processes, killed and resumed; one-line errors."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from fourierconv.study import tables
from fourierconv.study.__main__ import main
from fourierconv.study.claims import read_expected
from fourierconv.study.store import Store, StudyError, key
from fourierconv.study.sweep import run_missing
from tests.study import toy
from tests.study.processes import alive, descendants, start, wait_for
from tests.study.toy_study import CLAIMS

QUICK = ["--profile", "quick"]
# arguments, what stderr says
USAGE_ERRORS = [
    (["run", "--profile", "huge"], "argument --profile: invalid choice: 'huge'"),
    (["run"], "the following arguments are required: --profile"),
    (["recompute", *QUICK, "--only", "toy"], "the following arguments are required: KEY"),
    (["run", *QUICK, "--only", "nothing"], "argument --only: invalid choice: 'nothing'"),
    (["run", *QUICK, "--budget", "9"], "argument --budget: must be a time such as 90s, 9m or 2h, not '9'"),
    (["run", *QUICK, "--budget", "0m"], "argument --budget: must be a time such as 90s, 9m or 2h, not '0m'"),
    (
        ["run", *QUICK, "--workers", "2", "--scheduler", "tcp://here:8786"],
        "argument --scheduler: not allowed with argument --workers",
    ),
    (["run", *QUICK, "--workers", "0"], "argument --workers: must be a whole number of at least 1, not '0'"),
    (["train", *QUICK], "invalid choice: 'train'"),
    (["data", "--only", "letters"], "argument --only: invalid choice: 'letters'"),
    (["bench", "--check", "--replace-committed"], "argument --replace-committed: not allowed with argument --check"),
    (["gpu", "--minutes", "-1"], "argument --minutes: must be a positive number, not '-1'"),
]


def study(*arguments: str) -> int:
    return main(arguments, {"toy": toy}, CLAIMS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty repository, as the current folder."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FOURIERCONV_BUILD", raising=False)
    handler = signal.getsignal(signal.SIGTERM)  # which `run` changes
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store in which every run of the quick profile is done, without interruption."""
    store = Store(tmp_path_factory.mktemp("whole") / "runs")
    run_missing(toy, toy.configs("quick"), store)
    return store


def collected(store: Store) -> list[str]:
    return ["collect", *QUICK, "--store", str(store.root)]


def stop_in_the_middle(folder: Path, number: signal.Signals) -> int:
    """Stop a sweep by a signal when half its runs are done and each worker hangs in another; return its exit status."""
    quick = ("run", *QUICK, "--workers", "2")
    process = start(folder, "tests.study.toy_study", *quick, **{toy.PAUSE: "3600"})
    log = folder / "log"
    try:
        wait_for(lambda: process.poll() is not None or log.read_text().count("size=32") == 2)
        family = descendants(process.pid)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        status = process.wait(timeout=60)
    finally:
        process.kill()
    assert len(family) >= 2
    wait_for(lambda: not any(alive(pid) for pid in family))
    return status


def test_a_sweep_leaves_what_waits_for_something(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(toy, "waits", lambda config: "its size" if config.size > 32 else "", raising=False)
    assert study("run", *QUICK) == 0
    assert capsys.readouterr().out.endswith("toy: all 6 runs are done but the 6 that wait\n")
    assert len(stamps(folder)) == 6


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    paths = (folder / "build" / "runs" / "toy").glob("*.json")
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def test_a_sweep_that_was_killed_goes_on_and_ends_in_the_same_table(
    folder: Path, whole: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stop_in_the_middle(folder, signal.SIGKILL) == -signal.SIGKILL
    before = stamps(folder)
    assert len(before) == 6  # those at size 64, which are the first, and do not hang
    assert study("status", *QUICK, "--workers", "1") == 0
    assert capsys.readouterr().out.startswith("toy: 6 of 12 runs done, 6 left: about ")
    # What a writer leaves that was killed between two bytes.
    (folder / "build" / "runs" / "toy" / ".0123456789abcdef.json.1-00.tmp").write_text('{"metr')

    assert study("run", *QUICK) == 0
    after = stamps(folder)
    assert before.items() <= after.items()
    assert len(after) == 12

    assert study("collect", *QUICK) == 0
    resumed = (folder / "build" / "results" / "quick" / "toy.csv").read_bytes()
    monkeypatch.setenv("FOURIERCONV_BUILD", "uninterrupted")
    assert study(*collected(whole)) == 0
    assert (folder / "uninterrupted" / "results" / "quick" / "toy.csv").read_bytes() == resumed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sweep_that_is_asked_to_stop_says_one_line(folder: Path, number: signal.Signals) -> None:
    assert stop_in_the_middle(folder, number) == 130
    log = (folder / "log").read_text()
    assert log.endswith("\nstopped; what is finished is kept, and the same command goes on from there\n")
    assert "Traceback" not in log
    assert "interruptible" not in log


def test_collect_then_check(folder: Path, whole: Store, capsys: pytest.CaptureFixture[str]) -> None:
    results, committed = folder / "build" / "results" / "quick", folder / "book" / "results" / "quick"
    assert study(*collected(whole)) == 0
    shown = json.loads((results / "values.json").read_text())
    assert shown.keys() >= {"profile", "gain_64", "gain_64_verdict", "runs_toy", "time_toy", "hardware"}
    assert shown["gain_64_verdict"] == "beats"
    assert not committed.exists()

    capsys.readouterr()
    assert study("check", *QUICK) == 0
    assert "no expectation committed: there is no" in capsys.readouterr().out

    assert study(*collected(whole), "--replace-committed") == 0
    names = {"toy.csv", "toy.provenance.json", "claims.csv"}
    assert {path.name: path.read_text() for path in committed.iterdir()} == {
        name: (results / name).read_text() for name in names
    }
    capsys.readouterr()
    assert study("check", *QUICK) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("yes")


def test_check_fails_outside_and_says_which_numerics_were_committed(
    folder: Path, whole: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study(*collected(whole), "--replace-committed") == 0
    committed = folder / "book" / "results" / "quick"
    claims = committed / "claims.csv"
    header, line = claims.read_text().splitlines()
    name, value, rest = line.split(",", maxsplit=2)
    claims.write_text(f"{header}\n{name},{float(value) - 9},{rest}\n")
    sidecar = committed / "toy.provenance.json"
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"numerics": {"toy": 0}}))
    capsys.readouterr()
    assert study("check", *QUICK) == 1
    printed = capsys.readouterr().out
    assert printed.splitlines()[1].endswith("NO")
    assert "Made with numerics {'toy': 0}, while the code now has {'toy': 1}" in printed


def test_partial_results_are_committed_with_their_runs_and_recomputed(
    folder: Path, whole: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "PARTIAL", True, raising=False)
    assert study(*collected(whole), "--only", "toy", "--replace-committed") == 0
    committed = Store(folder / "book" / "results" / "quick" / "runs")
    config = toy.configs("quick")[0]
    assert committed.find(toy, config) == whole.find(toy, config)
    assert committed.weights(toy, config).keys() == whole.weights(toy, config).keys()
    assert study(*collected(committed), "--only", "toy") == 0  # the same table, from what is committed
    assert (folder / "build/results/quick/toy.csv").read_text() == (folder / "book/results/quick/toy.csv").read_text()

    capsys.readouterr()
    assert study("recompute", *QUICK, "--only", "toy", key(toy, config)[:8]) == 0
    *_, run, mean = capsys.readouterr().out.splitlines()
    assert run.startswith("toy: 0.50 %, committed 0.50")
    assert mean.endswith("over 3 seeds: within")
    assert Store(folder / "build" / "recomputed").find(toy, config) is not None


def test_a_committed_table_never_loses_runs(
    folder: Path, whole: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "PARTIAL", True, raising=False)
    assert study(*collected(whole), "--only", "toy", "--replace-committed") == 0
    table = folder / "book" / "results" / "quick" / "toy.csv"
    before, some = table.read_bytes(), Store(folder / "some")
    whole.give(toy, toy.configs("quick")[:5], some)
    capsys.readouterr()
    assert study(*collected(some), "--only", "toy", "--replace-committed") == 1
    assert "toy: 7 of 12 committed runs are not in" in capsys.readouterr().err
    assert table.read_bytes() == before
    Store(folder / "book" / "results" / "quick" / "runs").give(toy, toy.configs("quick"), some)
    assert study(*collected(some), "--only", "toy", "--replace-committed") == 0
    assert table.read_bytes() == before


def test_the_book_says_how_far_what_has_no_quick_runs_has_come(folder: Path, whole: Store) -> None:
    later: Any = SimpleNamespace(NAME="later", configs=lambda profile: [1, 2] if profile == "full" else [])
    assert main(collected(whole), {"toy": toy, "later": later}, CLAIMS) == 0
    shown = json.loads((folder / "build" / "results" / "quick" / "values.json").read_text())
    assert shown["progress_later"] == "0 of 2"


def test_in_the_full_profile_it_says_how_far_this_machine_has_come(
    folder: Path, whole: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy, "PARTIAL", True, raising=False)
    configs = toy.configs("quick")
    monkeypatch.setattr(toy, "configs", lambda profile: configs if profile == "full" else [])
    some = Store(folder / "some")
    whole.give(toy, [config for config in configs if config.size == 64], some)
    assert study("collect", "--profile", "full", "--store", str(some.root)) == 0
    shown = json.loads((folder / "build" / "results" / "full" / "values.json").read_text())
    assert shown["progress_toy"] == "6 of 12"


def test_claims_wait_for_every_table(folder: Path, whole: Store, capsys: pytest.CaptureFixture[str]) -> None:
    other: Any = SimpleNamespace(NAME="other", configs=lambda profile: [None])
    two = {"toy": toy, "other": other}
    arguments = [*collected(whole), "--only", "toy"]
    assert main(arguments, two, CLAIMS) == 0
    assert "wait for the table of other" in capsys.readouterr().out
    assert main([*arguments, "--replace-committed"], two, CLAIMS) == 0
    committed = folder / "book" / "results" / "quick"
    assert {path.name for path in committed.iterdir()} == {"toy.csv", "toy.provenance.json"}


def test_one_experiment_is_committed_beside_another_whose_claims_stay(folder: Path, whole: Store) -> None:
    other: Any = SimpleNamespace(**vars(toy) | {"NAME": "other"})
    theirs = replace(CLAIMS[0], name="other", experiment="other", per_seed=lambda tables: [1.0, len(tables["other"])])
    assert study(*collected(whole), "--replace-committed") == 0
    committed = folder / "book" / "results" / "quick"
    for mine, its in zip(tables.files(toy, committed), tables.files(other, committed), strict=True):
        its.write_text(mine.read_text())
    arguments = [*collected(whole), "--only", "toy", "--replace-committed"]
    assert main(arguments, {"toy": toy, "other": other}, [*CLAIMS, theirs]) == 0
    assert read_expected(committed / "claims.csv").keys() == {"gain_64", "other"}


@pytest.mark.parametrize(("arguments", "message"), USAGE_ERRORS)
def test_a_wrong_command_line_is_one_line_and_exit_2(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        study(*arguments)
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert message in printed
    assert printed.count("\n") == 1
    assert list(folder.iterdir()) == [folder / "pyproject.toml"]


def test_what_is_missing_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert study("status", *QUICK, "--workers", "2") == 0
    each, overall = capsys.readouterr().out.splitlines()
    assert each == "toy: 0 of 12 runs done, 12 left: time unknown with workers=2"
    assert overall == "all: 0 of 12 runs done, 12 left: time unknown"
    assert study("collect", *QUICK) == 1
    assert capsys.readouterr().err.startswith("error: toy: 12 of 12 runs are missing; first: ")
    assert study("check", *QUICK) == 1
    assert capsys.readouterr().err.startswith(f"error: {folder}/build/results/quick/toy.csv is missing; make it: ")


def test_run_says_beforehand_what_it_costs_and_ends_with_its_budget(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study("run", *QUICK, "--workers", "2", "--budget", "0.001s") == 0
    assert capsys.readouterr().out.splitlines() == [
        "toy: 0 of 12 runs done, 12 left: time unknown with workers=2",
        "all: 0 of 12 runs done, 12 left: time unknown",
        "toy: the time is up, and 12 of 12 runs are left",
    ]


def test_profiles_have_tables_of_their_own(folder: Path, whole: Store) -> None:
    assert study(*collected(whole)) == 0
    quick = (folder / "build" / "results" / "quick" / "toy.csv").read_text()
    assert study("collect", "--profile", "pilot", "--store", str(whole.root)) == 0
    assert (folder / "build" / "results" / "quick" / "toy.csv").read_text() == quick
    pilot = (folder / "build" / "results" / "pilot" / "toy.csv").read_text().splitlines()
    assert {line.partition(",")[0] for line in pilot[1:]} == {"pilot"}


def test_an_experiment_need_not_have_every_profile(
    folder: Path, whole: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(profile: str) -> NoReturn:
        raise StudyError(f"profile {profile!r} is unknown")

    other: Any = SimpleNamespace(NAME="other", configs=refuse)
    assert main(["status", "--profile", "pilot", "--store", str(whole.root)], {"toy": toy, "other": other}, []) == 0
    assert capsys.readouterr().out == "toy: 8 of 8 runs done\n"
    assert main(["run", "--profile", "pilot", "--only", "other"], {"other": other}, []) == 1
    assert capsys.readouterr().err == "error: the profile pilot has no runs of other\n"


def test_a_failing_run_is_listed_and_the_exit_status_is_1(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = toy.Config(behaviour="raises")
    monkeypatch.setattr(toy, "configs", lambda profile: [bad])
    assert study("run", *QUICK) == 1
    head, line = capsys.readouterr().err.splitlines()
    assert head == "error: 1 of 1 runs of toy failed:"
    assert line.startswith(f"  {bad!r}: ValueError: the scale is -1.0 (toy.py:")


def test_a_full_disk_names_the_path(
    folder: Path, whole: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "fsync", toy.no_space)
    assert study(*collected(whole)) == 1
    path = folder / "build" / "results" / "quick" / "toy.csv"
    assert capsys.readouterr().err == f"error: {path}: No space left on device\n"
    assert list(path.parent.iterdir()) == []
