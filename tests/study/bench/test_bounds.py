"""The bounds: measured on ratios that are known, met or missed where they should be."""

import math

import pytest

from fourierconv.study.bench.bounds import (
    Measured,
    bounds,
    geometric_mean,
    growth_bounds,
    judged,
    layer_bound,
    logarithms,
    memory_bounds,
    ratio,
)
from fourierconv.study.bench.cells import Cell, cells
from fourierconv.study.statistics import Interval
from fourierconv.study.tables import Row
from tests.study.bench.made import FACTORS, PARTS, time_of

ROUNDS = range(3)


def measured(
    cell: Cell, factors: dict[str, float] | None = None, over: dict[str, str] | None = None, engine: str = "tiled"
) -> Measured:
    """Steps in ratios that are known; `factors` replace some."""
    over = over or {}
    every = {**FACTORS, "auto": 1.0, **dict.fromkeys(PARTS, 0.4), **(factors or {})}
    steps = {
        name: {turn: time_of(cell) * factor * (1 + 0.1 * turn) for turn in ROUNDS}
        for name, factor in every.items()
        if name not in over
    }
    return Measured(cell, steps, over, engine)


ALL = [measured(cell) for cell in cells()]


def shown(found: list[Measured]) -> dict[str, tuple[bool | None, str]]:
    return {own.statement.partition(":")[0]: (own.holds, own.shown) for own in bounds(found)}


def test_all_bounds_are_measured() -> None:
    found = shown(ALL)
    assert [name.partition(",")[0] for name in found] == [
        "auto / fastest other", "kernels of 11 and more", "kernels of 21 and more", "faster FFT package / auto",
        "auto / floor", "auto / floor",
    ]  # fmt: skip
    assert all(holds for holds, _ in found.values())
    assert found["kernels of 11 and more"][1].startswith("4.00 [4.00, 4.00]")
    assert found["kernels of 21 and more"][1].startswith("12.00 [")
    assert found["faster FFT package / auto"][1].startswith("16.00 [")
    assert found["auto / floor, where an FFT engine serves"][1].startswith("1.25 [")


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("auto / fastest other, the cell whose interval begins highest", {"einsum": 0.9}),
        ("kernels of 11 and more", {"einsum": 2.4}),
        ("kernels of 21 and more", {"torch": 9.0}),
        ("faster FFT package / auto", {"torch-fftconv": 7.0}),
        ("auto / floor, where an FFT engine serves", dict.fromkeys(PARTS, 0.3)),
        ("auto / floor, the worst cell", dict.fromkeys(PARTS, 0.19)),
    ],
)
def test_a_bound_that_is_missed_is_said_to_be(name: str, factors: dict[str, float]) -> None:
    found = shown([measured(cell, factors) for cell in cells()])
    assert not found[name][0]


@pytest.mark.parametrize(
    ("by_kernel", "by_image", "shown", "holds"),
    [
        ((1.0, 2.0, 2.9), (1.0, 4.0, 17.0), ["2.90", "4.25, the largest of 2"], [True, True]),
        ((1.0, 2.0, 3.1), (1.0, 5.0, 17.0), ["3.10", "5.00, the largest of 2"], [False, False]),
    ],
)
def test_growth_is_that_of_the_faster_engine(
    by_kernel: tuple[float, ...], by_image: tuple[float, ...], shown: list[str], holds: list[bool]
) -> None:
    rows: list[Row] = []
    for slower, engine in ((1.0, "whole"), (2.0, "tiled")):
        for kernel, seconds in zip((3, 7, 15), by_kernel, strict=True):
            rows.append(
                {"series": "kernel", "kernel": kernel, "size": 64, "engine": engine, "seconds": slower * seconds}
            )
        for size, seconds in zip((32, 64, 128), by_image, strict=True):
            rows.append({"series": "image", "kernel": 11, "size": size, "engine": engine, "seconds": slower * seconds})
    found = growth_bounds(rows)
    assert [own.shown for own in found] == shown
    assert [own.holds for own in found] == holds


def test_one_slow_cell_is_named() -> None:
    found = [measured(own, {"einsum": 0.5 if own.name == "32to32-64px-k7" else 4.0}) for own in cells()]
    holds, text = shown(found)["auto / fastest other, the cell whose interval begins highest"]
    assert not holds
    assert text == "2.00 [2.00, 2.00] at 32to32-64px-k7; 1 of 60 cells above"


def test_over_the_time_the_limit_counts_and_over_the_memory_nothing() -> None:
    own = measured(cells()[0], over={"torch": "time", "einsum": "memory"})
    assert own.middle("torch") == 20.0
    assert own.middle("einsum") == math.inf
    assert own.fastest(["torch", "einsum", "fft-conv-pytorch"]) == "fft-conv-pytorch"
    assert ratio(own, "torch", "auto").mean == pytest.approx(math.log(20.0 / own.middle("auto")))


def test_the_floor_counts_where_an_fft_engine_serves() -> None:
    every = [measured(own, engine="direct" if own.kernel < 9 else "whole") for own in cells()]
    count = sum(own.kernel >= 9 for own in cells())
    assert f"{count} cells" in shown(every)["auto / floor, where an FFT engine serves"][1]


def test_short_steps_are_not_judged() -> None:
    short, long = Cell("short", 1, 1, 1, 1, 64, 3), Cell("long", 1, 32, 32, 1, 64, 3)
    assert [own.cell for own in judged([measured(short), measured(long)])] == [long]


def test_ratios_are_paired() -> None:
    one, other = {0: 2.0, 1: 20.0, 2: 4.0}, {0: 1.0, 1: 10.0, 2: 2.0, 3: 5.0}
    found = logarithms(one, other)
    assert found.mean == pytest.approx(math.log(2))
    assert found.high - found.low == pytest.approx(0, abs=1e-12)


def test_intervals_of_cells_are_combined() -> None:
    narrow, wide = Interval(0.0, -0.3, 0.3, 0.1, 3), Interval(0.0, -0.4, 0.4, 0.1, 3)
    found = geometric_mean([narrow, wide])
    assert (found.mean, found.low) == pytest.approx((1.0, math.exp(-0.25)))


@pytest.mark.parametrize(("auto", "recompute", "holds"), [(2.4, 1.5, [True, True]), (2.6, 1.7, [False, False])])
def test_memory_is_compared_with_torchs(auto: float, recompute: float, holds: list[bool]) -> None:
    rows = [
        {"cell": cell, "way": way, "step": 100.0 * times}
        for cell in ("one", "other")
        for way, times in (("torch", 1.0), ("auto", auto if cell == "other" else 1.0), ("recompute", recompute))
    ]
    found = memory_bounds(rows)
    assert [own.holds for own in found] == holds
    assert found[0].shown == f"{auto:.2f} at other, of 2 cells"


@pytest.mark.parametrize(("mean", "holds"), [(1.2, True), (1.4, False)])
def test_the_layers_are_compared(mean: float, holds: bool) -> None:
    value = math.log(mean)
    assert layer_bound(Interval(value, value - 0.1, value + 0.1, 0.1, 15)).holds == holds
