"""The device that was measured on: its name, driver and libraries, and how fast it copies."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import torch

from fourierconv.study.bench.clock import seconds
from fourierconv.study.provenance import gather

MEASURED = ("fft-conv-pytorch", "torch-fftconv", "subquadratic-ops-torch-cu13")  # packages
COPIED = {"cuda": 2**30, "cpu": 2**22}  # bytes


def describe(device: str) -> dict[str, Any]:
    """Code, software and hardware, as every cell's provenance."""
    found = {**gather(), "command": "python -m fourierconv.study gpu", "bandwidth": bandwidth(device)}
    if device == "cuda":
        own = torch.cuda.get_device_properties(0)
        found |= {
            "gpu": own.name,
            "memory": own.total_memory,
            "l2_cache": own.L2_cache_size,
            "driver": _driver(),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "triton": _version("triton"),
        }
    return found | {name: _version(name) for name in MEASURED}


def bandwidth(device: str) -> float:
    """Bytes per second of a large copy, those that are read and those that are written."""
    source = torch.randn(COPIED[device] // 4, device=device)
    target = torch.empty_like(source)
    times = [seconds(lambda: target.copy_(source), device=device) for _ in range(11)]
    return 2 * source.nbytes / median(times[1:])


def _driver() -> str | None:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
