"""What the committed claims do not show: differences whose interval does not lie above 0."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from IPython.display import HTML

from fourierconv.study import claims as claim_list
from fourierconv.study import frames, tables
from fourierconv.study.answers.trainings import NOT_RUN, worded
from fourierconv.study.claims import CLAIMS, read_expected
from fourierconv.study.experiments import classification
from fourierconv.study.protocol_claims import PROTOCOL_CLAIMS
from fourierconv.study.statistics import verdict
from fourierconv.study.store import Experiment, repository_root


def committed(profile: str) -> Path:
    """The folder of a profile's committed tables."""
    return repository_root() / "book" / "results" / profile


def not_above() -> HTML:
    """Show the quick profile's differences in points that do not beat what they are compared with."""
    found = read_expected(committed("quick") / "claims.csv")
    shown = [(claim, found[claim.name]) for claim in CLAIMS if claim.unit == "points" and claim.name in found]
    return _table("quick", [(worded(claim.statement), claim.show(own), verdict(own)) for claim, own in shown])


def not_above_protocol() -> HTML:
    """Show the same of the full profile, as far as it is run, with verdicts that know the controls of convergence."""
    experiment: Experiment = classification
    if not tables.files(experiment, committed("full"))[0].exists():
        return frames.html(pd.DataFrame({"": [NOT_RUN]}), "", "", 0)
    rows = {experiment.NAME: tables.read(experiment, committed("full")).rows}
    measured = claim_list.measure(PROTOCOL_CLAIMS, rows)
    shown = [
        (worded(claim.statement), claim.show(measured[claim.name]), claim.word(rows, measured[claim.name]))
        for claim in PROTOCOL_CLAIMS
        if claim.unit == "points" and claim.name in measured
    ]
    return _table("full", shown)


def _table(profile: str, shown: list[tuple[str, str, str]]) -> HTML:
    """The differences that do not beat, of all that are there."""
    rows = [own for own in shown if not own[2].startswith("beats")]
    note = f"{len(rows)} of {len(shown)} committed differences of the {profile} profile, 95 % intervals over seeds. "
    columns = ["statement", "measured", "verdict"]
    return frames.html(pd.DataFrame(rows, columns=columns), note + frames.command(profile), "", 2)
