"""Committed runs trained anew, in a store of their own, and whether their accuracies are within the tolerance."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fourierconv.study.statistics import interval, reproduction_tolerance
from fourierconv.study.store import Experiment, Result, Store, StudyError, key
from fourierconv.study.sweep import run_names, sweep_of

FLOOR = 0.5  # points of accuracy: other processors round differently, and training amplifies that
DIGITS = 8  # of a key, that name a run on pages


def command(experiment: Experiment, profile: str, configs: Sequence[Any]) -> str:
    """Write the command that trains runs of a profile anew.

    >>> from fourierconv.study.experiments import image_size
    >>> command(image_size, "quick", image_size.configs("quick")[:1]).rpartition(" ")[0]
    '.venv/bin/python -m fourierconv.study recompute --profile quick --only image_size'
    """
    keys = " ".join(key(experiment, config)[:DIGITS] for config in configs)
    return f".venv/bin/python -m fourierconv.study recompute --profile {profile} --only {experiment.NAME} {keys}"


def by_key(experiment: Experiment, profile: str, keys: Sequence[str]) -> list[Any]:
    """Return the runs of a profile whose keys begin with these. Raises StudyError for one of none, or of several."""
    held = {key(experiment, config): config for config in sweep_of(experiment, profile)}
    found = {}
    for asked in keys:
        own = [full for full in held if full.startswith(asked)]
        if len(own) != 1:
            raise StudyError(
                f"{asked!r} begins the keys of {len(own)} runs of {experiment.NAME} in the profile {profile}, not of "
                "one; the pages that show results name them"
            )
        found[own[0]] = held[own[0]]
    return list(found.values())


def compare(
    experiment: Experiment, profile: str, results: Sequence[Result], committed: Store
) -> tuple[list[str], bool]:
    """Say how far the accuracies of recomputed runs are from the committed ones, cell by cell.

    A cell is the profile's runs that differ in their seed alone. The mean of its recomputed runs must lie as near to
    the mean of its committed ones as that of as many new seeds would, or within `FLOOR`. A cell with one committed seed
    tells no spread, and has nothing to be outside of.

    Returns:
        A line per run and per cell, and whether no cell is outside.
    """
    cells: dict[Any, list[Any]] = {}
    for config in sweep_of(experiment, profile):
        cells.setdefault(cell_of(config), []).append(config)
    names = dict(zip((c.config for c in results), run_names(experiment, [c.config for c in results]), strict=True))
    lines, met = [], True
    for cell in dict.fromkeys(cell_of(result.config) for result in results):
        old = {
            config: float(own.metrics["accuracy"])
            for config in cells[cell]
            if (own := committed.find(experiment, config))
        }
        new = {own.config: float(own.metrics["accuracy"]) for own in results if cell_of(own.config) == cell}
        for config, accuracy in new.items():
            expected = f"{old[config]:.2f}" if config in old else "not"
            lines.append(f"{names[config]}: {accuracy:.2f} %, committed {expected}")
        mean = sum(new.values()) / len(new)
        if len(old) < 2:
            lines.append(f"  mean {mean:.2f} %, {len(old)} committed seeds: no tolerance is known")
            continue
        expected_mean = interval(list(old.values()))
        tolerance = reproduction_tolerance(expected_mean.sd, len(old), FLOOR, len(new))
        within = abs(mean - expected_mean.mean) <= tolerance
        met = met and within
        lines.append(
            f"  mean {mean:.2f} %, committed {expected_mean.mean:.2f} ± {tolerance:.2f} over {len(old)} seeds: "
            + ("within" if within else "OUTSIDE")
        )
    return lines, met


def cell_of(config: Any) -> Any:
    """The run of the first seed that a run is a repetition of: the same for all runs of a cell."""
    same = {"seed": 0, "keep": False} if hasattr(config, "keep") else {"seed": 0}
    return replace(config, **same)
