"""Measurements that nobody took: cells whose ratios are known."""

from typing import Any

from fourierconv.study.bench.bounds import OTHERS
from fourierconv.study.bench.cells import Cell, cells

PARTS = ("floor: transform of x", "floor: product (1)")
# seconds of a step relative to 'auto', without what depends on the cell
FACTORS = {"torch": 12.0, "fft-conv-pytorch": 16.0, "torch-fftconv": 20.0, "einsum": 4.0, "whole": 1.5, "tiled": 1.0}
PROVENANCE = {
    "cpu": "abacus", "threads": 2, "torch": "2.0", "date": "2026-01-01T00:00:00+00:00", "duration_s": 60.0
}  # fmt: skip


def time_of(cell: Cell) -> float:
    """Of 'auto': 10 ms per megapixel and channel pair, and nothing for the kernel."""
    return 1e-2 * cell.batch * (cell.size / 64) ** cell.dims * cell.channels * cell.out / cell.groups / 1024


def found(cell: Cell, rounds: int = 3, over: tuple[str, ...] = (), engine: str = "tiled") -> dict[str, Any]:
    """What a process writes: a little noise that all contenders share."""
    rows = []
    for turn in range(rounds):
        for name, factor in {**FACTORS, "auto": 1.0, "direct": 12.0}.items():
            if name not in over:
                seconds = time_of(cell) * factor * (1 + 0.1 * turn)
                rows += [(name, "step", turn, seconds), (name, "forward", turn, seconds / 3)]
        rows += [(part, "step", turn, time_of(cell) * 0.4 * (1 + 0.1 * turn)) for part in PARTS]
    plans = {name: {"engine": engine if name == "auto" else name} for name in ("auto", "whole", "tiled")}
    return {
        "cell": cell.name,
        "rows": rows,
        "over": dict.fromkeys(over, "time"),
        "floor": {"sides": [8, 8], "tiles": 1},
        "plans": plans,
        "provenance": PROVENANCE,
    }


def everything() -> list[dict[str, Any]]:
    """All cells; torch is over the limit at the largest kernels."""
    return [found(cell, over=("torch",) if cell.kernel > 60 else ()) for cell in cells()]


assert set(OTHERS) < set(FACTORS)
