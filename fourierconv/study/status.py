"""Where a profile stands: what is done, running, failed and left, and how long the rest takes."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fourierconv.study import marks
from fourierconv.study.estimates import Times, core_seconds, costs, seconds_left, tells
from fourierconv.study.provenance import readable
from fourierconv.study.store import Experiment, Store, StudyError, key
from fourierconv.study.sweep import PROFILES, run_names, sweep_of, waiting
from fourierconv.study.tables import files, runs_of


@dataclass(frozen=True)
class Standing:
    """Where an experiment stands in a profile.

    Attributes:
        name: of the experiment.
        count: of its runs.
        running: runs that a living process is at, with that process.
        failed: runs that failed when they were tried last, with the reason and where more is said.
        waiting: how many runs cannot be done yet, by what they wait for.
        left: costs of the runs that are not done.
        times: measured ones, by which the rest is estimated.
        measured: what they were measured on, '' where that is this profile in this store.
    """

    name: str
    count: int
    running: list[str]
    failed: list[str]
    waiting: Counter[str]
    left: list[float]
    times: Times
    measured: str


def standing(experiment: Experiment, profile: str, others: Sequence[str], store: Store, committed: Path) -> Standing:
    """Look at the runs of a profile.

    Args:
        experiment: whose runs.
        profile: of the runs.
        others: profiles by whose runs the time is estimated while none of this one's is done.
        store: where results are kept.
        committed: the folder of committed results, with one for each profile; they tell times where the store does not.

    Raises:
        StudyError: a result in the store is damaged.
    """
    configs = list(dict.fromkeys(experiment.configs(profile)))
    times, measured = _times(experiment, (profile, *others), store, committed)
    running, failed, left = [], [], []
    for config, name, cost in zip(configs, run_names(experiment, configs), costs(experiment, configs), strict=True):
        path = store.path(experiment, config)
        if path.exists():
            continue
        left.append(cost)
        if holder := marks.holder(path):
            running.append(f"{name}: {holder}")
        elif reason := marks.failure(path):
            failed.append(f"{name}: {reason}; see {marks.failure_path(path)}")
    later = Counter(waiting(experiment, configs).values())
    return Standing(experiment.NAME, len(configs), running, failed, later, left, times, measured)


def _times(experiment: Experiment, profiles: Sequence[str], store: Store, committed: Path) -> tuple[Times, str]:
    """Return measured times, and on what they were measured: the first there are, of the store before the committed."""
    sweeps = {profile: sweep_of(experiment, profile) for profile in profiles}
    for profile, configs in sweeps.items():
        if times := stored_times(experiment, configs, store):
            return times, "" if profile == profiles[0] else f" by the runs of {profile}"
    for profile, configs in sweeps.items():
        times, processors = committed_times(experiment, configs, committed / profile)
        if times:
            return times, f" by the committed runs of {profile} on {processors}"
    return [], ""


def stored_times(experiment: Experiment, configs: Sequence[Any], store: Store) -> Times:
    """Return (cost, seconds) of the configs' finished runs that tell. Raises StudyError where one is damaged."""
    found = zip(costs(experiment, configs), (store.find(experiment, config) for config in configs), strict=True)
    return [(cost, float(own.provenance["duration_s"])) for cost, own in found if own and tells(own.provenance)]


def committed_times(experiment: Experiment, configs: Sequence[Any], folder: Path) -> tuple[Times, str]:
    """Return (cost, seconds) of the runs behind a committed table that tell, and on which processors they were."""
    path = files(experiment, folder)[1]
    if not path.exists():
        return [], ""
    try:
        sidecar = json.loads(path.read_text())
    except ValueError:
        raise StudyError(f"{path} is not whole JSON; restore it: git checkout {path}") from None
    found = runs_of(sidecar)
    own = (found.get(key(experiment, config)) for config in configs)
    runs = [(cost, run) for cost, run in zip(costs(experiment, configs), own, strict=True) if run]
    told = [(cost, run) for cost, run in runs if tells(run)]
    return [(c, float(run["duration_s"])) for c, run in told], ", ".join(sorted({run["cpu"] for _, run in told}))


def prices(experiment: Experiment, committed: Path) -> dict[str, str]:
    """Write what the sweeps of an experiment that has a pilot take of one core, by the committed times of the pilot.

    The keys are `cost_<experiment>_<profile>`, and `cost_<experiment>_<profile>_<number>` for the runs whose priority
    begins with that number.
    """
    if not (pilot := sweep_of(experiment, "pilot")):
        return {}
    times, processors = committed_times(experiment, pilot, committed / "pilot")
    said = {f"cost_{experiment.NAME}_hardware": processors or "not measured"}
    turn = getattr(experiment, "priority", lambda config: (0,))
    for profile in PROFILES:
        configs = sweep_of(experiment, profile)
        parts = {profile: configs} if configs else {}
        parts |= {
            f"{profile}_{n}": [c for c in configs if turn(c)[0] == n] for n in sorted({turn(c)[0] for c in configs})
        }
        for name, own in parts.items():
            seconds = core_seconds(times, costs(experiment, own))
            said[f"cost_{experiment.NAME}_{name}"] = "not measured" if seconds is None else readable(seconds)
    return said


def lines(standings: Sequence[Standing], workers: int) -> list[str]:
    """Write one line per experiment, its running and failed runs below it, and a line for all that is left."""
    said = []
    for own in standings:
        counts = [f"{own.name}: {own.count - len(own.left)} of {own.count} runs done"]
        counts += [f"{len(own.running)} running"] if own.running else []
        counts += [f"{len(own.failed)} failed"] if own.failed else []
        seconds = seconds_left(own.times, own.left, workers)
        need = "time unknown" if seconds is None else f"about {readable(seconds)}"
        counts += [f"{len(own.left)} left: {need} with workers={workers}{own.measured}"] if own.left else []
        said.append(", ".join(counts))
        said += [f"  {count} of them wait, each for {what}" for what, count in own.waiting.items()]
        said += [f"  running: {run}" for run in own.running] + [f"  failed: {run}" for run in own.failed]
    if rest := [own for own in standings if own.left]:
        said.append(_overall(standings, rest, workers))
    return said


def _overall(standings: Sequence[Standing], rest: Sequence[Standing], workers: int) -> str:
    total, left = sum(own.count for own in standings), sum(len(own.left) for own in rest)
    known = [own for own in rest if own.times]
    unknown = [own.name for own in rest if not own.times]
    core = sum(core_seconds(own.times, own.left) or 0.0 for own in known)
    wall = sum(seconds_left(own.times, own.left, workers) or 0.0 for own in known)
    need = f"about {core / 3600:.1f} core-hours, {readable(wall)} on this machine with workers={workers}"
    if unknown:
        need = f"{need}, and for {', '.join(unknown)} time unknown" if known else "time unknown"
    return f"all: {total - left} of {total} runs done, {left} left: {need}"
