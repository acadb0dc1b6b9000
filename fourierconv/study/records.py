"""Pages of the book on the study itself, as Markdown: where the results come from, and how the notebooks ran.

Both are written from what the files recorded of themselves: the sidecars of book/results, and papermill's metadata.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fourierconv.study import tables
from fourierconv.study.experiments import EXPERIMENTS
from fourierconv.study.provenance import gather, readable
from fourierconv.study.store import Experiment, StudyError
from fourierconv.study.sweep import PROFILES, sweep_of

HOLDS = {
    "beside.json": "memory, growth and whole layers, measured beside the times",
    "bounds.csv": "the bounds that were set beforehand, and whether they hold",
    "claims.csv": "every claim with its value, interval and seeds, computed from the profile's tables",
    "cuda.csv": "time, peak memory and error of every contender on a CUDA device",
    "replaced.csv": "trainings that were made anew at other rates, and are in no table; each row tells how it was made",
    "rounds.csv": "every single measurement",
    "times.csv": "the time of every contender: median and interval of the rounds",
}


def provenance(results: Path) -> str:
    """Markdown on every committed result: a section for each folder, a table for each sidecar.

    Raises StudyError for a file without its sidecar or a sidecar without its file, and for what nothing describes.
    """
    folders = {path.name: path for path in sorted(results.glob("*/"))}
    if not folders:
        raise StudyError(f"{results} holds no results; make them: make results")
    profiles = [name for name in PROFILES if name in folders]
    lines = [line for name in profiles for line in _profile(folders.pop(name))]
    return "\n".join([*lines, *(line for folder in folders.values() for line in _benchmark(folder))])


def _profile(folder: Path) -> Iterator[str]:
    """The tables of a profile, each with a sidecar, and the claims that are computed from them."""
    again = f"make results PROFILE={folder.name}"
    files = {name: tables.files(own, folder) for name, own in EXPERIMENTS.items()}
    yield f"## Profile {folder.name}\n"
    for path in _others(folder, [path for pair in files.values() for path in pair]):
        makes = "" if path.name == "replaced.csv" else f" `{again}` makes it again."
        yield "{}: {}.{}\n".format(*_holds(path), makes)
    for name, pair in files.items():
        if any(path.exists() for path in pair):
            yield f"### {folder.name}: {name.replace('_', ' ')}\n"
            yield from _experiment(EXPERIMENTS[name], folder, again)


def _experiment(experiment: Experiment, folder: Path, again: str) -> Iterator[str]:
    """The table of an experiment in a profile, below a banner where it is of older numerics."""
    path, beside = tables.files(experiment, folder)
    try:
        table = tables.read(experiment, folder)
    except StudyError as error:
        raise StudyError(f"{error}; then, for the committed ones: {again}") from None
    if table.banner:
        yield f"```{{warning}}\n{table.banner}\n```\n"
    made = table.provenance
    with _whole(beside, again):
        done, asked = len(made["runs"]), len(sweep_of(experiment, folder.name))
        yield _table(
            [
                _holds(path, str(experiment.__doc__).splitlines()[0]),
                ("runs", f"all {done}" if done == asked else f"{done} of the {asked} that the profile asks for"),
                *_origin(made, (made["first_date"], made["last_date"])),
                ("run time", f"{tables.spent(tables.runs_of(made).values())}, all runs together"),
                ("made by", _codes(made["command"])),
                ("again", f"`{again}`"),
            ]
        )


def _benchmark(folder: Path) -> Iterator[str]:
    """The files of a benchmark, which share one sidecar."""
    beside = folder / "provenance.json"
    again = f"python -m fourierconv.study {folder.name} --replace-committed"
    sidecar = _read(beside, again)
    yield f"## Benchmark {folder.name}\n"
    with _whole(beside, again):
        made = {name: {entry[name]: None for entry in sidecar["made"] if name in entry} for name in sidecar["made"][0]}
        dates = [cell["date"] for cell in sidecar["cells"].values()]
        yield _table(
            [
                *(_holds(path) for path in _others(folder, [beside])),
                ("runs", f"{len(dates)} cells"),
                *_origin(made, (min(dates), max(dates))),
                ("run time", f"{readable(sidecar['seconds'])} of the machine, all cells together"),
                ("again", f"`{again}`"),
            ]
        )


@contextmanager
def _whole(sidecar: Path, again: str) -> Iterator[None]:
    """A StudyError for what a sidecar lacks."""
    try:
        yield
    except KeyError as error:
        raise StudyError(f"{sidecar} does not tell its {error}; make it again: {again}") from None


def _others(folder: Path, known: Iterable[Path]) -> list[Path]:
    """The files that are not among the known ones; raises StudyError for one that `HOLDS` does not describe."""
    found = sorted({path for path in folder.iterdir() if path.is_file()} - set(known))
    for path in found:
        if path.name not in HOLDS:
            raise StudyError(f"{path}: nothing says what it holds; name it in fourierconv/study/records.py")
    return found


def _holds(path: Path, what: str = "") -> tuple[str, str]:
    """A file, its length and what it holds."""
    size = f"{path.stat().st_size / 1000:.0f} kB"
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            size = f"{sum(1 for _ in csv.reader(file)) - 1} rows"
    return f"`{path.name}`", f"{size}: {what or HOLDS[path.name]}"


def _origin(made: Mapping[str, Iterable[Any]], dates: tuple[str, str]) -> list[tuple[str, str]]:
    """Commits, versions, machines and dates: the distinct ones of all runs."""
    commits = _codes(commit[:12] if commit else "not in git" for commit in made["commit"])
    versions = [f"{name} {', '.join(made[name.lower()])}" for name in ("Python", "torch", "numpy")]
    devices = [device for device in made["device"] if device != "cpu"]
    threads = f"threads: {', '.join(map(str, made['threads']))}"
    return [
        ("commit", commits + (", with changes beyond it" if True in made["dirty"] else "")),
        ("versions", "; ".join(versions)),
        ("hardware", "; ".join([*devices, *made["cpu"], threads])),
        ("system", "; ".join(made["platform"])),
        ("dates", " to ".join(map(_minute, dates))),
    ]


def execution(sources: Path, executed: Path) -> str:
    """Markdown on every notebook of `sources`: run time, date and status of its executed copy, and the machine at hand.

    Raises StudyError where there is no copy, or where it was not executed to its end.
    """
    rows, seconds, how = [], 0.0, set()
    for source in sorted(sources.glob("*.ipynb")):
        metadata, cells = _executed(executed / source.name)
        seconds += metadata["duration"]
        how.add(f"papermill {metadata['version']} with profile {metadata['parameters'].get('profile', 'quick')}")
        took, finished = readable(metadata["duration"]), _minute(metadata["end_time"]).removesuffix(" UTC")
        rows.append(f"| [](notebooks/{source.stem}) | {took} | {finished} | {cells} of {cells} |")
    here = gather()
    machine = f"{here['cpu']}, Python {here['python']}, torch {here['torch']}"
    commit = f"commit `{here['commit'][:12]}`" if here["commit"] else "a copy without git"
    return "\n".join(
        [
            f"Executed by {', '.join(sorted(how))}; {readable(seconds)} in all. The pages were built on {machine},"
            f" from {commit}{' and changes beyond it' if here['dirty'] else ''}.\n",
            "| notebook | run time | finished (UTC) | cells |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _executed(path: Path) -> tuple[dict[str, Any], int]:
    """What papermill recorded of a notebook, and the number of its cells with code, each of which was completed."""
    copy = f"build/notebooks/quick/{path.name}"
    again = f"python -m fourierconv.study.execute notebooks/{path.name} {copy} -p profile quick"
    notebook = _read(path, again)
    code = [cell["metadata"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    done = [metadata.get("papermill", {}).get("status") == "completed" for metadata in code]
    if "papermill" not in notebook["metadata"] or not all(done):
        raise StudyError(f"{path} was not executed to its end; execute it: {again}")
    return notebook["metadata"]["papermill"], len(done)


def _read(path: Path, again: str) -> dict[str, Any]:
    """The mapping in a JSON file; a StudyError names the file and the command that makes it."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path} is missing; make it: {again}") from None
    except ValueError:
        raise StudyError(f"{path} is not whole JSON; make it again: {again}") from None
    return content


def _table(rows: Iterable[tuple[str, str]]) -> str:
    lines = [":::{table}", ":class: provenance", "", "| what | recorded |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {text} |" for name, text in rows), "", ":::", ""])


def _codes(texts: Iterable[str]) -> str:
    return "; ".join(f"`{text}`" for text in texts)


def _minute(date: str) -> str:
    """The minute of an ISO date, which is UTC here.

    >>> _minute("2026-11-23T14:08:01+00:00")
    '2026-11-23 14:08 UTC'
    """
    return f"{date[:10]} {date[11:16]} UTC"
