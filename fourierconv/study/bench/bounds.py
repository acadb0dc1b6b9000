"""What the engines must reach, measured: paired ratios of interleaved rounds, with their 95 % intervals."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from fourierconv.study.bench.cells import Cell
from fourierconv.study.bench.contenders import PACKAGES
from fourierconv.study.bench.run import SECONDS
from fourierconv.study.statistics import Interval, interval
from fourierconv.study.tables import Row

OTHERS = ("torch", *PACKAGES, "einsum")
LEAST = 0.005  # seconds: steps that are shorter are not judged


@dataclass(frozen=True)
class Measured:
    """A cell with its times.

    Attributes:
        cell: its shape.
        steps: by contender, by round, seconds of a training step.
        over: contenders over the limits, with which one: 'time' or 'memory'.
        engine: that 'auto' chose.
        limit: seconds that a step may take.
    """

    cell: Cell
    steps: Mapping[str, Mapping[int, float]]
    over: Mapping[str, str]
    engine: str
    limit: float = SECONDS

    def middle(self, name: str) -> float:
        """Median of a contender's steps; infinite over the memory, the limit over the time."""
        if name in self.over:
            return self.limit if self.over[name] == "time" else math.inf
        return median(self.steps[name].values())

    def fastest(self, names: Iterable[str]) -> str:
        """The contender whose median step is the shortest."""
        return min(names, key=self.middle)

    @property
    def floor(self) -> dict[int, float]:
        """Seconds of all parts of the floor, by round; none where it was not measured."""
        parts = [steps for name, steps in self.steps.items() if name.startswith("floor: ")]
        return {turn: sum(steps[turn] for steps in parts) for turn in parts[0]} if parts else {}


@dataclass(frozen=True)
class Bound:
    """One of the bounds: its value, what must hold of it, and whether it does, None where it was not measured."""

    statement: str
    shown: str
    holds: bool | None

    @property
    def verdict(self) -> str:
        """In one word."""
        return {True: "holds", False: "MISSED", None: "open"}[self.holds]


def logarithms(one: Mapping[int, float], other: Mapping[int, float]) -> Interval:
    """The logarithm of one / other in the rounds that both have.

    >>> logarithms({0: 2.0, 1: 2.0}, {0: 1.0, 1: 1.0}).mean == math.log(2)
    True
    """
    return interval([math.log(one[turn] / other[turn]) for turn in sorted(one.keys() & other.keys())])


def ratio(measured: Measured, one: str, other: str) -> Interval:
    """The logarithm of the ratio of two contenders' steps; of one over a limit, that limit's, without interval."""
    if one in measured.over or other in measured.over:
        value = math.log(measured.middle(one) / measured.middle(other))
        return Interval(value, value, value, 0.0, 1)
    return logarithms(measured.steps[one], measured.steps[other])


def geometric_mean(ratios: Sequence[Interval]) -> Interval:
    """Over cells, whose errors are independent: mean and interval, no longer logarithms.

    >>> geometric_mean([Interval(math.log(2), 0, 0, 0, 3), Interval(math.log(8), 0, 0, 0, 3)]).mean
    4.0
    """
    mean = sum(own.mean for own in ratios) / len(ratios)
    half = math.sqrt(sum(((own.high - own.low) / 2) ** 2 for own in ratios)) / len(ratios)
    return Interval(round(math.exp(mean), 12), math.exp(mean - half), math.exp(mean + half), half, len(ratios))


def judged(cells: Iterable[Measured]) -> list[Measured]:
    """Cells whose steps by 'auto' take long enough."""
    return [own for own in cells if own.middle("auto") >= LEAST]


def bounds(cells: Sequence[Measured]) -> list[Bound]:
    """All bounds on times of cells, in the order of the requirements; those of which no cell speaks are left out."""
    kept = judged(cells)
    found = [
        _no_slower(kept),
        _mean("kernels of 11 and more: fastest other / auto", kept, _others, lambda c: c.kernel >= 11, least=2.5),
        _mean("kernels of 21 and more: torch / auto", kept, _torch, lambda c: c.kernel >= 21, least=10),
        _mean("faster FFT package / auto", kept, _packages, lambda c: True, least=8),
        *_floors(kept),
    ]
    return [bound for bound in found if bound is not None]


