"""Times of cells on a device, all in one process: starting CUDA takes seconds. Contenders of a cell take turns."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from fourierconv.engines.choice import NAMES as ENGINES
from fourierconv.study.bench import floor
from fourierconv.study.bench.cells import Cell, cells
from fourierconv.study.bench.clock import Work, peak, seconds
from fourierconv.study.bench.contenders import contender, takes_part
from fourierconv.study.bench.measure import Inputs, inputs, passes, plan
from fourierconv.study.gpu import results
from fourierconv.study.gpu.machine import describe
from fourierconv.study.gpu.ways import WAYS, Way, settings
from fourierconv.study.provenance import finished

SEED = 0
TUNED = 0.1  # seconds: passes that take less are taken with cuDNN's benchmark mode
WRONG = 0.05  # relative error of outputs; bfloat16 makes 0.003
SECONDS = 2.5  # for the rounds of a cell
ROUNDS = (3, 10)  # at least, at most
LONG = 0.2  # seconds of a step: such contenders take part in the least number of rounds only
SHORT = 2e-3  # seconds: shorter passes are called several times in a row
CALLS = 10  # in a row, at most
CACHE = 2**27  # bytes, more than the L2 cache holds: the sets of inputs are together larger
SETS = 16  # at most

REHEARSED = (  # tiny, for a machine without a device
    Cell("4to4-16px-k5", 2, 4, 4, 1, 16, 5),
    Cell("depthwise4-16px-k7", 2, 4, 4, 4, 16, 7),
)


class OverTheTimeError(Exception):
    """A pass that takes longer than the limit."""


@dataclass(frozen=True)
class Tried:
    """A contender that computes a cell.

    Attributes:
        way: which.
        passes: by their kind.
        first: seconds of each.
        tuned: whether in cuDNN's benchmark mode.
        memory: bytes at the peak of a step beyond what is held before.
        error: of the outputs, relative.
    """

    way: Way
    passes: Mapping[str, Work]
    first: Mapping[str, float]
    tuned: bool
    memory: int | None
    error: float

    def time(self, kind: str, device: str) -> float:
        """Seconds of a pass."""
        calls = min(max(round(SHORT / self.first[kind]), 1), CALLS)
        with settings(self.way.tf32, self.tuned):
            return seconds(self.passes[kind], calls, device)


def measure(own: Cell, device: str, excluded: Mapping[str, str], report: Callable[[str], None]) -> dict[str, Any]:
    """Times of a cell by all contenders but those that are excluded, and its floor."""
    torch.manual_seed(SEED)
    start = time.perf_counter()
    timer = partial(seconds, calls=3, device=device)
    with torch.device(device):
        sets = rotating(own)
    tried, over, failed = _try_all(own, sets, device, excluded, report)
    report("floor")
    with torch.device(device):
        with settings():
            least = floor.least(own, timer)
        plans = {one.way.name: _plan(own, one.way) for one in tried if one.way.contender in ENGINES}
    total = sum(max(taken, SHORT) for one in tried for taken in one.first.values())
    turns = int(min(max(SECONDS / max(total, SHORT), ROUNDS[0]), ROUNDS[1]))
    rows: list[tuple[str, str, int, float]] = []
    for turn in range(turns):
        for one in tried:
            if turn < ROUNDS[0] or one.first["step"] < LONG:
                report(f"try {one.way.name}")
                rows += [(one.way.name, kind, turn, one.time(kind, device)) for kind in one.passes]
        report("floor")
        if least is not None:
            with settings():
                parts = floor.seconds(least[1], timer=timer)
            rows += [(f"floor: {part}", "step", turn, taken) for part, taken in parts.items()]
    return {
        "cell": own.name,
        "shape": asdict(own),
        "rows": rows,
        "over": over,
        "failed": failed,
        "memory": {one.way.name: one.memory for one in tried},
        "error": {one.way.name: one.error for one in tried},
        "not_tuned": [one.way.name for one in tried if not one.tuned],
        "floor": None if least is None else asdict(least[0]),
        "plans": plans,
        "provenance": finished(time.perf_counter() - start),
    }


def _plan(own: Cell, way: Way) -> dict[str, object]:
    with settings(way.tf32):
        return plan(own, way.contender)


def rotating(own: Cell) -> list[Inputs]:
    """Sets of inputs that take turns, at least two, so that none is found in the cache again."""
    sets = [inputs(own)]
    size = sum(tensor.nbytes for tensor in sets[0])
    return sets + [inputs(own) for _ in range(min(max(CACHE // size, 1), SETS - 1))]


def _exact(own: Cell, first: Inputs) -> torch.Tensor:
    """Outputs of the first image, in float64."""
    images, taps, _ = first
    with torch.no_grad():
        return contender("torch", own)(images[:1].double(), taps.double())


def _try_all(
    own: Cell,
    sets: list[Inputs],
    device: str,
    excluded: Mapping[str, str],
    report: Callable[[str], None],
) -> tuple[list[Tried], dict[str, str], dict[str, str]]:
    """Those that compute the cell; those over a limit, with which one; those that fail, with the reason."""
    tried: list[Tried] = []
    over: dict[str, str] = {name: "time" for name, reason in excluded.items() if reason == "time"}
    failed: dict[str, str] = {name: reason for name, reason in excluded.items() if reason != "time"}
    exact = _exact(own, sets[0])
    for way in WAYS:
        if way.name in excluded or not takes_part(way.contender, own):
            continue
        report(f"try {way.name}")
        try:
            tried.append(attempt(way, own, sets, exact, device))
            continue
        except OverTheTimeError:
            over[way.name] = "time"
        except ImportError:
            failed[way.name] = "not installed"
        except Exception as error:  # what a contender raises is its own matter
            said = str(error).lower()
            if isinstance(error, MemoryError) or "out of memory" in said or "alloc" in said:
                over[way.name] = "memory"
            else:
                failed[way.name] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"
        if device == "cuda":
            torch.cuda.synchronize()  # fails again where the device is lost: then this process ends
            torch.cuda.empty_cache()
    return tried, over, failed


def attempt(way: Way, own: Cell, sets: list[Inputs], exact: torch.Tensor, device: str) -> Tried:
    """Run a contender for the first times.

    Raises:
        OverTheTimeError: a pass takes too long.
        RuntimeError: outputs are wrong.
    """
    convolution = contender(way.contender, own)
    kinds = passes(own, convolution, way.inputs(sets))
    first: dict[str, float] = {}
    with settings(way.tf32), torch.no_grad():
        images, taps, _ = way.inputs(sets[:1])[0]
        error = float((convolution(images, taps)[:1] - exact).norm() / exact.norm())
        if not error < WRONG:
            raise RuntimeError(f"outputs are wrong: their relative error is {error:.2g}")
    for kind, work in kinds.items():
        with settings(way.tf32):
            if kind == "step":
                work()  # loads, compiles and plans what the forward pass above has not
            first[kind] = seconds(work, device=device)
        if first[kind] > results.LIMIT:
            raise OverTheTimeError
    tuned = max(first.values()) < TUNED
    with settings(way.tf32, tuned):
        for work in kinds.values():
            work()
        first = {kind: seconds(work, device=device) for kind, work in kinds.items()}
        return Tried(way, kinds, first, tuned, peak(kinds["step"], device), error)


def main(folder: str, device: str, until: str) -> None:
    """Measure the cells that the folder lacks, one after the other, until that time on the monotonic clock.

    Says on stdout what is being tried, for whoever has to end it; tables are written after every cell.
    """
    state = results.load(Path(folder))
    chosen = cells("fourierconv.study.gpu") if device == "cuda" else REHEARSED
    missing = [own for own in chosen if own.name not in state["cells"]]
    machine = describe(device) | {"seed": SEED} if missing else {}
    for own in missing:
        start = time.monotonic()
        if start > float(until):
            break
        found = measure(own, device, state["excluded"].get(own.name, {}), partial(_report, own))
        found["provenance"] |= machine
        state["cells"][own.name] = found
        results.save(Path(folder), state)
        not_measured = [f"{name} ({reason})" for kind in ("over", "failed") for name, reason in found[kind].items()]
        position = f"[{len(state['cells'])}/{len(chosen)}] {own.name}: {time.monotonic() - start:.1f} s"
        print("; not measured: ".join([position] + [", ".join(not_measured)] * bool(not_measured)), flush=True)


def _report(own: Cell, line: str) -> None:
    kind, _, name = line.partition(" ")
    print(kind, own.name, name, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
