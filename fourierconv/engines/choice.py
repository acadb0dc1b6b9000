"""Which engine computes a convolution: a deterministic function of its shapes, dtype and device, and what it expects.

The expectation is a cost model: times of transforms, products and direct convolutions are proportional to counts of
elements, operations and bytes, with constants that were measured on one machine per kind of device; `costs.json` holds
them and says how they were made. Only their ratios matter to the choice.
"""

import json
import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import product
from typing import Any

import torch

from fourierconv.eager import constant_when_compiled
from fourierconv.engines.taps import can_transform
from fourierconv.engines.tiles import Tiles
from fourierconv.grid import Axis, tiled
from fourierconv.separable import LONG

NAMES = ("auto", "whole", "tiled", "direct", "triton")
_MEASURED = json.loads(files("fourierconv.engines").joinpath("costs.json").read_text())
COSTS: dict[str, dict[str, float]] = {kind: entry["constants"] for kind, entry in _MEASURED.items()}
# How much longer a pixel takes in transforms of a length than in others, by kind of device, where that was measured.
LENGTHS: dict[str, dict[int, float]] = {
    kind: {int(length): cost for length, cost in entry.get("lengths", {}).items()} for kind, entry in _MEASURED.items()
}

ADDRESSED = 2**31  # pixels of an image's tiles: within them Triton's kernels count with 32 bits


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
        refusal: why Triton's kernels cannot compute it; None where they can.
        tf32: whether torch's own convolution may round its factors to TF32.
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
    refusal: str | None = "its kernels run on CUDA devices"
    tf32: bool = False


@dataclass(frozen=True)
class Plan:
    """A way to compute a case.

    Attributes:
        engine: 'whole', 'tiled', 'direct' or 'triton', whose tiles are those of 'whole' or 'tiled'.
        axes: how the kernels lie; of 'direct', on the extended image.
        tiles: how images are cut; None for 'direct'.
        by_fft: whether the kernels' spectra are transforms of their taps, and not products with a basis.
    """

    engine: str
    axes: tuple[Axis, ...]
    tiles: Tiles | None
    by_fft: bool = False

    @property
    def last(self) -> bool:
        """Whether spectra have their frequencies last in memory, and not first."""
        return self.engine == "triton"


def choose(case: Case, name: str) -> Plan:
    """The plan of the engine of that name, 'auto' being any, that is expected to take the least time.

    Raises:
        ValueError: an engine that cannot serve the case, with the reason.
    """
    if not torch.compiler.is_compiling():
        return _remembered(case, name)
    found = _compiled(_packed(case), name)
    if isinstance(found, str):
        raise ValueError(found)
    engine, axes, tiles, by_fft = found
    return Plan(engine, tuple(Axis(*own) for own in axes), None if tiles is None else Tiles(*tiles), by_fft)


def candidates(case: Case, name: str) -> list[Plan]:
    """The plans of an engine, or of any for 'auto', by their expected time.

    Raises:
        ValueError: an engine that cannot serve the case, with the reason.
    """
    return sorted(_able(case, name), key=lambda plan: expected_time(case, plan))


@lru_cache(maxsize=4096)
def _remembered(case: Case, name: str) -> Plan:
    return candidates(case, name)[0]


# Compiled code gets its plan from plain Python, which has it in a hundredth of a second; to trace the search takes a
# minute. What is handed over are constants: tuples of numbers.


def _packed(case: Case) -> tuple[Any, ...]:
    """A case as nested tuples of constants, in which symbols of sizes have become numbers."""
    return (
        *map(operator.index, (case.batch, case.groups, case.inner, case.out)),
        tuple(map(operator.index, case.points)),
        tuple(map(_numbers, case.whole)),
        None if case.linear is None else tuple(map(_numbers, case.linear)),
        tuple(map(operator.index, case.columns)),
        operator.index(case.itemsize),
        *(case.kind, case.mirrored, case.refusal, case.tf32),
    )


def _numbers(axis: Axis) -> tuple[Any, ...]:
    low, high = axis.span
    return (
        *map(operator.index, (axis.first, axis.last, axis.grid, axis.size, axis.start, axis.step, axis.stride)),
        None if axis.reads is None else tuple(map(operator.index, axis.reads)),
        axis.folds,
        (operator.index(low), operator.index(high)),
        operator.index(axis.lead),
    )


def _unpacked(packed: tuple[Any, ...]) -> Case:
    case = Case(*packed)
    linear = None if case.linear is None else tuple(Axis(*own) for own in case.linear)  # type: ignore[misc]
    return replace(case, whole=tuple(Axis(*own) for own in case.whole), linear=linear)  # type: ignore[misc]


