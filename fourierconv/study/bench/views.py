"""What the chapter on costs shows of the benchmark: its tables, with the words that say where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from fourierconv.study import frames
from fourierconv.study.bench.bounds import Bound, Measured, ratio
from fourierconv.study.bench.contenders import PACKAGES
from fourierconv.study.bench.growth import exponents
from fourierconv.study.provenance import readable
from fourierconv.study.store import repository_root

HARDWARE = ("gpu", "cpu", "threads", "torch")
MADE = {  # by the name of a folder, what makes its tables again
    name: f" Made by make {command}."
    for name, command in {
        "bench": "bench",
        "bench_check": "bench-check",
        "gpu": "gpu",
        "sequences": "bench",
    }.items()
}
ENGINES = ("direct", "whole", "tiled")
SLOWER = 1.1  # times as long: from there on a choice is shown as missed
HOLDS = {True: "yes", False: "no", None: "not measured"}


def committed(name: str = "bench") -> Path:
    """The folder of committed tables: 'bench' and 'sequences' have a CPU's, 'gpu' those of a CUDA device."""
    return repository_root() / "book" / "results" / name


def note(folder: Path) -> str:
    """Hardware, software, dates and time of the measurements in a folder."""
    provenance = json.loads((folder / "provenance.json").read_text())
    made = provenance["made"]
    keys = {name: ", ".join(sorted({str(entry[name]) for entry in made if name in entry})) for name in HARDWARE}
    hardware = keys["gpu"] or f"{keys['cpu']}, {keys['threads']} threads"
    dates = sorted(own["date"][:10] for own in provenance["cells"].values())
    when = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    count = f"{len(provenance['cells'])} cells in {readable(provenance['seconds'])}"
    return f"{hardware}, torch {keys['torch']}, {when}, {count}.{MADE.get(folder.name, '')}"


def table(frame: pd.DataFrame, folder: Path, digits: int = 2) -> HTML:
    """A frame with the note of its folder below."""
    body = frame.to_html(index=False, border=0, float_format=f"{{:.{digits}f}}".format, justify="left")
    return HTML(f"{body}\n<p><small>{note(folder)}</small></p>")


def stamp(figure: Figure, folder: Path) -> Figure:
    """Write the note on a figure; returns the figure."""
    return frames.stamp(figure, note(folder), "")


def bounds(found: Sequence[Bound]) -> pd.DataFrame:
    """What was asked for, what was measured, and whether it holds."""
    rows: list[dict[str, Any]] = [
        {"what must hold": own.statement, "measured": own.shown, "holds": HOLDS[own.holds]} for own in found
    ]
    return pd.DataFrame(rows)


def growth(cells: Sequence[Measured], names: Sequence[str]) -> pd.DataFrame:
    """Exponents of the training step's time, with their standard errors, a row per contender."""
    rows = []
    for name in names:
        found = exponents(cells, name)
        rows.append({"contender": name, **{own.factor: f"{own.value:.2f} ± {own.error:.2f}" for own in found}})
    return pd.DataFrame(rows)


def choice(cells: Sequence[Measured]) -> pd.DataFrame:
    """Where the chosen engine took `SLOWER` times as long as another, both asked for by name: medians of a step."""
    rows = []
    for own in cells:
        best = own.fastest(ENGINES)
        if own.middle(own.engine) > SLOWER * own.middle(best):
            ms = [f"{1000 * own.middle(name):.0f} ms" for name in (own.engine, best)]
            rows.append(
                {"cell": own.cell.name, "chosen": own.engine, "step": ms[0], "fastest": best, "its step": ms[1]}
            )
    return pd.DataFrame(rows, columns=["cell", "chosen", "step", "fastest", "its step"])


def sequences(cells: Sequence[Measured]) -> pd.DataFrame:
    """The step of the chosen engine in every cell, and how many times as long the others take, or more than that."""
    rows = []
    for own in cells:
        packages = own.fastest(PACKAGES)
        others = {"torch": "torch", "faster package": packages, "einsum": "einsum"}
        rows.append(
            {
                "cell": own.cell.name,
                "engine": own.engine,
                "step": f"{1000 * own.middle('auto'):.1f} ms",
                **{label: _times_as_long(own, name) for label, name in others.items()},
            }
        )
    return pd.DataFrame(rows)


def _times_as_long(own: Measured, name: str) -> str:
    if own.over.get(name) == "memory":
        return "over the memory"
    factor = math.exp(ratio(own, name, "auto").mean)
    more = "over " if name in own.over else ""
    return f"{more}{factor:.1f}" if factor < 10 else f"{more}{factor:,.0f}"


def memory(folder: Path) -> pd.DataFrame:
    """Peak memory and time of a step per cell and way, and the memory as a multiple of torch's."""
    rows = pd.DataFrame(json.loads((folder / "beside.json").read_text())["memory"])
    torch = rows[rows["way"] == "torch"].set_index("cell")["step"]
    rows["times torch's"] = rows["step"] / rows["cell"].map(torch)
    return rows.rename(columns={"step": "MB"})[["cell", "way", "MB", "times torch's", "ms"]]
