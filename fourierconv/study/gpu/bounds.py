"""What the layers must reach on CUDA, from the tables: paired ratios of rounds with their 95 % intervals."""

import math
from collections.abc import Callable, Mapping, Sequence

from fourierconv.study.bench.bounds import Bound, Measured, geometric_mean, ratio, show
from fourierconv.study.bench.cells import Cell
from fourierconv.study.bench.contenders import SUBQUADRATIC
from fourierconv.study.statistics import Interval

BFLOAT16 = ("torch bf16", "torch bf16 channels_last")
GRID = 11  # taps of the cells that span images and channels

Where = Callable[[Cell], bool]


def bounds(cells: Sequence[Measured], memory: Mapping[tuple[str, str], float]) -> list[Bound]:
    """All of them, in the order of the requirements; those of which no cell speaks are not measured.

    Args:
        cells: measured cells.
        memory: megabytes at the peak of a step, by cell and contender.
    """
    return [
        _worst(
            "64→64, 128 px, kernels of 9 and more: auto / torch, both with TF32: below 1",
            [_ratio(own, "auto tf32", ["torch tf32"]) for own in _of(cells, lambda c: _column(c) and c.kernel >= 9)],
            lambda worst: worst.high < 1,
        ),
        _worst(
            "64→64, 128 px, kernels of 15 and more: auto with TF32 / torch in bf16: below 1",
            [_ratio(own, "auto tf32", BFLOAT16) for own in _of(cells, lambda c: _column(c) and c.kernel >= 15)],
            lambda worst: worst.high < 1,
        ),
        _worst(
            "dense: auto / einsum, the worst cell: interval not above 1",
            [_ratio(own, "auto", ["einsum"]) for own in _of(cells, _dense)],
            lambda worst: worst.low <= 1,
        ),
        _mean(
            f"dense, images and channels of 32 to 256, kernels of {GRID}: einsum / auto: geometric mean at least 2.5",
            [_ratio(own, "einsum", ["auto"]) for own in _of(cells, lambda c: _dense(c) and c.kernel == GRID)],
        ),
        _worst(
            "64→64, 128 px: auto / floor, the worst cell: at most 2",
            [_ratio(own, "auto", ["floor"]) for own in _of(cells, _column)],
            lambda worst: worst.mean <= 2,
        ),
        _worst(
            "depthwise up to 64 px: auto / nvSubquadratic, the worst cell: at most 1.1",
            [_ratio(own, "auto", [SUBQUADRATIC]) for own in _of(cells, lambda c: _depthwise(c) and c.size <= 64)],
            lambda worst: worst.mean <= 1.1,
        ),
        _beyond(_of(cells, lambda c: _depthwise(c) and c.size > 64)),
        _memory(_of(cells, _dense), memory),
    ]


def _column(cell: Cell) -> bool:
    return cell.channels == cell.out == 64 and cell.groups == 1 and cell.size == 128 and cell.batch == 32


def _dense(cell: Cell) -> bool:
    return cell.channels == cell.out and cell.groups == 1 and min(cell.size, cell.channels) >= 32


def _depthwise(cell: Cell) -> bool:
    return cell.groups == cell.channels == cell.out


def _of(cells: Sequence[Measured], where: Where) -> list[Measured]:
    return [own for own in cells if where(own.cell)]


Found = tuple[str, Interval]  # a cell and the logarithm of a ratio there


def _ratio(own: Measured, one: str, others: Sequence[str]) -> Found | None:
    """One contender beside the fastest of others; None where either has no time."""
    known = [name for name in others if _timed(own, name)]
    if not known or not _timed(own, one):
        return None
    return own.cell.name, ratio(own, one, own.fastest(known))


def _timed(own: Measured, name: str) -> bool:
    """Whether there is a time, be it the limit's."""
    return name in own.steps or own.over.get(name) == "time"


def _worst(statement: str, found: Sequence[Found | None], holds: Callable[[Interval], bool]) -> Bound:
    """Bound of the largest ratio, given to `holds` as a ratio."""
    known = [own for own in found if own is not None]
    if not known:
        return _not_measured(statement)
    name, worst = max(known, key=lambda own: own[1].mean)
    limits = Interval(math.exp(worst.mean), math.exp(worst.low), math.exp(worst.high), worst.sd, worst.n)
    return Bound(statement, f"{show(worst)} at {name}, of {len(known)} cells", holds(limits))


def _mean(statement: str, found: Sequence[Found | None]) -> Bound:
    known = [own[1] for own in found if own is not None]
    if not known:
        return _not_measured(statement)
    mean = geometric_mean(known)
    smallest = math.exp(min(own.mean for own in known))
    shown = f"{mean.mean:.2f} [{mean.low:.2f}, {mean.high:.2f}], {mean.n} cells, smallest {smallest:.2f}"
    return Bound(statement, shown, mean.mean >= 2.5)


def _beyond(cells: Sequence[Measured]) -> Bound:
    statement = "depthwise beyond 64 px: computed"
    if not cells:
        return _not_measured(statement)
    computed = [own for own in cells if "auto" in own.steps]
    return Bound(statement, f"{len(computed)} of {len(cells)} cells", len(computed) == len(cells))


def _memory(cells: Sequence[Measured], memory: Mapping[tuple[str, str], float]) -> Bound:
    statement = "dense: peak memory of a step, auto / einsum, the worst cell: at most 0.5"
    keys = {own.cell.name: [(own.cell.name, name) for name in ("auto", "einsum")] for own in cells}
    ratios = {name: memory[a] / memory[b] for name, (a, b) in keys.items() if a in memory and b in memory}
    if not ratios:
        return _not_measured(statement)
    worst = max(ratios, key=lambda name: ratios[name])
    return Bound(statement, f"{ratios[worst]:.2f} at {worst}, of {len(ratios)} cells", ratios[worst] <= 0.5)


def _not_measured(statement: str) -> Bound:
    return Bound(statement, "not measured", None)
