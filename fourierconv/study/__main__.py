"""`python -m fourierconv.study COMMAND`: run, status, collect, check, recompute, data, bench, sequences, gpu."""

import argparse
import json
import math
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from fourierconv.study import claims as claim_list
from fourierconv.study import draft_claims, protocol_claims, recompute, status, tables
from fourierconv.study.claims import Claim
from fourierconv.study.data.official import OFFICIAL
from fourierconv.study.pool import PACKED, usual_workers
from fourierconv.study.statistics import Interval
from fourierconv.study.store import Experiment, Store, StudyError, build_folder, repository_root
from fourierconv.study.sweep import PROFILES, TimeUp, run_missing, sweep_of, waiting

SECONDS = {"s": 1, "m": 60, "h": 3600}


def main(arguments: Sequence[str], experiments: Mapping[str, Experiment], claims: Sequence[Claim]) -> int:
    """Run one command and return its exit status: 0, or 1 with a line on stderr that says why, or 130 when stopped."""
    options = _parser(experiments).parse_args(arguments)
    try:
        match options.command:
            case "data":
                _data([options.only] if options.only else list(OFFICIAL))
            case "bench":
                _bench(options.check, options.replace_committed)
            case "sequences":
                _sequences(options.replace_committed)
            case "gpu":
                return _gpu(options)
            case _:
                return _study(options, experiments, claims)
    except StudyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}" if error.strerror else f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what is finished is kept, and the same command goes on from there", file=sys.stderr)
        return 130
    return 0


def _study(options: argparse.Namespace, experiments: Mapping[str, Experiment], claims: Sequence[Claim]) -> int:
    """The commands on the runs of a profile; returns the exit status."""
    results = build_folder() / "results" / options.profile
    committed = repository_root() / "book" / "results" / options.profile
    known = experiments
    experiments = {name: own for name, own in experiments.items() if sweep_of(own, options.profile)}
    if options.command == "check":
        return _check(experiments, claims, results, committed)
    chosen = [own for name, own in experiments.items() if options.only in (None, name)]
    if not chosen:
        raise StudyError(f"the profile {options.profile} has no runs of {options.only or 'any experiment'}")
    match options.command:
        case "recompute":
            return _recompute(chosen[0], options, Store(committed / "runs"))
        case "run":
            _run(chosen, options)
        case "status":
            print(*_status(chosen, options, options.workers or usual_workers()), sep="\n")
        case "collect":
            if options.replace_committed:
                _require_not_less(chosen, options.profile, options.store, Store(committed / "runs"))
            for experiment in chosen:
                print(tables.collect(experiment, options.profile, options.store, results))
            if shown := _write_claims(known, claims, results, committed.parent / "full"):
                _write_values(known, claims, shown, results, committed.parent)
            if options.replace_committed:
                _replace(chosen, results, committed)
                _write_claims(known, claims, committed, committed.parent / "full")
                for experiment in chosen:
                    if getattr(experiment, "PARTIAL", False):  # its sweep goes on elsewhere from what is committed
                        given = sweep_of(experiment, options.profile)
                        new = options.store.give(experiment, given, Store(committed / "runs"))
                        print(f"{committed / 'runs'}: {len(new)} new files")
    return 0


def _run(chosen: Sequence[Experiment], options: argparse.Namespace) -> None:
    until = time.monotonic() + options.budget
    # What a job scheduler or `timeout` sends to end a process is answered like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not all(options.store.path(e, config).exists() for e in chosen for config in sweep_of(e, options.profile)):
        workers = 1 if options.scheduler else options.workers or usual_workers()
        with suppress(StudyError):  # a damaged result is an error of its own experiment's sweep alone
            print(*_status(chosen, options, workers), sep="\n", flush=True)
    failures = []
    for experiment in chosen:
        asked = sweep_of(experiment, options.profile)
        later = waiting(experiment, asked)
        configs = [config for config in asked if config not in later]
        how = {"scheduler": options.scheduler, "until": until}
        try:
            results = run_missing(experiment, configs, options.store, options.workers, **how)
        except TimeUp as error:
            print(error, flush=True)
        except StudyError as error:
            failures.append(str(error))
        else:
            others = f" but the {len(later)} that wait" if later else ""
            print(f"{experiment.NAME}: all {len(results)} runs are done{others}", flush=True)
    if failures:
        raise StudyError("\n".join(failures))


