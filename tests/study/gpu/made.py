"""A benchmark on a device that nobody has: times in ratios that are known."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fourierconv.study.bench.cells import Cell, cells
from fourierconv.study.bench.contenders import takes_part

CELLS = cells("fourierconv.study.gpu")
PARTS = ("floor: transform of x", "floor: product (1)")
# seconds of a step relative to 'auto tf32'
FACTORS = {
    "torch": 8.0, "torch tf32": 4.0, "torch bf16": 3.0, "torch bf16 channels_last": 2.0,
    "einsum": 6.0, "einsum tf32": 5.0, "auto": 1.5, "auto tf32": 1.0, "whole": 3.0, "whole tf32": 2.0,
}  # fmt: skip
SUBQUADRATIC = {"nvSubquadratic": 1.4, "nvSubquadratic bf16": 1.0}  # where it takes part
MEMORY = {"einsum": 800e6, "auto": 300e6}
PROVENANCE = {
    "gpu": "abacus", "cpu": "beads", "threads": 1, "torch": "2.0", "bandwidth": 1e12,
    "date": "2026-01-01T00:00:00+00:00", "duration_s": 6.0,
}  # fmt: skip


def found(
    cell: Cell,
    factors: Mapping[str, float] | None = None,
    over: Mapping[str, str] | None = None,
    memory: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What is kept of a cell; `factors` and `memory` replace some, `over` takes contenders away."""
    rows: list[tuple[str, str, int, float]] = []
    over = over or {}
    known = {**FACTORS, **(SUBQUADRATIC if takes_part("nvSubquadratic", cell) else {}), **(factors or {})}
    every = {name: factor for name, factor in known.items() if name not in over}
    for turn in range(3):
        for name, factor in every.items():
            seconds = 1e-3 * factor * (1 + 0.1 * turn)
            rows += [(name, "forward", turn, seconds / 3), (name, "step", turn, seconds)]
        rows += [(part, "step", turn, 0.5e-3 * (1 + 0.1 * turn)) for part in PARTS]
    return {
        "cell": cell.name,
        "shape": asdict(cell),
        "rows": rows,
        "over": dict(over),
        "failed": {"torch-fftconv": "not installed"},
        "memory": {name: size for name, size in {**MEMORY, **(memory or {})}.items() if name not in over},
        "error": dict.fromkeys(every, 1e-6),
        "not_tuned": [],
        "floor": {"sides": [8, 8], "tiles": 1},
        "plans": {"auto": {"engine": "whole"}},
        "provenance": PROVENANCE,
    }


def state(chosen: list[Cell] | None = None, **changes: Any) -> dict[str, Any]:
    """Of a benchmark; of all cells where none are named."""
    chosen = CELLS if chosen is None else chosen
    return {"cells": {cell.name: found(cell, **changes) for cell in chosen}, "excluded": {}, "checks": None}
