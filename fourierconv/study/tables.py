"""Tidy tables from finished runs: sorted rows of deterministic columns only, with times and provenance in a sidecar.

The same results give the same bytes, whenever and in whatever order they were computed. The sidecar holds the table's
sha256, so that a table that was cut, edited or left behind by a kill is noticed when it is read.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fourierconv.study.provenance import readable
from fourierconv.study.store import Experiment, Result, Store, StudyError, write_atomically

Cell = str | int | float
Row = dict[str, Cell]
# the rest of a run's provenance is summed up as the distinct values of the sweep; not every run has the last two
PER_RUN = ("duration_s", "date", "step_s", "peak_mb")
# each run's own, too, where a sweep's are not the same: times of two machines do not compare
MACHINE = ("cpu", "device", "torch")


@dataclass(frozen=True)
class Table:
    """A table that was read: rows, provenance of its runs, and a banner to show above it ('' where it is current)."""

    rows: list[Row]
    provenance: dict[str, Any]
    banner: str


def tidy(experiment: Experiment, profile: str, results: Iterable[Result]) -> list[Row]:
    """Return the rows of `results`, sorted: the profile, then the experiment's columns in their order; '' for None.

    Raises ValueError for a row of other columns or for a cell that is neither a number nor a text.
    """
    rows = []
    for result in results:
        for row in experiment.rows(result.config, result.metrics):
            if set(row) != set(experiment.columns):
                raise ValueError(f"{experiment.NAME} made a row of {sorted(row)}, not of {experiment.columns}")
            if bad := [name for name, cell in row.items() if not isinstance(cell, str | int | float | None)]:
                raise ValueError(
                    f"{experiment.NAME} made a row whose {bad[0]} is {row[bad[0]]!r}, not one number or text"
                )
            cells = {column: "" if row[column] is None else row[column] for column in experiment.columns}
            rows.append({"profile": profile, **cells})
    return sorted(rows, key=lambda row: [(isinstance(cell, str), cell) for cell in row.values()])


def to_csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Return rows as CSV with floats to six digits.

    >>> print(to_csv([{"method": "window", "seed": 0, "extent": 10 / 3}], ["method", "seed", "extent"]), end="")
    method,seed,extent
    window,0,3.33333
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        cells = [row[column] for column in columns]
        writer.writerow(f"{cell:.6g}" if isinstance(cell, float) else cell for cell in cells)
    return text.getvalue()


def from_csv(text: str) -> list[Row]:
    r"""Return the rows of a CSV, each cell as int, else float, else str. Raises ValueError for a line cut short.

    >>> from_csv("method,seed,extent\nwindow,0,3.5\n")
    [{'method': 'window', 'seed': 0, 'extent': 3.5}]
    """
    columns, *lines = csv.reader(io.StringIO(text))
    return [dict(zip(columns, map(_cell, line), strict=True)) for line in lines]


def collect(experiment: Experiment, profile: str, store: Store, folder: Path) -> Path:
    """Write the table `<folder>/<experiment>.csv` and its sidecar from the profile's runs; return the table's path.

    Raises StudyError where runs of the profile are missing, all of them where the experiment says that its tables are
    `PARTIAL`: then they hold what is finished.
    """
    configs = list(dict.fromkeys(experiment.configs(profile)))
    results = [result for config in configs if (result := store.find(experiment, config)) is not None]
    if len(results) < (1 if getattr(experiment, "PARTIAL", False) else len(configs)):
        count = f"{len(configs) - len(results)} of {len(configs)} runs are missing"
        raise StudyError(f"{experiment.NAME}: {count}; first: python -m fourierconv.study run --profile {profile}")
    text = to_csv(tidy(experiment, profile, results), ("profile", *experiment.columns))
    sidecar = {
        "experiment": experiment.NAME,
        "profile": profile,
        "numerics": experiment.NUMERICS,
        "sha256": _digest(text),
        **_summary(results),
    }
    path, beside = files(experiment, folder)
    write_changed(path, text)
    write_changed(beside, json.dumps(sidecar, indent=1) + "\n")
    return path


def files(experiment: Experiment, folder: Path) -> tuple[Path, Path]:
    """Return the paths of an experiment's table and of the sidecar with its provenance."""
    return folder / f"{experiment.NAME}.csv", folder / f"{experiment.NAME}.provenance.json"