def _recompute(experiment: Experiment, options: argparse.Namespace, committed: Store) -> int:
    configs = recompute.by_key(experiment, options.profile, options.keys)
    results = run_missing(experiment, configs, options.store, options.workers)
    lines, met = recompute.compare(experiment, options.profile, results, committed)
    print(*lines, sep="\n")
    return 0 if met else 1


def _status(chosen: Sequence[Experiment], options: argparse.Namespace, workers: int) -> list[str]:
    others = [profile for profile in PROFILES if profile != options.profile]
    committed = repository_root() / "book" / "results"
    found = [status.standing(experiment, options.profile, others, options.store, committed) for experiment in chosen]
    return status.lines(found, workers)


@dataclass(frozen=True)
class _Shown:
    """The tables that the book shows in a profile, and what its claims measure on them.

    Attributes:
        own: the profile's.
        quick: those of 'quick', for experiments that have none in the profile, as notebooks show them.
        answered: the committed ones of 'full', for experiments that have no runs in 'quick'.
    """

    own: Mapping[str, tables.Table]
    quick: Mapping[str, tables.Table]
    answered: Mapping[str, tables.Table]
    rows: claim_list.Tables
    measured: Mapping[str, Interval]


def _write_claims(
    experiments: Mapping[str, Experiment], claims: Sequence[Claim], folder: Path, full: Path
) -> _Shown | None:
    """Write claims.csv of the tables of a profile's folder; None where tables that the book needs are missing."""
    usual = {name: own for name, own in experiments.items() if sweep_of(own, "quick")}
    found = _tables(experiments, folder)
    others = {name: own for name, own in _tables(usual, folder.parent / "quick").items() if name not in found}
    if absent := usual.keys() - found.keys() - others.keys():
        print(f"claims.csv and values.json wait for the table of {', '.join(sorted(absent))}")
        return None
    answered = _tables({name: own for name, own in experiments.items() if name not in usual}, full)
    rows = {name: table.rows for name, table in (answered | others | found).items()}
    measured = claim_list.measure(claim_list.claims_of(claims, rows), rows)
    own = [claim for claim in claims if claim.experiment in found and claim.name in measured]
    if own:
        text = tables.to_csv(claim_list.to_rows(own, measured), claim_list.COLUMNS)
        tables.write_changed(folder / "claims.csv", text)
        print(folder / "claims.csv")
    else:
        (folder / "claims.csv").unlink(missing_ok=True)
    return _Shown(found, others, answered, rows, measured)


def _write_values(
    experiments: Mapping[str, Experiment], claims: Sequence[Claim], shown: _Shown, folder: Path, committed: Path
) -> None:
    """Write values.json, of all that the book shows beside its notebooks."""
    usual = {name for name, own in experiments.items() if sweep_of(own, "quick")}
    prices = [status.prices(own, committed) for own in experiments.values()]
    shown_claims = claim_list.values(claims, shown.rows, shown.measured)
    full = {**shown.answered, **shown.own} if folder.name == "full" else shown.answered
    values = {
        "profile": " and ".join([folder.name] * bool(shown.own) + ["quick"] * bool(shown.quick)),
        **tables.facts({**shown.own, **shown.quick}),
        **_progress({name: own for name, own in experiments.items() if name not in usual}, full),
        **shown_claims,
        **draft_claims.values(shown.measured, shown_claims),
        **protocol_claims.parameters(shown.rows),
        **{name: said for known in prices for name, said in known.items()},
    }
    tables.write_changed(folder / "values.json", json.dumps(values, indent=1, ensure_ascii=False) + "\n")
    print(folder / "values.json")


def _progress(experiments: Mapping[str, Experiment], answered: Mapping[str, tables.Table]) -> dict[str, str]:
    """Say how far the full sweeps of experiments have come whose tables hold whatever is finished."""
    return {
        f"progress_{name}": f"{len(answered[name].provenance['runs']) if name in answered else 0} of "
        f"{len(sweep_of(own, 'full'))}"
        for name, own in experiments.items()
    }


