"""The search for learning rates: what each contender reached on images set aside, and which rate was taken."""

from __future__ import annotations

import pandas as pd
from IPython.display import HTML

from fourierconv.study import frames, protocol
from fourierconv.study.answers import evidence
from fourierconv.study.answers.trainings import NOT_RUN, contender, ordered
from fourierconv.study.experiments.classification import Config
from fourierconv.study.store import repository_root

PROFILE = "tuning"


def searched(data: str) -> HTML:
    """Show the search on 'letters' or 'imagenette': accuracy in percent by rate, seed by seed, and the rate taken."""
    folder = repository_root() / "book" / "results" / PROFILE
    asked = [config for config in protocol.configs(PROFILE) if config.data == data]
    found = evidence.finished(folder, {PROFILE: asked})
    if not found:
        return frames.html(pd.DataFrame({"": [NOT_RUN]}), "", "", 0)
    groups: dict[str, list[Config]] = {}
    for config in asked:
        groups.setdefault(contender(config), []).append(config)
    rows = []
    for name, configs in groups.items():
        first, cells = configs[0], {}
        for lr in sorted({config.lr for config in found if config.lr is not None}):
            reached = [f"{found[config]['accuracy']:.1f}" for config in configs if config.lr == lr and config in found]
            cells[f"{lr:g}"] = " / ".join(reached)
        whole = all(config in found for config in configs)
        taken = f"{protocol.rate(data, first.method, first.optimizer, first.network):g}" if whole else "–"
        rows.append({"method": first.method, "contender": name, **cells, "taken": taken})
    provenance, banner = evidence.origin(folder)
    note = evidence.note(PROFILE, found, set(asked), provenance)
    return frames.html(ordered(pd.DataFrame(rows)).drop(columns="method"), note, banner, 2)
