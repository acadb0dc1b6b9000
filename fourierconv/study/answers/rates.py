"""The search for learning rates: what each contender reached on images set aside, and which rate was taken."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from IPython.display import HTML

from fourierconv.study import frames, protocol, tables
from fourierconv.study.answers.trainings import NOT_RUN, contender, ordered
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import Config, cells_of
from fourierconv.study.provenance import readable
from fourierconv.study.store import Experiment, key, repository_root

PROFILE = "tuning"
EXPERIMENT: Experiment = classification


def searched(data: str, folder: Path | None = None) -> HTML:
    """Show the search on one kind of images: accuracy in percent by rate, seed after seed, and the rate taken.

    Args:
        data: 'letters' or 'imagenette'.
        folder: with a folder of committed tables per profile; by default that of the repository.
    """
    own = (folder or repository_root() / "book" / "results") / PROFILE
    asked = [config for config in protocol.configs(PROFILE) if config.data == data]
    found, note = _found(own, asked)
    if not found:
        return frames.html(pd.DataFrame({"": [NOT_RUN]}), "", "", 0)
    rates = sorted({config.lr for config in found})
    groups: dict[str, list[Config]] = {}
    for config in asked:
        groups.setdefault(contender(config), []).append(config)
    rows = []
    for name, configs in groups.items():
        first = configs[0]
        cells = {f"{lr:g}": " / ".join(f"{found[c]:.1f}" for c in configs if c.lr == lr and c in found) for lr in rates}
        whole = all(config in found for config in configs)
        taken = f"{protocol.rate(data, first.method, first.optimizer, first.network):g}" if whole else "–"
        rows.append({"method": first.method, "contender": name, **cells, "taken": taken})
    return frames.html(ordered(pd.DataFrame(rows)).drop(columns="method"), note, "", 2)


def _found(folder: Path, asked: list[Config]) -> tuple[dict[Config, float], str]:
    """Accuracies of what is committed, and where they come from."""
    if not tables.files(EXPERIMENT, folder)[0].exists():
        return {}, ""
    table = tables.read(EXPERIMENT, folder)
    names = classification.IDENTITY
    held = {tuple(row[name] for name in names): float(row["accuracy"]) for row in table.rows}
    identified = {config: tuple(cells_of(config)[name] for name in names) for config in asked}
    found = {config: held[own] for config, own in identified.items() if own in held}
    runs = table.provenance["runs"]
    seconds = sum(runs.get(key(EXPERIMENT, config), {}).get("duration_s", 0.0) for config in found)
    hardware = ", ".join(table.provenance.get("cpu", []))
    shown = f"{len(found)} of {len(asked)} runs in {readable(seconds)} of one core on {hardware}"
    return found, f"Profile {PROFILE}, {shown}. Made by python -m fourierconv.study run --profile {PROFILE}."