def _tables(experiments: Mapping[str, Experiment], folder: Path) -> dict[str, tables.Table]:
    """Read the tables that there are in a folder."""
    there = {name: own for name, own in experiments.items() if tables.files(own, folder)[0].exists()}
    return {name: tables.read(own, folder) for name, own in there.items()}


def _require_not_less(chosen: Sequence[Experiment], profile: str, store: Store, committed: Store) -> None:
    """Raise a StudyError where a store lacks runs that are committed: a table of what is finished would lose them."""
    for experiment in chosen:
        held = [config for config in sweep_of(experiment, profile) if committed.path(experiment, config).exists()]
        lost = [config for config in held if not store.path(experiment, config).exists()]
        if lost:
            raise StudyError(
                f"{experiment.NAME}: {len(lost)} of {len(held)} committed runs are not in {store.root}, so the table "
                f"would lose them; first: cp -r {committed.root}/. {store.root}"
            )


def _replace(experiments: Sequence[Experiment], results: Path, committed: Path) -> None:
    """Copy tables and their sidecars over the committed ones."""
    for path in (path for experiment in experiments for path in tables.files(experiment, results)):
        tables.write_changed(committed / path.name, path.read_text())
        print(committed / path.name)


def _check(experiments: Mapping[str, Experiment], claims: Sequence[Claim], results: Path, committed: Path) -> int:
    wanted = {name: own for name, own in experiments.items() if tables.files(own, committed)[0].exists()}
    wanted = wanted or dict(experiments)  # nothing is committed yet
    rows = {name: tables.read(experiment, results).rows for name, experiment in wanted.items()}
    claims = claim_list.claims_of(claims, rows)
    measured = claim_list.measure(claims, rows)
    expected = claim_list.read_expected(committed / "claims.csv")
    text, met = claim_list.check(claims, measured, expected)
    print(text)
    if not expected:
        print(f"no expectation committed: there is no {committed / 'claims.csv'}, so nothing was compared")
        return 0
    for experiment in wanted.values():
        if banner := tables.read(experiment, committed).banner:
            print(f"the committed table of {experiment.NAME}: {banner}")
    return 0 if met else 1


def _data(names: Sequence[str]) -> None:
    from fourierconv.study.data.prepare import prepare  # tqdm need not be where `gpu` runs

    try:
        prepare(names, build_folder() / "data", lambda line: print(line, flush=True))
    except ValueError as error:
        raise StudyError(str(error)) from error


def _bench(check: bool, replace: bool) -> None:
    from fourierconv.study.bench import results, run  # its packages are optional
    from fourierconv.study.bench.cells import CHECKED, cell, cells

    folder = build_folder() / ("bench_check" if check else "bench")
    chosen = [cell(name) for name in CHECKED] if check else cells()
    run.run_missing(chosen, folder / "cells", report=print, again=check)
    if check:
        (folder / "beside.json").unlink(missing_ok=True)
    beside = results.beside(folder, briefly=check)
    found = results.read(folder / "cells")
    for place in (folder, repository_root() / "book" / "results" / "bench") if replace else (folder,):
        results.write(found, place)
        tables.write_changed(place / "beside.json", json.dumps(beside, indent=1) + "\n")
    for bound in results.judge(folder):
        print(f"{bound.verdict:7} {bound.statement}: {bound.shown}")


def _sequences(replace: bool) -> None:
    from fourierconv.study.bench import results, run  # its packages are optional
    from fourierconv.study.bench.cells import sequences

    folder = build_folder() / "sequences"
    run.run_missing(sequences(), folder / "cells", report=print)
    for place in (folder, repository_root() / "book" / "results" / "sequences") if replace else (folder,):
        results.write(results.read(folder / "cells"), place)


def _gpu(options: argparse.Namespace) -> int:
    from fourierconv.study.gpu import command, results

    folder = options.out or build_folder() / ("gpu_rehearsal" if options.rehearse else "gpu")
    status = command.main(folder, options.minutes, options.rehearse, options.runs)
    if options.replace_committed:
        print(*results.replace_committed(folder, repository_root() / "book" / "results" / "gpu"), sep="\n")
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose errors take one line, without the usage before them."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}\n")


