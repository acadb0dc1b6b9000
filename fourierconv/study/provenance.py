"""Where a result came from: code, software, hardware, time; recorded beside each result, never part of its key."""

import hashlib
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy
import torch

PACKAGE = Path(__file__).resolve().parents[1]

_noted: dict[str, float | str] = {}  # by the run at hand


def gather() -> dict[str, Any]:
    """Describe code, software and machine once per sweep; `finished` adds what differs between runs.

    `commit` and `dirty` speak of the package's own folder and are None where git does not track it (an installed
    wheel); `code` is a hash of the package's sources and is always there.

    >>> sorted(gather())
    ['code', 'command', 'commit', 'cpu', 'dirty', 'numpy', 'platform', 'python', 'torch']
    """
    commit, dirty = git_state(PACKAGE)
    return {
        "commit": commit,
        "dirty": dirty,
        "code": source_hash(PACKAGE),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "command": command(),
    }


def note(measured: Mapping[str, float | str]) -> None:
    """Keep what a run says of itself and is no result, such as the time of a step, for `finished` to add.

    >>> note({"step_s": 0.5})
    >>> finished(2.0)["step_s"], finished(2.0).get("step_s")
    (0.5, None)
    """
    _noted.clear()
    _noted.update(measured)


def finished(seconds: float) -> dict[str, Any]:
    """Describe the run that this process has just finished: its duration in seconds, date (UTC), threads, device.

    >>> finished(2.0)["duration_s"]
    2.0
    """
    noted = dict(_noted)
    _noted.clear()
    # CUDA is initialized lazily, so an initialized one means that a run of this process was on it.
    device = torch.cuda.get_device_name() if torch.cuda.is_initialized() else "cpu"
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"duration_s": seconds, "date": date, "threads": torch.get_num_threads(), "device": device, **noted}


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit that holds `folder` and whether `folder` differs from it; (None, None) outside git."""
    commit = _git(folder, "rev-parse", "HEAD")
    # An installed package may lie, untracked, inside somebody else's repository: that commit says nothing of it.
    if commit is None or not _git(folder, "ls-tree", "--name-only", "HEAD", "./"):
        return None, None
    status = _git(folder, "status", "--porcelain", "--", ".")
    return commit, None if status is None else bool(status)


def source_hash(folder: Path) -> str:
    """Return 16 hex digits over the paths and contents of Python sources below `folder`, and of measured constants.

    >>> len(source_hash(PACKAGE))
    16
    """
    digest = hashlib.sha256()
    for path in sorted(path for pattern in ("*.py", "*.json") for path in folder.rglob(pattern)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def cpu_model() -> str:
    """Return the processor's model name where the system tells it, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def command() -> str:
    """Return the command that started this process, without folders of this machine; 'notebook' in a kernel."""
    if "ipykernel" in sys.modules:
        return "notebook"
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    program = f"-m {spec.name.removesuffix('.__main__')}" if spec else Path(sys.argv[0]).name
    return " ".join(["python", program, *map(portable, sys.argv[1:])])


def portable(argument: str) -> str:
    """An argument as another machine would have it: paths from the repository on, and of others the name alone.

    >>> portable("--profile"), portable(str(PACKAGE.parent / "build" / "cell.json")), portable("/elsewhere/cell.json")
    ('--profile', 'build/cell.json', 'cell.json')
    """
    path, root = Path(argument), PACKAGE.parent
    if not path.is_absolute():
        return argument
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def readable(seconds: float) -> str:
    """Write a duration as people say it.

    >>> [readable(seconds) for seconds in (0.4, 41, 750, 11100, 400000)]
    ['0.4 s', '41 s', '12 min', '3 h 05 min', '4.6 days']
    """
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes >= 72 * 60:
        return f"{minutes / (24 * 60):.1f} days"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
