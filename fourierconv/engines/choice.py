"""Which engine computes a convolution: a deterministic function of its shapes, dtype and device, and what it expects.

The expectation is a cost model: times of transforms, products and direct convolutions are proportional to counts of
elements, operations and bytes, with constants that were measured on one machine per kind of device; `costs.json` holds
them and says how they were made. Only their ratios matter to the choice.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import product

import torch

from fourierconv.engines.tiles import Tiles
from fourierconv.grid import Axis, tiled

NAMES = ("auto", "whole", "tiled", "direct")
COSTS: dict[str, dict[str, float]] = {
    kind: entry["constants"]
    for kind, entry in json.loads(files("fourierconv.engines").joinpath("costs.json").read_text()).items()
}
PER_AXIS = 6  # tilings that are considered per axis


@dataclass(frozen=True)
class Case:
    """What the choice depends on.

    Attributes:
        batch: images.
        groups: of channels.
        inner, out: channels of a group.
        points: outputs of a phase, per axis.
        whole: the axes of the whole image.
        linear: the axes of the linear correlation that tiles and taps need, or None where there is none.
        columns: coefficients per axis.
        itemsize: bytes of a pixel.
        kind: of device.
        mirrored: whether it is a transposed convolution.
    """

    batch: int
    groups: int
    inner: int
    out: int
    points: tuple[int, ...]
    whole: tuple[Axis, ...]
    linear: tuple[Axis, ...] | None
    columns: tuple[int, ...]
    itemsize: int
    kind: str
    mirrored: bool = False


@dataclass(frozen=True)
class Plan:
    """A way to compute a case.

    Attributes:
        engine: 'whole', 'tiled' or 'direct'.
        axes: how the kernels lie; of 'direct', on the extended image.
        tiles: how images are cut; None for 'direct'.
    """

    engine: str
    axes: tuple[Axis, ...]
    tiles: Tiles | None


def choose(case: Case, name: str) -> Plan:
    """The plan of the engine of that name, 'auto' being the one of least expected time.

    Raises:
        ValueError: an engine that cannot serve the case, with the reason.
    """
    plan = _choose if torch.compiler.is_compiling() else _remembered
    return plan(case, name)


def _choose(case: Case, name: str) -> Plan:
    reason = _refused(case, name)
    if reason is not None:
        raise ValueError(f"engine={name!r} cannot compute this: {reason}; 'whole' and 'auto' can")
    plans = list(_plans(case))
    of_name = [plan for plan in plans if name in ("auto", plan.engine)]
    if name == "tiled":
        of_name = [plan for plan in of_name if plan.tiles is not None and plan.tiles.rows > 1] or of_name
    return min(of_name or plans[:1], key=lambda plan: expected_time(case, plan))


_remembered = lru_cache(maxsize=4096)(_choose)


def _refused(case: Case, name: str) -> str | None:
    """Why an engine cannot serve."""
    if name not in ("tiled", "direct"):
        return None
    if case.linear is None:
        return "kernels do not end, or reach around a circular or reflected image"
    if name == "direct" and any(axis.folds for axis in case.linear):
        return "kernels reach around the image, and taps that meet on a pixel are added up"
    return None


def _plans(case: Case) -> Iterator[Plan]:
    yield Plan(
        "whole", case.whole, Tiles.along([(axis, n, 1) for axis, n in zip(case.whole, case.points, strict=True)])
    )
    if case.linear is None:
        return
    if not any(axis.folds or axis.last < axis.first for axis in case.linear):
        yield Plan("direct", case.linear, None)
    ways = [_ways(axis, n, case.mirrored) for axis, n in zip(case.linear, case.points, strict=True)]
    for way in product(*ways):
        yield Plan("tiled", tuple(axis for axis, _, _ in way), Tiles.along(way))


def _ways(axis: Axis, points: int, mirrored: bool) -> list[tuple[Axis, int, int]]:
    """Tilings of an axis: from one tile to tiles that a kernel fills by half."""
    if axis.last < axis.first:
        return [(axis, points, 1)]
    low, high = axis.reach
    ways: dict[int, tuple[Axis, int, int]] = {}
    for count in range(1, points + 1):
        outputs = -(-points // count)
        if ways and outputs < max(high - low, 8):
            break
        way = tiled(axis, points, outputs, mirrored)
        ways.setdefault(way[0].grid, way)
    return list(ways.values())


# --- expected times, in seconds, of a training step ---


def expected_time(case: Case, plan: Plan) -> float:
    """Of a forward and a backward pass."""
    costs = COSTS.get(case.kind, COSTS["cpu"])
    wide = case.itemsize / 4  # float64 takes twice as long
    if plan.tiles is None:
        return wide * _direct(case, plan.axes, costs)
    return wide * _spectral(case, plan.axes, plan.tiles, costs)


def _spectral(case: Case, axes: Sequence[Axis], tiles: Tiles, costs: dict[str, float]) -> float:
    rows = case.batch * tiles.rows
    pixels = rows * math.prod(tiles.grid)
    channels = case.groups * (case.inner + case.out)
    depth = math.log2(max(math.prod(tiles.grid), 2))
    time = 2 * channels * pixels * (costs["transform"] + costs["transform_log"] * depth)
    frequencies = tiles.frequencies * case.groups
    numbers = frequencies * (rows * (case.inner + case.out) + case.inner * case.out)
    if case.inner == case.out == 1:
        time += 3 * costs["elementwise"] * numbers
    else:
        multiplications = frequencies * rows * case.inner * case.out
        time += 3 * (costs["product"] * frequencies + costs["multiply"] * multiplications + costs["number"] * numbers)
    return time + _kernels(case, axes, tiles, costs)


def _kernels(case: Case, axes: Sequence[Axis], tiles: Tiles, costs: dict[str, float]) -> float:
    """From coefficients to spectra and back."""
    lengths = list(case.columns)
    kernels = case.groups * case.inner * case.out
    multiplications = 0
    for axis in reversed(range(len(lengths))):
        rows = axes[axis].stride * tiles.half[axis]
        multiplications += kernels * math.prod(lengths) * rows
        lengths[axis] = rows
    return costs["basis"] * multiplications + costs["spectrum"] * kernels * math.prod(lengths)


def _direct(case: Case, axes: Sequence[Axis], costs: dict[str, float]) -> float:
    taps = [axis.last - axis.first + 1 for axis in axes]
    outputs = case.batch * case.groups * case.out * math.prod(case.points)
    operations = outputs * case.inner * math.prod(taps)
    longest = max(taps)
    kind = "depthwise" if case.inner == case.out == 1 else "few" if min(case.inner, case.out) < 16 else "dense"
    size = "short" if longest <= 4 else "middle" if longest <= 14 else "long"
    return costs["call"] + operations * costs[f"direct_{kind}_{size}"] + outputs * costs["output"]