def _parser(experiments: Mapping[str, Experiment]) -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m fourierconv.study", description="Run the study and check its claims.")
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "run": "run what is missing; stop it at any time, and the same command goes on",
        "status": "say what is done, running, failed and left, and how long the rest takes",
        "collect": "write tables, claims and values of the finished runs into the build folder",
        "check": "compare the claims with the committed ones; exit status 1 where one is outside",
        "recompute": "train committed runs anew, and compare them; exit status 1 where a mean is outside its tolerance",
    }
    data = "download and decode the photographs of the protocol; the same command goes on where it was stopped"
    command = commands.add_parser("data", help=data, description=data)
    command.add_argument("--only", choices=sorted(OFFICIAL), help="this set alone")
    bench = "time the engines and what else computes a convolution; stop it at any time, and the same command goes on"
    command = commands.add_parser("bench", help=bench, description=bench)
    either = command.add_mutually_exclusive_group()
    either.add_argument("--check", action="store_true", help="measure a few cells anew, in 10 minutes, and judge them")
    either.add_argument("--replace-committed", action="store_true", help="also replace the tables in book/results")
    sequences = "time the same on sequences; stop it at any time, and the same command goes on"
    command = commands.add_parser("sequences", help=sequences, description=sequences)
    command.add_argument("--replace-committed", action="store_true", help="also replace the tables in book/results")
    gpu = "on a CUDA device: its checks, and the engines beside cuDNN; the same command goes on where it was stopped"
    command = commands.add_parser("gpu", help=gpu, description=gpu)
    command.add_argument("--minutes", type=_minutes, default=9.0, help="for all of it; 9 where not given")
    command.add_argument("--out", type=Path, metavar="FOLDER", help="for the results, and where they are continued")
    command.add_argument("--rehearse", action="store_true", help="measure tiny cells on the CPU, to try the command")
    command.add_argument("--runs", action="store_true", help="then the protocol's missing runs, until the time is up")
    command.add_argument("--replace-committed", action="store_true", help="also replace the tables in book/results")
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--profile", choices=PROFILES, required=True)
        if name == "check":
            continue
        anew = name == "recompute"
        command.add_argument("--only", choices=sorted(experiments), required=anew, help="this experiment alone")
        store = Store(build_folder() / ("recomputed" if anew else "runs"))
        command.add_argument("--store", type=_store, default=store, metavar="FOLDER")
        if anew:
            command.add_argument("keys", nargs="+", metavar="KEY", help="of a run, or how it begins; pages name them")
        if name == "collect":
            text = "also replace the committed tables and claims in book/results"
            command.add_argument("--replace-committed", action="store_true", help=text)
            continue
        workers = command.add_mutually_exclusive_group()
        text = f"runs at a time: by default as many as usable cores, on a CUDA device at most {PACKED}"
        workers.add_argument("--workers", type=_positive, metavar="N", help=text)
        if name == "run":
            text = "address of a Dask scheduler, as tcp://host:port: its workers do the runs, this process keeps them"
            workers.add_argument("--scheduler", metavar="ADDRESS", help=text)
            text = "such as 90s, 9m or 2h: no run is begun that would not end in time; the same command goes on"
            command.add_argument("--budget", type=_duration, default=math.inf, metavar="TIME", help=text)
    return parser


def _store(text: str) -> Store:
    return Store(Path(text))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _duration(text: str) -> float:
    if not (found := re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)) or not float(found[1]):
        raise argparse.ArgumentTypeError(f"must be a time such as 90s, 9m or 2h, not {text!r}")
    return float(found[1]) * SECONDS[found[2]]


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, not {text!r}")
    return minutes


if __name__ == "__main__":
    from fourierconv.study.experiments import EXPERIMENTS
    from fourierconv.study.protocol_claims import PROTOCOL_CLAIMS

    sys.exit(main(sys.argv[1:], EXPERIMENTS, [*claim_list.CLAIMS, *PROTOCOL_CLAIMS]))