@constant_when_compiled
def _compiled(packed: tuple[Any, ...], name: str) -> tuple[Any, ...] | str:
    """The fields of the plan, packed, or why there is none."""
    try:
        plan = _remembered(_unpacked(packed), name)
    except ValueError as error:
        return str(error)
    tiles = plan.tiles
    cut = None if tiles is None else (tiles.grid, tiles.step, tiles.count, tiles.lead)
    return plan.engine, tuple(map(_numbers, plan.axes)), cut, plan.by_fft


def forget() -> None:
    """Choose anew, when constants have changed."""
    _remembered.cache_clear()


def _able(case: Case, name: str) -> list[Plan]:
    """The plans of an engine, or of any for 'auto'."""
    reason = _refused(case, name)
    if reason is not None:
        raise ValueError(f"engine={name!r} cannot compute this: {reason}; 'whole' and 'auto' can")
    plans = list(_plans(case))
    of_name = [plan for plan in plans if name in ("auto", plan.engine)]
    if name == "tiled":
        of_name = [plan for plan in of_name if plan.tiles is not None and plan.tiles.rows > 1] or of_name
    return of_name or plans[:1]


def _refused(case: Case, name: str) -> str | None:
    """Why an engine cannot serve."""
    if name == "triton":
        return case.refusal
    if name not in ("tiled", "direct"):
        return None
    if case.linear is None:
        return "kernels do not end, or reach around a circular or reflected image"
    if name == "direct" and any(axis.folds for axis in case.linear):
        return "kernels reach around the image, and taps that meet on a pixel are added up"
    return None


def _plans(case: Case) -> Iterator[Plan]:
    """First that of the whole grid, which computes everything."""
    whole = [(axis, n, 1) for axis, n in zip(case.whole, case.points, strict=True)]
    yield from _with_spectra(case, "whole", whole)
    if case.linear is None:
        return
    if case.whole == case.linear:  # then a longer grid only adds zeros
        longer = [(replace(axis, grid=_faster(axis.grid, case.kind)), n, 1) for axis, n, _ in whole]
        if longer != whole:
            yield from _with_spectra(case, "whole", longer)
    if not any(axis.folds or axis.last < axis.first for axis in case.linear):
        yield Plan("direct", case.linear, None)
    axes = zip(case.linear, case.points, strict=True)
    for way in product(*(_ways(axis, n, case.mirrored, case.kind) for axis, n in axes)):
        yield from _with_spectra(case, "tiled", way)


def _with_spectra(case: Case, engine: str, way: Sequence[tuple[Axis, int, int]]) -> Iterator[Plan]:
    axes = tuple(axis for axis, _, _ in way)
    tiles = Tiles.along(way)
    plan = Plan(engine, axes, tiles)
    plans = [plan]
    if case.linear is not None and can_transform(axes) and all(map(same_taps, axes, case.linear)):
        plans.append(replace(plan, by_fft=True))
    yield from plans
    if case.refusal is None and math.prod((*tiles.grid, *tiles.count)) < ADDRESSED:
        yield from (replace(plan, engine="triton") for plan in plans)


def same_taps(one: Axis, other: Axis) -> bool:
    """Whether taps lie as far apart, and as far from the output, whatever the grid."""
    return (one.first, one.last, one.start, one.step) == (other.first, other.last, other.start, other.step)


