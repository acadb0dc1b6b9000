"""Files of the CUDA benchmark: what was measured so far, from which everything else is made; tables; provenance."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fourierconv.study.bench import results as bench
from fourierconv.study.bench.bounds import Measured
from fourierconv.study.bench.cells import Cell
from fourierconv.study.store import StudyError, write_atomically
from fourierconv.study.tables import Row, from_csv, to_csv, write_changed

STATE = "cells.json"  # of the folder; the other files are made from it
COMMITTED = ("cuda.csv", "rounds.csv", "provenance.json", "bounds.csv")
COLUMNS = (*bench.TIMES, "peak_mb", "error")
BOUNDS = ("statement", "verdict", "measured")
LIMIT = 2.0  # seconds that a pass may take


def load(folder: Path) -> dict[str, Any]:
    """What the folder holds: cells by name; contenders that ended the process, by cell; the checks' outcome."""
    path = folder / STATE
    if not path.exists():
        return {"cells": {}, "excluded": {}, "checks": None}
    state: dict[str, Any] = json.loads(path.read_text())
    return state


def save(folder: Path, state: Mapping[str, Any]) -> None:
    """Keep it, and write the tables."""
    write_atomically(folder / STATE, json.dumps(state).encode())
    found = list(state["cells"].values())
    rows = [row for own in found for row in rounds(own)]
    table = bench.times(rows, [Cell(**own["shape"]) for own in found])
    write_changed(folder / "rounds.csv", to_csv(rows, bench.ROUNDS))
    write_changed(folder / "cuda.csv", to_csv(list(_finished(table, state["cells"])), COLUMNS))
    provenance = bench.provenance(found) | {"checks": state["checks"]}
    for own in found:
        provenance["cells"][own["cell"]]["not_tuned"] = own["not_tuned"]
    write_changed(folder / "provenance.json", json.dumps(provenance, indent=1) + "\n")


def rounds(own: Mapping[str, Any]) -> list[Row]:
    """A row per round of a cell, the sum of the floor's parts among them; whatever failed has one with the reason."""
    rows = bench.rounds([dict(own)])
    sums: dict[int, float] = {}
    for contender, _, turn, seconds in own["rows"]:
        if contender.startswith("floor: "):
            sums[turn] = sums.get(turn, 0.0) + 1000 * seconds
    added: list[tuple[str, str, int, float | str]] = [("floor", "step", turn, ms) for turn, ms in sums.items()]
    added += [("bytes", kind, 0, ms) for kind, ms in bytes_floor(own).items()]
    added += [(name, "step", 0, reason) for name, reason in own["failed"].items()]
    return rows + [dict(zip(bench.ROUNDS, (own["cell"], *values), strict=True)) for values in added]


def bytes_floor(own: Mapping[str, Any]) -> dict[str, float]:
    """Milliseconds in which the device copies as much: every input read once, every output written once."""
    cell = Cell(**own["shape"])
    size = cell.size + 2 * cell.padding - cell.kernel + 1
    images = cell.batch * cell.channels * cell.size**2
    outputs = cell.batch * cell.out * size**2
    taps = cell.out * cell.channels // cell.groups * cell.kernel**2
    rate = own["provenance"]["bandwidth"] / 1000
    return {"forward": 4 * (images + taps + outputs) / rate, "step": 4 * 2 * (images + taps + outputs) / rate}


def _finished(table: Iterable[Row], cells: Mapping[str, Any]) -> Iterable[Row]:
    """Rows with the peak of a step in megabytes and the outputs' relative error, where they were measured."""
    for row in table:
        own, name = cells[str(row["cell"])], row["contender"]
        peak, error = own["memory"].get(name), own["error"].get(name, "")
        yield {**row, "peak_mb": "" if peak is None or row["pass"] != "step" else peak / 1e6, "error": error}


def measured(folder: Path) -> tuple[list[Measured], dict[tuple[str, str], float]]:
    """Cells, and megabytes at the peak of a step by cell and contender, from the tables; none where there are none."""
    try:
        table = from_csv((folder / "cuda.csv").read_text())
        rows = from_csv((folder / "rounds.csv").read_text())
    except FileNotFoundError:
        return [], {}
    shapes = {str(row["cell"]): Cell(str(row["cell"]), *(int(row[name]) for name in bench.TIMES[1:7])) for row in table}
    memory = {(str(row["cell"]), str(row["contender"])): row["peak_mb"] for row in table if row["peak_mb"] != ""}
    return [Measured(shapes[name], *own, engine="", limit=LIMIT) for name, own in bench.by_cell(rows).items()], {
        key: float(value) for key, value in memory.items()
    }


def replace_committed(folder: Path, committed: Path) -> list[Path]:
    """Copy the tables over the committed ones; returns these.

    Raises:
        StudyError: there are none, or those of a rehearsal.
    """
    state = load(folder)
    if not state["cells"]:
        raise StudyError(f"{folder / STATE} holds no cell; make it where there is a CUDA device: make gpu")
    if any("gpu" not in own["provenance"] for own in state["cells"].values()):
        raise StudyError(f"{folder / STATE} was measured without a GPU, to rehearse; only a GPU's times are committed")
    for name in COMMITTED:
        if (folder / name).exists():
            write_changed(committed / name, (folder / name).read_text())
    return [committed / name for name in COMMITTED if (committed / name).exists()]
