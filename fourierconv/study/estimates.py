"""How long runs take, by the measured times of finished ones: pairs (cost, seconds), as the experiment has costs."""

import os
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from fourierconv.study.store import Experiment
from fourierconv.study.training import DEVICE_VARIABLE

Times = Sequence[tuple[float, float]]


def costs(experiment: Experiment, configs: Sequence[Any]) -> list[float]:
    """Return the relative cost of each run."""
    return [float(experiment.cost(config)) for config in configs]


def tells(provenance: Mapping[str, Any]) -> bool:
    """Whether a run's time says how long others take here: processors and GPUs say nothing about each other.

    >>> tells({"device": "cpu"}), tells({"device": "NVIDIA H200"})
    (True, False)
    """
    return (provenance["device"] == "cpu") == (os.environ.get(DEVICE_VARIABLE, "cpu") == "cpu")


def of_like_cost(times: Times, cost: float) -> list[float]:
    """Return the seconds that a run would take by each of the runs whose cost is nearest; none without any.

    >>> of_like_cost([(1.0, 10.0), (4.0, 50.0), (4.0, 40.0)], cost=8.0)
    [100.0, 80.0]
    """
    distance = [abs(log(own / cost)) for own, _ in times]
    return [seconds * cost / own for (own, seconds), d in zip(times, distance, strict=True) if d == min(distance)]


def core_seconds(times: Times, left: Sequence[float]) -> float | None:
    """Estimate the seconds that runs of cost `left` take one after the other; None where nothing was measured.

    >>> core_seconds([(1.0, 10.0), (2.0, 20.0)], left=[2.0, 2.0])
    40.0
    """
    if not times:
        return None
    measured = {cost: of_like_cost(times, cost) for cost in set(left)}
    return sum(sum(measured[cost]) / len(measured[cost]) for cost in left)


def seconds_left(times: Times, left: Sequence[float], workers: int) -> float | None:
    """Estimate the seconds that runs of cost `left` take by so many workers; None where nothing was measured.

    >>> seconds_left([(1.0, 10.0), (2.0, 20.0)], left=[2.0, 2.0], workers=2)
    20.0
    """
    seconds = core_seconds(times, left)
    return None if seconds is None else seconds / max(1, min(workers, len(left)))
