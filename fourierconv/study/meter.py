"""What a training step costs, measured in the run itself: seconds, and memory at the peak."""

import ctypes
import statistics
import time
from pathlib import Path

import torch

WARM_UP = 5  # steps that count for nothing: libraries start, and grids are sized
STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Meter:
    """Takes the time from one step to the next, and the memory that the process, or its CUDA device, needs for them.

    On the CPU the memory is that of the process at its peak, above what it held before, which Linux tells. So it is
    rough, and of runs that last a few steps too small.

    >>> meter = Meter(torch.device("cpu"))
    >>> meter.tick(), meter.tick()
    (None, None)
    >>> meter.measured()["step_s"] < 1
    True
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.seconds: list[float] = []
        self.held = self._start()
        self.last = time.perf_counter()

    def tick(self) -> None:
        """A step has ended."""
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now

    def measured(self) -> dict[str, float]:
        """`step_s`, the median over the steps after the first few, and `peak_mb`, megabytes; what is known of them."""
        found = {"step_s": statistics.median(self.seconds[WARM_UP:] or self.seconds)} if self.seconds else {}
        peak = self._peak()
        return found if peak is None or self.held is None else found | {"peak_mb": (peak - self.held) / 2**20}

    def _start(self) -> int | None:
        """Bytes that are held now, from where the peak is taken anew."""
        if self.device.type == "cuda":
            torch.cuda.init()  # which is lazy elsewhere, but not here: there must be an allocator that is asked
            torch.cuda.reset_peak_memory_stats(self.device)
            return torch.cuda.memory_allocated(self.device)
        try:
            ctypes.CDLL(None).malloc_trim(0)  # what earlier runs of the process have freed
            RESET.write_text("5")
        except (OSError, AttributeError):
            return None
        return _resident("VmRSS")

    def _peak(self) -> int | None:
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else _resident("VmHWM")


def _resident(name: str) -> int | None:
    """A line of the process's status, in bytes."""
    if not STATUS.exists():
        return None
    lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return 1024 * int(lines[name].split()[0]) if name in lines else None
