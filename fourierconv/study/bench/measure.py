"""Times of one cell, in a process of its own. Contenders take turns: what else a machine does meets all of them."""

import json
import resource
import sys
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import torch
from torch import Tensor

from fourierconv.engines.choice import choose
from fourierconv.study.bench import floor
from fourierconv.study.bench.cells import Cell, cell
from fourierconv.study.bench.clock import Work, seconds
from fourierconv.study.bench.contenders import Convolution, contender
from fourierconv.study.provenance import finished, gather

MEMORY = 8 * 2**30  # bytes that a contender may take beyond what is there before
SECONDS = 8.0  # for the rounds of a cell
ROUNDS = (3, 12)  # at least, at most
LONG = 1.5  # seconds of a step: such contenders take part in the least number of rounds only

Inputs = tuple[Tensor, Tensor, Tensor]  # images, taps, the gradient of outputs


def inputs(own: Cell) -> Inputs:
    """Normal draws."""
    n, k, size = ((side,) * own.dims for side in (own.size, own.kernel, own.size + 2 * own.padding - own.kernel + 1))
    images = torch.randn(own.batch, own.channels, *n, requires_grad=True)
    taps = torch.randn(own.out, own.channels // own.groups, *k, requires_grad=True)
    return images, taps, torch.randn(own.batch, own.out, *size)


def passes(own: Cell, convolution: Convolution, sets: Sequence[Inputs] = ()) -> dict[str, Work]:
    """A forward pass without gradients, and a training step: forward and both gradients; sets of inputs take turns.

    >>> sorted(passes(cell("32to32-32px-k3"), contender("torch", cell("32to32-32px-k3"))))
    ['forward', 'step']
    """
    turns = cycle(sets or [inputs(own)])

    def forward() -> object:
        images, taps, _ = next(turns)
        with torch.no_grad():
            return convolution(images, taps)

    def step() -> object:
        images, taps, along = next(turns)
        return torch.autograd.grad(convolution(images, taps), (images, taps), along)

    return {"forward": forward, "step": step}


def main(name: str, output: Path, names: list[str]) -> None:
    """Measure, saying on stdout what is being tried, for whoever has to end it; write a JSON file."""
    torch.manual_seed(0)
    start = time.perf_counter()
    own = cell(name)
    over: dict[str, str] = {}
    first: dict[str, float] = {}
    tried: dict[str, dict[str, Work]] = {}
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    for number in names:
        print(f"try {number}", flush=True)
        try:
            tried[number] = passes(own, contender(number, own))
            tried[number]["step"]()
            first[number] = seconds(tried[number]["step"])
        except (RuntimeError, MemoryError) as error:
            if "alloc" not in str(error) and "memory" not in str(error):
                raise
            over[number] = "memory"
            tried.pop(number)
    print("rounds", flush=True)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)  # the floor's arrays are nobody's step
    total = sum(first.values()) * 1.5
    rounds = int(min(max(SECONDS / total, ROUNDS[0]), ROUNDS[1]))
    rows: list[tuple[str, str, int, float]] = []
    least = floor.least(own)
    assert least is not None
    grid, parts = least
    for turn in range(rounds):
        for number, own_passes in tried.items():
            if turn < ROUNDS[0] or first[number] < LONG:
                rows += [(number, kind, turn, seconds(work)) for kind, work in own_passes.items()]
        rows += [(f"floor: {part}", "step", turn, taken) for part, taken in floor.seconds(parts).items()]
    found = {
        "cell": name,
        "rows": rows,
        "over": over,
        "floor": {"sides": grid.sides, "tiles": grid.tiles},
        "plans": {number: plan(own, number) for number in tried if number in ("auto", "whole", "tiled")},
        "provenance": {**gather(), **finished(time.perf_counter() - start)},
    }
    output.write_text(json.dumps(found))


def plan(own: Cell, name: str) -> dict[str, object]:
    """How an engine computes it."""
    chosen = choose(floor.case_of(own), name)
    tiles = None if chosen.tiles is None else {"grid": chosen.tiles.grid, "count": chosen.tiles.count}
    return {"engine": chosen.engine, "by_fft": chosen.by_fft, "tiles": tiles}


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
