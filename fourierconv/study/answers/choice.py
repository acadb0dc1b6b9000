"""What has to be known before accuracies are compared: the best fixed kernel, and whether trainings converged."""

from __future__ import annotations

from statistics import mean

import pandas as pd

from fourierconv.study import protocol
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.trainings import described
from fourierconv.study.statistics import MOST_GAINED

NOT_CHOSEN = "not chosen yet"


def best_fixed(evidence: Evidence) -> pd.DataFrame:
    """The fixed kernel with the best mean accuracy on images set aside, by data and size; ties go to the smaller one.

    A row per data and size of the full profile: `method`, None until all kernels have all their runs; `accuracy`, the
    best mean in percent; `runs` done and `wanted`.
    """
    rows, found = evidence.of("selection"), []
    (question,) = (own for own in protocol.questions("full") if own.name == "selection")
    wanted = described(question.configs)
    for (data, size), asked in wanted.groupby(["data", "size"], sort=False):
        own = rows[(rows["data"] == data) & (rows["size"] == size)]
        runs = {name: own.loc[own["method"] == name, "accuracy"].tolist() for name in protocol.FIXED}
        best = protocol.best_fixed(runs)
        accuracy = mean(runs[best]) if best else None
        found.append(
            {
                "data": data,
                "size": size,
                "method": best,
                "accuracy": accuracy,
                "runs": len(own),
                "wanted": len(asked),
            }
        )
    columns = ["data", "size", "method", "accuracy", "runs", "wanted"]
    return pd.DataFrame(found, columns=columns, dtype=object)  # else None would become a NaN


def best_of(chosen: pd.DataFrame, data: str, size: int) -> str | None:
    """The method that was chosen for a size of the data's images, None where none is yet."""
    found = chosen.loc[(chosen["data"] == data) & (chosen["size"] == size), "method"].dropna()
    return None if found.empty else str(found.item())


def converged(gain: float | None) -> str:
    """Say whether a training counts as converged.

    >>> converged(1.9), converged(2.1), converged(None)
    ('yes', 'no', 'not checked')
    """
    if gain is None:
        return "not checked"
    return "no" if gain > MOST_GAINED else "yes"


def doubled(rows: pd.DataFrame) -> float | None:
    """Accuracy after twice the training, of a cell's first seed; None where that is not known.

    >>> doubled(pd.DataFrame({"seed": [0, 1], "accuracy": [60.0, 70.0], "gain": [8.0, 8.0]}))
    68.0
    """
    gain, first = gain_of(rows), rows.loc[rows["seed"] == 0, "accuracy"]
    return None if gain is None or first.empty else float(first.iloc[0] + gain)


def gain_over_mean(rows: pd.DataFrame) -> float | None:
    """How far twice the training of the first seed is above the mean of a cell's runs; None where that is not known.

    >>> gain_over_mean(pd.DataFrame({"seed": [0, 1], "accuracy": [60.0, 70.0], "gain": [8.0, 8.0]}))
    3.0
    """
    reached = doubled(rows)
    return None if reached is None else float(reached - rows["accuracy"].mean())


def gain_of(rows: pd.DataFrame) -> float | None:
    """What twice the training adds to the runs of one cell, by their one control; None without it, or without runs."""
    return None if rows.empty else rows["gain"].iloc[0]
