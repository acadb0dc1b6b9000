"""Measured cells as files and tables: raw rounds, medians with quartiles, provenance."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fourierconv.study.bench import growth, layers, memory
from fourierconv.study.bench.bounds import Bound, Measured, bounds, growth_bounds, layer_bound, memory_bounds
from fourierconv.study.bench.cells import Cell, every
from fourierconv.study.provenance import finished, gather
from fourierconv.study.statistics import Interval
from fourierconv.study.store import StudyError, write_atomically
from fourierconv.study.tables import Row, from_csv, to_csv, write_changed

ROUNDS = ("cell", "contender", "pass", "round", "ms")
TIMES = (
    "cell",
    "batch",
    "in",
    "out",
    "groups",
    "size",
    "kernel",
    "contender",
    "pass",
    "rounds",
    "low",
    "median",
    "high",
)
PER_CELL = ("command", "date", "duration_s")


def read(folder: Path) -> list[dict[str, Any]]:
    """The files of the cells that are there, in the order of the tables."""
    paths = [folder / f"{cell.name}.json" for cell in every()]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def beside(folder: Path, briefly: bool = False) -> dict[str, Any]:
    """What is measured besides the cells, from the file in the folder, or anew; `briefly`, memory in one cell alone."""
    path = folder / "beside.json"
    if not path.exists():
        start = time.perf_counter()
        ratio, seconds = layers.compare()
        peaks = memory.peaks(memory.CELLS[:1], memory.JUDGED) if briefly else memory.peaks()
        grown = growth.series()
        found: dict[str, Any] = {"layers": asdict(ratio), "layer_seconds": seconds, "memory": peaks, "growth": grown}
        found["provenance"] = {**gather(), **finished(time.perf_counter() - start)}
        write_atomically(path, json.dumps(found, indent=1).encode())
    result: dict[str, Any] = json.loads(path.read_text())
    return result


def rounds(found: Sequence[dict[str, Any]]) -> list[Row]:
    """A row per round; a contender over a limit has one, with the limit's name for a time."""
    rows: list[Row] = []
    for own in found:
        for contender, kind, turn, seconds in own["rows"]:
            rows.append(dict(zip(ROUNDS, (own["cell"], contender, kind, turn, 1000 * seconds), strict=True)))
        for contender, limit in own["over"].items():
            rows.append(dict(zip(ROUNDS, (own["cell"], contender, "step", 0, f"over the {limit}"), strict=True)))
    return rows


def times(rows: Sequence[Row], cells: Sequence[Cell]) -> list[Row]:
    """Medians with quartiles in milliseconds, of every cell, contender and pass."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        groups.setdefault((row["cell"], row["contender"], row["pass"]), []).append(row["ms"])
    shapes = {cell.name: (cell.batch, cell.channels, cell.out, cell.groups, cell.size, cell.kernel) for cell in cells}
    table = []
    for (cell, contender, kind), values in groups.items():
        over = isinstance(values[0], str)
        quartiles = (values[0],) * 3 if over else tuple(map(float, np.quantile(values, [0.25, 0.5, 0.75])))
        cells_of = (cell, *shapes[cell], contender, kind, 0 if over else len(values), *quartiles)
        table.append(dict(zip(TIMES, cells_of, strict=True)))
    return table


def write(found: Sequence[dict[str, Any]], folder: Path) -> None:
    """Write rounds.csv, times.csv and provenance.json."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = rounds(found)
    write_changed(folder / "rounds.csv", to_csv(rows, ROUNDS))
    write_changed(folder / "times.csv", to_csv(times(rows, every()), TIMES))
    write_changed(folder / "provenance.json", json.dumps(provenance(found), indent=1) + "\n")


def provenance(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Where cells come from: what they share once, dates, plans and grids of the floor one by one."""
    shared = [{key: value for key, value in own["provenance"].items() if key not in PER_CELL} for own in found]
    return {
        "seconds": sum(own["provenance"]["duration_s"] for own in found),
        "made": [entry for number, entry in enumerate(shared) if entry not in shared[:number]],
        "cells": {
            own["cell"]: {
                **{key: own["provenance"][key] for key in PER_CELL if key in own["provenance"]},
                "plans": own["plans"],
                "floor": own["floor"],
            }
            for own in found
        },
    }


def measured(folder: Path) -> list[Measured]:
    """Cells from the tables that `write` made.

    Raises:
        StudyError: there are none.
    """
    try:
        rows = from_csv((folder / "rounds.csv").read_text())
        plans = json.loads((folder / "provenance.json").read_text())["cells"]
    except FileNotFoundError as error:
        raise StudyError(f"{error.filename} is missing; make it: make bench") from None
    by_name = {cell.name: cell for cell in every()}
    return [
        Measured(by_name[name], steps, over, plans[name]["plans"]["auto"]["engine"])
        for name, (steps, over) in by_cell(rows).items()
    ]


def by_cell(rows: Sequence[Row]) -> dict[str, tuple[dict[str, dict[int, float]], dict[str, str]]]:
    """Per cell, the seconds of steps by contender and round, and which limit contenders are over."""
    found: dict[str, tuple[dict[str, dict[int, float]], dict[str, str]]] = {}
    for row in rows:
        steps, over = found.setdefault(str(row["cell"]), ({}, {}))
        if row["pass"] != "step":
            continue
        if isinstance(row["ms"], str):
            over[str(row["contender"])] = row["ms"].removeprefix("over the ")
        else:
            steps.setdefault(str(row["contender"]), {})[int(row["round"])] = row["ms"] / 1000
    return found


def judge(folder: Path) -> list[Bound]:
    """All bounds, from the files of a folder; those on memory and layers where they were measured."""
    found = bounds(measured(folder))
    path = folder / "beside.json"
    if path.exists():
        own = json.loads(path.read_text())
        found += growth_bounds(own["growth"])
        kept = [row for row in own["memory"] if memory.activations_outweigh(row["cell"])]
        found += [*memory_bounds(kept), layer_bound(Interval(**own["layers"]))]
    return found
