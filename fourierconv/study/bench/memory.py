"""Peak memory and time of a training step, in processes of their own, beside one that holds the same tensors."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import FourierConv2d
from fourierconv.engines.choice import choose
from fourierconv.study.bench.cells import Cell, cell
from fourierconv.study.bench.floor import case_of
from fourierconv.study.store import StudyError

CELLS = ("32to32-256px-k11", "32to32-128px-k21", "depthwise64-128px-k31", "64to64-64px-k11")
STEPS = 5
JUDGED = ("torch", "auto", "recompute")
WAYS = (*JUDGED, "kept", "whole", "tiled")
# 'recompute': 'auto', transforming images again; 'kept': 'auto', glibc keeping the memory that is free
KEEPING = {"MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_MMAP_THRESHOLD_": "4000000000"}


def activations_outweigh(name: str) -> bool:
    """Whether input and output take more memory than the spectra of kernels do, as 'auto' computes the cell.

    >>> activations_outweigh("depthwise64-128px-k31"), activations_outweigh("64to64-64px-k11")
    (True, False)
    """
    own = cell(name)
    plan = choose(case_of(own), "auto")
    frequencies = 0 if plan.tiles is None else plan.tiles.frequencies
    spectra = 8 * own.channels // own.groups * own.out * frequencies
    return 4 * own.batch * (own.channels + own.out) * own.size**2 > spectra


def peaks(names: Sequence[str] = CELLS, ways: Sequence[str] = WAYS) -> list[dict[str, str | float]]:
    """Per cell and way, megabytes at the peak of a training step above the process that only holds its tensors.

    `ms` is the median of a few steps after it, of processes that did not take turns.

    Raises:
        StudyError: a process that failed.
    """
    rows: list[dict[str, str | float]] = []
    for name in names:
        for way in ways:
            held, peak = (_process(name, way, work) for work in ("hold", "step"))
            used = peak["peak"] - held["peak"]
            rows.append({"cell": name, "way": way, "held": held["peak"], "step": used, "ms": peak["ms"]})
    return rows


def _process(name: str, way: str, work: str) -> dict[str, float]:
    command = [sys.executable, "-m", "fourierconv.study.bench.memory", name, way, work]
    environment = os.environ | (KEEPING if way == "kept" else {})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StudyError(f"{' '.join(command[1:])}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def step(own: Cell, way: str, images: Tensor, taps: Tensor, along: Tensor) -> None:
    """One training step: outputs, and both gradients."""
    if way == "torch":
        outputs, weights = F.conv2d(images, taps, padding=own.padding, groups=own.groups), taps
    else:
        layer = FourierConv2d(
            own.channels,
            own.out,
            own.kernel,
            padding=own.padding,
            groups=own.groups,
            bias=False,
            device="meta",
            engine="auto" if way in ("recompute", "kept") else way,
            recompute=way == "recompute",
        )
        layer.coefficients = torch.nn.Parameter(taps.detach())
        outputs, weights = layer(images), layer.coefficients
    torch.autograd.grad(outputs, (images, weights), along)


def main(name: str, way: str, work: str) -> None:
    """Print the peak of this process in megabytes, and milliseconds of a step."""
    own = cell(name)
    small = Cell("small", 1, own.groups, own.groups, own.groups, 16, 3)
    step(small, way, *_tensors(small))  # libraries and threads
    tensors = _tensors(own)
    times = []
    for _ in range(STEPS if work == "step" else 0):
        start = time.perf_counter()
        step(own, way, *tensors)
        times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"peak": _peak(), "ms": statistics.median(times) if times else 0.0}))


def _peak() -> float:
    """Of this program, in megabytes; getrusage would count what its parent held when it was started, too."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def _tensors(own: Cell) -> tuple[Tensor, Tensor, Tensor]:
    images = torch.randn(own.batch, own.channels, own.size, own.size, requires_grad=True)
    taps = torch.randn(own.out, own.channels // own.groups, own.kernel, own.kernel, requires_grad=True)
    return images, taps, torch.randn(own.batch, own.out, own.size, own.size)


if __name__ == "__main__":
    main(*sys.argv[1:])
