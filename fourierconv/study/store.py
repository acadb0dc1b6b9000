"""The run store: one JSON per finished run, under a key that is a pure function of the run's config.

Present means done. A file appears under its final name only when it is whole (temporary file, fsync, rename), so that a
kill at any moment loses nothing that was finished and leaves nothing that looks finished but is not.
"""

import dataclasses
import hashlib
import json
import math
import os
import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
from torch import Tensor

ABANDONED_AFTER = 3600.0  # seconds; a write takes milliseconds, so an older temporary file has lost its writer


class StudyError(Exception):
    """An error of a known kind: its message is one line that names the thing and says what to do."""


@dataclass(frozen=True)
class Outcome:
    """What a run leaves: metrics for the tables, a history (one entry per epoch), and weights by name or None."""

    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    weights: dict[str, Tensor] | None = None


class Experiment(Protocol):
    """A module with a sweep of frozen configs, a function that runs one, and the tidy rows it contributes."""

    __name__: str
    NAME: str
    NUMERICS: dict[str, int]  # a small integer per part; raised when its results may change

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns, in their order; the first ones identify the row."""

    def configs(self, profile: str) -> Sequence[Any]:
        """Return the sweep of a profile: frozen dataclasses of JSON scalars and tuples, one per run.

        Raises StudyError where it has none in that profile.
        """

    def run(self, config: Any, report: Callable[[str], None]) -> Outcome:
        """Do one run, a pure function of `config`; `report` prints a line of progress."""

    def cost(self, config: Any) -> float:
        """Return about how long a run takes, in units of the experiment's own."""

    def rows(self, config: Any, metrics: dict[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Return what a run contributes to the table."""


@dataclass(frozen=True)
class Result:
    """A finished run, as read back from the store."""

    key: str
    config: Any
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    provenance: dict[str, Any]


def repository_root() -> Path:
    """Return the nearest folder, from the current one upwards, with a pyproject.toml; else the current one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").exists()), here)


def build_folder() -> Path:
    """Return where everything that can be made again is kept: $FOURIERCONV_BUILD, else `build` in the repository."""
    return Path(os.environ.get("FOURIERCONV_BUILD") or repository_root() / "build")


def run_key(name: str, config: Mapping[str, Any], numerics: Mapping[str, int]) -> str:
    """Return 16 hex digits that name a run: equal for equal configs and numerics, in whatever order they are given.

    >>> run_key("image_size", {"size": 32, "seed": 0}, {"layers": 1})
    '5a3e75acf7877722'
    """
    identity = {"experiment": name, "config": config, "numerics": numerics}
    return hashlib.sha256(_canonical(identity).encode()).hexdigest()[:16]


def key(experiment: Experiment, config: Any) -> str:
    """Return the key of an experiment's run."""
    return run_key(experiment.NAME, dataclasses.asdict(config), experiment.NUMERICS)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a whole file or none: it shows under `path` only when it is complete and on the disk.

    Raises OSError with `path` as its filename, after removing the temporary file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "new" / "a.txt", b"taps")
    ...     (Path(folder) / "new" / "a.txt").read_bytes()
    b'taps'
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)  # the rename is on the disk when the folder is
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@dataclass(frozen=True)
class Store:
    """A folder of finished runs, `<root>/<experiment>/<key>.json`, with weights beside them as `<key>.safetensors`.

    >>> Store(Path("build/runs")).root.name
    'runs'
    """

    root: Path

    def path(self, experiment: Experiment, config: Any) -> Path:
        """Return where the run of `config` is kept, whether it is there or not."""
        return self.root / experiment.NAME / f"{key(experiment, config)}.json"

    def find(self, experiment: Experiment, config: Any) -> Result | None:
        """Return the finished run of `config`, or None where there is none.

        Raises StudyError, naming the file, where there is one that was damaged after it was written.
        """
        path = self.path(experiment, config)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        held = _checked(path, content)
        return Result(path.stem, config, held["metrics"], held["history"], held["provenance"])

    def save(self, experiment: Experiment, config: Any, outcome: Outcome, provenance: Mapping[str, Any]) -> None:
        """Keep a finished run: its weights first, then the JSON that makes it count as done.

        Raises StudyError where a metric or an entry of the history is NaN or infinite, OSError where writing fails.
        """
        held: dict[str, Any] = {
            "experiment": experiment.NAME,
            "config": dataclasses.asdict(config),
            "numerics": experiment.NUMERICS,
            "metrics": outcome.metrics,
            "history": outcome.history,
            "provenance": dict(provenance),
            "weights": None,
        }
        for name, number in _numbers({"metrics": outcome.metrics, "history": outcome.history}):
            if not math.isfinite(number):
                raise StudyError(f"{name} is {number}; a result holds finite numbers only")
        path = self.path(experiment, config)
        if outcome.weights is not None:
            tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in outcome.weights.items()}
            content = safetensors.torch.save(tensors)
            write_atomically(path.with_suffix(".safetensors"), content)
            held["weights"] = _digest(content)
        held["sha256"] = _digest(_canonical(held).encode())
        write_atomically(path, (json.dumps(held, indent=1, allow_nan=False) + "\n").encode())

    def weights(self, experiment: Experiment, config: Any) -> dict[str, Tensor]:
        """Return the weights that the finished run of `config` left, on the CPU.

        Raises StudyError where that run is missing or left none, or where the file is not the one it wrote.
        """
        path = self.path(experiment, config)
        if not path.exists():
            raise StudyError(f"{path} is missing: {config!r} was not run")
        digest = _checked(path, path.read_bytes())["weights"]
        if digest is None:
            raise StudyError(f"{path} holds no weights: {experiment.NAME} keeps none for {config!r}")
        weights = path.with_suffix(".safetensors")
        content = weights.read_bytes() if weights.exists() else b""
        if _digest(content) != digest:
            raise _damaged(weights, "missing, cut or changed", path)
        return safetensors.torch.load(content)

    def give(self, experiment: Experiment, configs: Sequence[Any], other: "Store") -> list[Path]:
        """Copy the finished runs of `configs`, with the weights that they left, to another store; return what is new.

        Raises StudyError where one is damaged.
        """
        new = []
        for config in configs:
            if self.find(experiment, config) is None:
                continue
            source, target = self.path(experiment, config), other.path(experiment, config)
            weights = source.with_suffix(".safetensors")
            if weights.exists():
                self.weights(experiment, config)  # which checks them
                new += _copied(weights, target.with_suffix(".safetensors"))
            new += _copied(source, target)
        return new

    def remove_abandoned(self, experiment: Experiment) -> None:
        """Remove the temporary files of writers that were killed; those of living writers are seconds old."""
        for path in (self.root / experiment.NAME).glob(".*.tmp"):
            try:
                if time.time() - path.stat().st_mtime > ABANDONED_AFTER:
                    path.unlink()
            except FileNotFoundError:  # its writer has just finished, or another sweep removed it first
                continue


def _copied(source: Path, target: Path) -> list[Path]:
    """Copy a file unless it is there already; return its path where it was not."""
    content = source.read_bytes()
    if target.exists() and target.read_bytes() == content:
        return []
    write_atomically(target, content)
    return [target]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _checked(path: Path, content: bytes) -> dict[str, Any]:
    try:
        held: dict[str, Any] = json.loads(content)
        digest = held.pop("sha256")
        own = run_key(held["experiment"], held["config"], held["numerics"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(path, "not a whole JSON result", path) from None
    if digest != _digest(_canonical(held).encode()):
        raise _damaged(path, "its sha256 is not that of its content", path)
    if own != path.stem:
        raise _damaged(path, f"it holds the run {own}", path)
    return held


def _damaged(path: Path, reason: str, result: Path) -> StudyError:
    return StudyError(
        f"{path} is damaged ({reason}); remove the result and run it again: rm {shlex.quote(str(result))}"
    )


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Yield every float of nested dicts and lists with its path, e.g. ('history.3.loss', 0.7)."""
    if isinstance(value, float):
        yield name, value
    elif isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _numbers(inner, f"{name}.{key}" if name else str(key))
