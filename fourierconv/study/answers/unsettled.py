"""What the committed claims do not show: differences whose interval does not lie above 0."""

from __future__ import annotations

import pandas as pd
from IPython.display import HTML

from fourierconv.study import frames
from fourierconv.study.claims import CLAIMS, read_expected
from fourierconv.study.statistics import verdict
from fourierconv.study.store import repository_root


def not_above() -> HTML:
    """Show the quick profile's differences in points that do not beat what they are compared with."""
    found = read_expected(repository_root() / "book" / "results" / "quick" / "claims.csv")
    shown = [(claim, found[claim.name]) for claim in CLAIMS if claim.unit == "points" and claim.name in found]
    rows = [
        {"statement": claim.statement, "measured": claim.show(own), "verdict": verdict(own)}
        for claim, own in shown
        if verdict(own) != "beats"
    ]
    note = f"{len(rows)} of {len(shown)} committed differences of the quick profile, 95 % intervals over seeds."
    return frames.html(pd.DataFrame(rows, columns=["statement", "measured", "verdict"]), note, "", 2)
