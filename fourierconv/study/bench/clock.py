"""How long work takes, and how much memory, on the CPU or on a CUDA device, which works on while Python goes on."""

import time
from collections.abc import Callable

import torch

Work = Callable[[], object]


def seconds(work: Work, calls: int = 1, device: str = "cpu") -> float:
    """Of one call, the mean of so many in a row; on a CUDA device between two events of its stream."""
    if device == "cuda":
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        events[0].record()
        for _ in range(calls):
            work()
        events[1].record()
        events[1].synchronize()
        return float(events[0].elapsed_time(events[1])) / 1000 / calls
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def peak(work: Work, device: str) -> int | None:
    """Bytes at the peak of a call above what is held before it; None on the CPU, where nobody counts them."""
    if device != "cuda":
        return None
    torch.cuda.synchronize()
    held = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    work()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - held