def memory_bounds(rows: Sequence[Row]) -> list[Bound]:
    """Peak memory of a step beside that of torch's; of cells where activations outweigh the spectra of kernels."""
    steps: dict[str, dict[str, float]] = {}
    for row in rows:
        steps.setdefault(str(row["cell"]), {})[str(row["way"])] = float(row["step"])
    found = []
    for way, most in (("auto", 2.5), ("recompute", 1.6)):
        ratios = {name: own[way] / own["torch"] for name, own in steps.items()}
        worst = max(ratios, key=lambda name: ratios[name])
        shown = f"{ratios[worst]:.2f} at {worst}, of {len(ratios)} cells"
        statement = f"peak memory where activations outweigh spectra of kernels, {way} / torch: at most {most}"
        found.append(Bound(statement, shown, ratios[worst] <= most))
    return found


def growth_bounds(rows: Sequence[Row]) -> list[Bound]:
    """How the faster FFT engine's time grows with the kernel, from 3 taps to the image, and with the image's side."""
    times: dict[str, dict[tuple[int, int], float]] = {}
    for row in rows:
        own = times.setdefault(str(row["series"]), {})
        key = int(row["size"]), int(row["kernel"])
        own[key] = min(float(row["seconds"]), own.get(key, math.inf))
    span = max(times["kernel"].values()) / min(times["kernel"].values())
    images = [time for _, time in sorted(times["image"].items())]
    doubled = max(large / small for small, large in pairwise(images))
    return [
        Bound(
            "kernels from 3 to the image, as many images as channels: dearest / cheapest FFT step at most 3",
            f"{span:.2f}",
            span <= 3,
        ),
        Bound("image side doubled: at most 4.5", f"{doubled:.2f}, the largest of {len(images) - 1}", doubled <= 4.5),
    ]


def layer_bound(found: Interval) -> Bound:
    """Time of a 'scaled' layer of an extent of 11 pixels beside that of a 'spatial' one of 11×11 taps."""
    return Bound("scaled at an extent of 11 px / spatial 11×11: at most 1.3", show(found), math.exp(found.mean) <= 1.3)


def _others(own: Measured) -> Interval:
    return ratio(own, own.fastest(OTHERS), "auto")


def _torch(own: Measured) -> Interval:
    return ratio(own, "torch", "auto")


def _packages(own: Measured) -> Interval:
    return ratio(own, own.fastest(PACKAGES), "auto")


def _no_slower(cells: Sequence[Measured]) -> Bound | None:
    if not cells:
        return None
    worse = {own.cell.name: ratio(own, "auto", own.fastest(OTHERS)) for own in cells}
    slower = [name for name, found in worse.items() if math.exp(found.low) > 1.05]
    name, worst = max(worse.items(), key=lambda item: item[1].low)
    other, largest = max(worse.items(), key=lambda item: item[1].mean)
    shown = f"{show(worst)} at {name}; {len(slower)} of {len(cells)} cells above"
    if other != name:
        shown += f"; largest estimate {show(largest)} at {other}"
    return Bound("auto / fastest other, the cell whose interval begins highest: not above 1.05", shown, not slower)


def _mean(
    what: str,
    cells: Sequence[Measured],
    of: Callable[[Measured], Interval],
    where: Callable[[Cell], bool],
    least: float,
) -> Bound | None:
    ratios = [of(own) for own in cells if where(own.cell)]
    if not ratios:
        return None
    mean = geometric_mean([own for own in ratios if math.isfinite(own.mean)])
    smallest = math.exp(min(own.mean for own in ratios))
    shown = f"{mean.mean:.2f} [{mean.low:.2f}, {mean.high:.2f}], {mean.n} cells, smallest {smallest:.2f}"
    return Bound(f"{what}: geometric mean at least {least:g}", shown, mean.mean >= least)


def _floors(cells: Sequence[Measured]) -> list[Bound | None]:
    ratios = {own.cell.name: logarithms(own.steps["auto"], own.floor) for own in cells if own.engine != "direct"}
    if not ratios:
        return []
    mean = geometric_mean(list(ratios.values()))
    name, worst = max(ratios.items(), key=lambda item: item[1].mean)
    return [
        Bound(
            "auto / floor, where an FFT engine serves: geometric mean at most 1.5",
            f"{mean.mean:.2f} [{mean.low:.2f}, {mean.high:.2f}], {mean.n} cells",
            mean.mean <= 1.5,
        ),
        Bound("auto / floor, the worst cell: at most 2.5", f"{show(worst)} at {name}", math.exp(worst.mean) <= 2.5),
    ]


def show(found: Interval) -> str:
    """The interval of a logarithm as that of the ratio."""
    return f"{math.exp(found.mean):.2f} [{math.exp(found.low):.2f}, {math.exp(found.high):.2f}]"
