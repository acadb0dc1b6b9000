"""The constants of the engines' cost model, from timed training steps on this machine."""

import argparse
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls
from torch import Tensor

from fourierconv import functional
from fourierconv.engines import choice, dispatch
from fourierconv.engines.choice import Case, Plan, candidates, choose, counts, expected_time
from fourierconv.engines.measured import step_times
from fourierconv.grid import fast_length
from fourierconv.study.bench import clock, floor
from fourierconv.study.bench.cells import Cell
from fourierconv.study.gpu.ways import settings
from fourierconv.study.provenance import finished, gather
from fourierconv.study.tables import from_csv

TILINGS = 3  # plans with tiles that are timed per case
LONGEST = 2.0  # seconds: plans that are expected to take longer are left out
ROUNDS = 3
WARMING = 2
SHORTEST, LARGEST = 24, 320  # lengths of transforms that are timed
PIXELS = {"cpu": 2**21, "cuda": 2**25}  # of a batch of images, all channels, by kind of device
ROUNDED = [f"tap_{kind}_{length}" for kind in ("dense", "few") for length in ("short", "middle", "long")]  # by TF32

CHANNELS = ((3, 32, 1), (8, 8, 1), (16, 16, 1), (32, 32, 1), (32, 64, 1), (64, 64, 1), (256, 256, 1), (64, 64, 64))
SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 256)
KERNELS = (1, 3, 5, 7, 9, 11, 13, 15, 17, 21, 27, 31, 45, 63)


@dataclass(frozen=True)
class Timed:
    """A plan of a case, and the median of its training steps in seconds."""

    case: Case
    plan: Plan
    seconds: float