def read(experiment: Experiment, folder: Path) -> Table:
    """Read a table, and say in its banner whether it was made with other numerics than the present ones.

    Raises StudyError where the table or its sidecar is missing, or where they do not belong together.
    """
    path, beside = files(experiment, folder)
    remedy = f"python -m fourierconv.study collect --profile {folder.name}"
    try:
        text, sidecar = path.read_text(), json.loads(beside.read_text())
    except FileNotFoundError as error:
        raise StudyError(f"{error.filename} is missing; make it: {remedy}") from None
    except ValueError:
        raise StudyError(f"{beside} is not whole JSON; make it again: {remedy}") from None
    if sidecar.get("sha256") != _digest(text):
        raise StudyError(f"{path} is not the table that {beside.name} describes; make both again: {remedy}")
    banner = ""
    if sidecar["numerics"] != experiment.NUMERICS:
        banner = (
            f"Made with numerics {sidecar['numerics']}, while the code now has {experiment.NUMERICS}: run it again."
        )
    return Table(from_csv(text), sidecar, banner)


def facts(tables: Mapping[str, Table]) -> dict[str, str]:
    """Return what the book says of the runs: how many, how long they took, and on what hardware."""
    runs = {name: list(runs_of(table.provenance).values()) for name, table in tables.items()}
    every = [run for own in runs.values() for run in own]
    return {
        **{f"runs_{name}": str(len(own)) for name, own in runs.items()},
        **{f"time_{name}": spent(own) for name, own in runs.items()},
        "time": spent(every),
        "hardware": ", ".join(machines(every)),
    }


def machines(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the processors, or the devices, that runs were computed on.

    >>> machines([{"cpu": "abacus", "device": "cpu"}, {"cpu": "abacus", "device": "NVIDIA H200"}])
    ['NVIDIA H200', 'abacus']
    """
    return sorted({run["cpu" if run.get("device", "cpu") == "cpu" else "device"] for run in runs})


def runs_of(sidecar: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a table's sidecar tells of each of its runs, the machine included, by key.

    >>> runs_of({"cpu": ["abacus"], "device": ["cpu"], "runs": {"0f": {"duration_s": 2.0}}})
    {'0f': {'cpu': 'abacus', 'device': 'cpu', 'duration_s': 2.0}}
    """
    shared = {name: sidecar[name][0] for name in MACHINE if len(sidecar.get(name, ())) == 1}
    return {key: shared | own for key, own in sidecar["runs"].items()}


def spent(runs: Iterable[Mapping[str, Any]]) -> str:
    """Say how long runs took, all together, on processors and on CUDA devices that several of them share.

    >>> spent([{"duration_s": 90.0, "device": "cpu"}, {"duration_s": 60.0, "device": "NVIDIA H200"}])
    '90 s of one core and 60 s of a shared GPU'
    """
    seconds = {"one core": 0.0, "a shared GPU": 0.0}
    for run in runs:
        seconds["one core" if run.get("device", "cpu") == "cpu" else "a shared GPU"] += run.get("duration_s", 0.0)
    parts = [f"{readable(own)} of {where}" for where, own in seconds.items() if own]
    return " and ".join(parts) or f"{readable(0.0)} of one core"


def write_changed(path: Path, text: str) -> None:
    """Write `text` atomically, or leave the file and its time stamp alone where it already holds that text."""
    if not path.exists() or path.read_bytes() != text.encode():
        write_atomically(path, text.encode())


def _summary(results: Sequence[Result]) -> dict[str, Any]:
    """Return the sweep's total duration, first and last date, distinct values of the rest, and each run's own."""
    shared = {name for result in results for name in result.provenance} - set(PER_RUN)
    dates = [result.provenance["date"] for result in results]
    several = [name for name in MACHINE if len({result.provenance.get(name) for result in results}) > 1]
    own = (*PER_RUN, *several)
    return {
        "duration_s": sum(result.provenance["duration_s"] for result in results),
        "first_date": min(dates),
        "last_date": max(dates),
        **{name: _distinct(result.provenance.get(name) for result in results) for name in sorted(shared)},
        "runs": {
            result.key: {name: result.provenance[name] for name in own if name in result.provenance}
            for result in results
        },
    }


def _distinct(values: Iterable[Any]) -> list[Any]:
    return sorted(set(values), key=repr)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _cell(text: str) -> Cell:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