def _ways(axis: Axis, points: int, mirrored: bool, kind: str) -> list[tuple[Axis, int, int]]:
    """Tilings of an axis: from one tile to tiles that a kernel fills by half."""
    if axis.last < axis.first:
        return [(axis, points, 1)]
    low, high = axis.reach
    ways: dict[int, tuple[Axis, int, int]] = {}
    outputs = points
    while outputs > 0 and not (ways and outputs < max(high - low, 8)):
        way = tiled(axis, points, outputs, mirrored)
        length = _faster(way[0].grid, kind)
        if length > way[0].grid:
            way = tiled(axis, points, length - (high - low), mirrored)
        ways.setdefault(way[0].grid, way)
        count = -(-points // max(outputs - 1, 1))  # the least that makes them fewer
        outputs = -(-points // count) if outputs > 1 else 0
    return list(ways.values())


def _cost(length: int, kind: str) -> float:
    """Of a transform of this length, relative to others."""
    return length * _slowness(length, kind)


def _slowness(length: int, kind: str) -> float:
    return LENGTHS.get(kind, {}).get(length, 1.0)


def _faster(length: int, kind: str) -> int:
    """The length of at least this one whose transforms are expected to take the least time."""
    return min((length, *(own for own in LENGTHS.get(kind, {}) if own > length)), key=lambda own: _cost(own, kind))


# --- expected times, in seconds, of a training step ---


def expected_time(case: Case, plan: Plan) -> float:
    """Of a forward and a backward pass."""
    kind = "cuda" if plan.engine == "triton" else case.kind
    time = sum(_constant(kind, name) * number for name, number in counts(case, plan).items())
    return time * case.itemsize / 4  # float64 takes twice as long


def _constant(kind: str, name: str) -> float:
    return COSTS.get(kind, COSTS["cpu"])[name]


def counts(case: Case, plan: Plan) -> dict[str, float]:
    """What the time of a plan is proportional to, by the name of the constant in `costs.json`."""
    if plan.tiles is None:
        return _direct(case, plan.axes)
    kernels = _by_fft(case, plan.tiles) if plan.by_fft else _by_basis(case, plan.axes, plan.tiles)
    own = {"step": 1, **_images(_in_phases(case, plan.axes), plan.tiles), **kernels}
    if plan.engine == "triton":
        own.pop("product", None)  # of all frequencies in one kernel
        if plan.by_fft:
            own.pop("spectrum")  # in which pixels of transforms have their part
        else:
            own["generated"] = 1  # by many small kernels
        return {f"triton_{name}": number for name, number in own.items()}
    return own


def _in_phases(case: Case, axes: Sequence[Axis]) -> Case:
    """A sequence's phases count as channels. Those of images do not: their choices are part of the study's results."""
    return replace(case, inner=case.inner * axes[0].stride) if len(axes) == 1 else case


def _images(case: Case, tiles: Tiles) -> dict[str, float]:
    rows = case.batch * tiles.rows
    pixels = rows * _pixels(tiles, case.kind) * case.groups * (case.inner + case.out)
    depth = math.log2(max(math.prod(tiles.grid), 2))
    transforms = {"pixel": pixels, "pixel_depth": pixels * depth}
    frequencies = tiles.frequencies * case.groups
    numbers = frequencies * (rows * (case.inner + case.out) + case.inner * case.out)
    if case.inner == case.out == 1:
        return {**transforms, "number_elementwise": numbers}
    products = frequencies * rows * case.inner * case.out
    return {**transforms, "product": frequencies, "multiplication": products, "number": numbers}


def _by_fft(case: Case, tiles: Tiles) -> dict[str, float]:
    kernels = case.groups * case.inner * case.out
    return {"transformed": kernels * _pixels(tiles, case.kind), "spectrum": kernels * tiles.frequencies}


def _pixels(tiles: Tiles, kind: str) -> float:
    """Of a tile, each as often as its transform takes longer than others."""
    slowness = [_cost(length, kind) / length for length in tiles.grid]
    return math.prod(tiles.grid) * sum(slowness) / len(slowness)


def _by_basis(case: Case, axes: Sequence[Axis], tiles: Tiles) -> dict[str, float]:
    """From coefficients to spectra, one axis after the other, and back."""
    lengths = list(case.columns)
    kernels = case.groups * case.inner * case.out
    if len(axes) == 1 and not can_transform(axes) and axes[0].stride * tiles.half[0] * case.columns[0] > LONG:
        phases = kernels * axes[0].stride  # no such matrix is made
        return {"transformed": phases * _pixels(tiles, case.kind), "spectrum": phases * tiles.half[0]}
    multiplications = 0
    for number in reversed(range(len(lengths))):
        rows = axes[number].stride * tiles.half[number]
        multiplications += kernels * math.prod(lengths) * rows
        lengths[number] = rows
    return {"basis": multiplications, "spectrum": kernels * math.prod(lengths)}


def _direct(case: Case, axes: Sequence[Axis]) -> dict[str, float]:
    taps = [axis.last - axis.first + 1 for axis in axes]
    outputs = case.batch * case.groups * case.out * math.prod(case.points)
    length = "short" if max(taps) <= 4 else "middle" if max(taps) <= 14 else "long"
    if case.inner == case.out == 1:
        name = f"tap_depthwise_{length}"  # multiplied without tensor cores: TF32 changes nothing
    else:
        kind = "few" if min(case.inner, case.out) < 16 else "dense"
        name = f"tap_{kind}_{length}" + "_tf32" * case.tf32
    return {"call": 1, "output": outputs, name: outputs * case.inner * math.prod(taps)}