def shapes(number: int, seed: int, kind: str = "cpu") -> Iterator[tuple[int, int, int, int, int, int]]:
    """So many different (batch, in, out, groups, size, kernel), drawn from those that fit."""
    fitting = [
        (max(PIXELS[kind] // (max(ci, co) * n * n), 1), ci, co, groups, n, k)
        for ci, co, groups in CHANNELS
        for n in SIZES
        for k in KERNELS
        if k <= n and ci * co // groups * n * n <= 2**25
    ]
    return iter(random.Random(seed).sample(fitting, number))


def time_shape(batch: int, inner: int, out: int, groups: int, n: int, k: int, kind: str = "cpu") -> Iterator[Timed]:
    """Times of the plans of one shape: whole, direct, and the tilings that are expected to be fast.

    On a CUDA device direct convolutions are timed twice, the second time with TF32; the others multiply in float32.
    """
    images, taps = torch.randn(batch, inner, n, n, device=kind), torch.randn(out, inner // groups, k, k, device=kind)
    filters = functional._filters((n, n), (n, n), (k, k), [-(k // 2)] * 2, (1, 1), (1, 1), "zeros")

    def run(plan: Plan, images: Tensor, taps: Tensor) -> Tensor:
        return dispatch.compute(images, taps, plan, filters, groups, "zeros", recompute=False)

    for tf32 in (False, True) if kind == "cuda" else (False,):
        with settings(tf32):
            case = dispatch.case_of(images, taps, filters, groups)
            plans = [plan for plan in _chosen(case, tf32) if expected_time(case, plan) < LONGEST]
            steps = [step_times(plan, run, images, taps, ROUNDS) for plan in plans]
        yield from (Timed(case, plan, statistics.median(own)) for plan, own in zip(plans, steps, strict=True))


def _chosen(case: Case, tf32: bool) -> list[Plan]:
    if tf32:
        return [choose(case, "direct")]
    plans = candidates(case, "auto")
    tiled = [plan for plan in plans if plan.engine == "tiled" and plan.tiles is not None and plan.tiles.rows > 1]
    by_fft = [plan for plan in tiled if plan.by_fft]
    chosen = [plan for plan in plans if plan.engine in ("whole", "direct")]
    chosen += tiled[:TILINGS] + [plan for plan in by_fft[:1] if plan not in tiled[:TILINGS]]
    return chosen + [replace(plan, engine="triton") for plan in chosen if plan.tiles is not None and not case.refusal]


def lengths(kind: str) -> dict[int, float]:
    """How long a pixel takes in transforms of even lengths, forth and back, relative to the median of all lengths."""
    times = {}
    for length in range(SHORTEST, LARGEST + 1, 2):
        if 2 * fast_length(length // 2) == length:
            images = torch.randn(max(PIXELS[kind] // length**2, 1), length, length, device=kind)
            work = partial(_there_and_back, images)
            own = [clock.seconds(work, device=kind) for _ in range(WARMING + ROUNDS)]
            times[length] = statistics.median(own[WARMING:]) / images.numel()
    middle = statistics.median(times.values())
    return {length: float(f"{time / middle:.3g}") for length, time in times.items()}


def _there_and_back(images: Tensor) -> Tensor:
    return torch.fft.irfft2(torch.fft.rfft2(images), s=images.shape[-2:])


def read(table: Path) -> list[Timed]:
    """The direct engine's training steps without TF32, from the table of the CUDA benchmark."""
    timed = []
    for row in from_csv(table.read_text()):
        if (row["contender"], row["pass"]) == ("direct", "step") and row["median"]:
            names = ("batch", "in", "out", "groups", "size", "kernel")
            case = replace(floor.case_of(Cell(str(row["cell"]), *(int(row[name]) for name in names))), kind="cuda")
            timed.append(Timed(case, choose(case, "direct"), float(row["median"]) / 1000))
    return timed


def fit(timed: list[Timed], known: Mapping[str, float] | None = None) -> dict[str, float]:
    """Constants that are not negative, by least squares of the relative error, spectra and taps apart.

    Args:
        timed: what was measured.
        known: constants that are not to be found, by name.
    """
    known = known or {}
    constants: dict[str, float] = {}
    for direct in (False, True):
        own = [row for row in timed if (row.plan.tiles is None) == direct]
        tables = [counts(row.case, row.plan) for row in own]
        names = sorted({name for table in tables for name in table} - known.keys())
        if not names:
            continue
        matrix = np.array([[table.get(name, 0.0) for name in names] for table in tables])
        seconds = np.array([row.seconds for row in own])
        matrix = matrix / seconds[:, None]
        scale = matrix.max(0)
        expected = np.array([sum(known.get(name, 0.0) * number for name, number in table.items()) for table in tables])
        found, _ = nnls(matrix / scale, 1 - expected / seconds)
        constants |= {name: float(f"{value:.3g}") for name, value in zip(names, found / scale, strict=True)}
    return constants


def errors(timed: list[Timed], constants: dict[str, float]) -> dict[str, list[float]]:
    """Expected over measured time, by engine."""
    ratios: dict[str, list[float]] = {}
    for row in timed:
        expected = sum(constants.get(name, 0.0) * number for name, number in counts(row.case, row.plan).items())
        ratios.setdefault(row.plan.engine + " tf32" * row.case.tf32, []).append(expected / row.seconds)
    return ratios


def refit(entry: Mapping[str, Any], table: Path) -> dict[str, Any]:
    """A device's entry in the file, with direct convolutions without TF32 as a table of the CUDA benchmark has them.

    Where the table has none of a kind, they are expected to take as long as with TF32.
    """
    start, constants = time.perf_counter(), entry["constants"]
    known = {name: value for name, value in constants.items() if name not in ROUNDED}
    timed = [row for row in read(table) if not counts(row.case, row.plan).keys() <= known.keys()]
    found = fit(timed, known)
    missing = {name: constants[f"{name}_tf32"] for name in ROUNDED if name not in found}
    made = {"table": str(table), "steps": len(timed), "as_with_tf32": list(missing)}
    made |= {**gather(), **finished(time.perf_counter() - start)}
    _report(timed, known | found)
    return {**entry, "made_without_tf32": made, "constants": known | found | missing}


def _report(timed: list[Timed], constants: dict[str, float]) -> None:
    for engine, ratios in sorted(errors(timed, constants).items()):
        low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
        print(f"{engine}: expected / measured {middle:.2f}, 80 % within {low:.2f} to {high:.2f}, of {len(ratios)}")


def main(arguments: list[str] | None = None) -> None:
    """Time, fit, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=math.inf, help="after which no other shape is timed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", choices=PIXELS, default="cpu")
    parser.add_argument("--output", type=Path, default=Path("fourierconv/engines/costs.json"))
    parser.add_argument("--table", type=Path, help="the CUDA benchmark's: for direct convolutions without TF32, alone")
    asked = parser.parse_args(arguments)
    kinds = json.loads(asked.output.read_text()) if asked.output.exists() else {}
    kinds[asked.device] = refit(kinds[asked.device], asked.table) if asked.table else measure(asked)
    asked.output.write_text(json.dumps(kinds, indent=1) + "\n")


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """A device's entry, timed here."""
    start, timed = time.perf_counter(), []
    found: dict[str, Any] = {}
    if asked.device == "cuda":  # elsewhere lengths differ less
        found["lengths"] = choice.LENGTHS["cuda"] = lengths("cuda")
        choice.forget()
    for number, shape in enumerate(shapes(asked.shapes, asked.seed, asked.device), 1):
        if time.perf_counter() - start > asked.seconds:
            break
        for row in time_shape(*shape, asked.device):
            timed.append(row)
            print(
                f"[{number}/{asked.shapes}] {shape} {row.plan.engine} {row.seconds:.4f} s", file=sys.stderr, flush=True
            )
    constants = fit(timed)
    _report(timed, constants)
    made = {
        "steps": len(timed),
        **gather(),
        **finished(time.perf_counter() - start),
    }
    if asked.device == "cuda":
        made["gpu"] = torch.cuda.get_device_name()
    return {"made": made, "constants": constants, **found}


if __name__ == "__main__":
    main()
