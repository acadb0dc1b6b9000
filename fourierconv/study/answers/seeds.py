"""Means and paired differences over whatever seeds there are, and the words that they allow: one has no interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from fourierconv.study import statistics
from fourierconv.study.answers.trainings import NOT_RUN
from fourierconv.study.statistics import Interval

ONE_SEED = "one seed"
NUMBERS = ("mean", "low", "high", "sd", "n")


def summed(values: Sequence[float]) -> dict[str, Any]:
    """Mean, interval and number of one value per seed; without limits for one seed, without a mean for none.

    >>> {name: round(value, 2) for name, value in summed([1.0, 2.0, 3.0]).items()}
    {'mean': 2.0, 'low': -0.48, 'high': 4.48, 'sd': 1.0, 'n': 3}
    >>> summed([1.5])
    {'mean': 1.5, 'low': nan, 'high': nan, 'sd': nan, 'n': 1}
    """
    if len(values) > 1:
        return asdict(statistics.interval(values))
    return dict(zip(NUMBERS, (*(values or [math.nan]), *[math.nan] * 3, len(values)), strict=True))


def over_seeds(rows: pd.DataFrame, column: str, by: Sequence[str]) -> pd.DataFrame:
    """Per group, `summed` of a column over its runs that have one; a group of none has n = 0.

    >>> rows = pd.DataFrame({"size": [32, 32, 64], "accuracy": [1.0, 3.0, None]})
    >>> over_seeds(rows, "accuracy", ["size"])[["size", "mean", "n"]].to_dict("records")
    [{'size': 32, 'mean': 2.0, 'n': 2}, {'size': 64, 'mean': nan, 'n': 0}]
    """
    found = [
        {**dict(zip(by, group, strict=True)), **summed(own[column].dropna().astype(float).tolist())}
        for group, own in rows.groupby(list(by), sort=False)
    ]
    return pd.DataFrame(found, columns=[*by, *NUMBERS])


def paired(ours: pd.DataFrame, theirs: pd.DataFrame, column: str = "accuracy") -> dict[str, Any]:
    """Sum up how far a column of some runs is above that of others, over the seeds that both have.

    >>> ours = pd.DataFrame({"seed": [0, 1, 2], "accuracy": [90.0, 91.0, 92.0]})
    >>> paired(ours, pd.DataFrame({"seed": [1], "accuracy": [90.5]}))["mean"]
    0.5
    """
    ours, theirs = (dict(zip(rows["seed"], rows[column], strict=True)) for rows in (ours, theirs))
    both = ours.keys() & theirs.keys()
    own, others = ({seed: rows[seed] for seed in both} for rows in (ours, theirs))
    return summed(statistics.paired_differences(own, others))


def verdict(difference: dict[str, Any], ours: float | None = None, theirs: float | None = None, wanted: int = 0) -> str:
    """Say what a difference of accuracies allows to say.

    Args:
        difference: in points, as `paired` sums it up.
        ours, theirs: points that twice the training adds to either side; None where that was not checked.
        wanted: seeds that both sides are to have; with fewer there is no verdict yet.

    >>> verdict(summed([1.0, 1.1, 1.2]), 0.5, 0.5), verdict(summed([1.0, 1.1, 1.2]), 0.5, 0.5, wanted=5)
    ('beats', '3 of 5 seeds: no verdict')
    >>> verdict(summed([1.0]), 0.5, 0.5), verdict(summed([1.0]), 0.5, 3.0), verdict(summed([]))
    ('one seed: no verdict', 'not converged: no claim', 'not run yet')
    """
    if difference["n"] == 0:
        return NOT_RUN
    if difference["n"] < wanted:
        return f"{difference['n']} of {wanted} seeds: no verdict"
    if difference["n"] == 1:
        slow = max(ours or 0.0, theirs or 0.0) > statistics.MOST_GAINED
        return statistics.NO_CLAIM if slow else f"{ONE_SEED}: no verdict"
    return statistics.verdict_beside_controls(Interval(**difference), ours, theirs)


def text(found: dict[str, Any], form: str, unit: str = "") -> str:
    """Write a mean and its interval, or say that there is one seed, or none.

    >>> text(summed([1.0, 2.0, 3.0]), "+.1f"), text(summed([1.5]), ".1f", " px"), text(summed([]), ".1f")
    ('+2.0 [-0.5, +4.5]', '1.5 px (one seed)', 'not run yet')
    """
    if found["n"] == 0:
        return NOT_RUN
    if found["n"] == 1:
        return f"{found['mean']:{form}}{unit} ({ONE_SEED})"
    return f"{found['mean']:{form}}{unit} [{found['low']:{form}}, {found['high']:{form}}]"


def grid(frame: pd.DataFrame, index: str, columns: str, ending: str = "") -> pd.DataFrame:
    """A table of the frame's `text`, in the order of its first appearance; '' where there is none.

    >>> frame = pd.DataFrame({"contender": ["window"] * 2, "size": [64, 32], "text": ["b", "a"]})
    >>> grid(frame, "contender", "size", " px").to_dict("records")
    [{'contender': 'window', '32 px': 'a', '64 px': 'b'}]
    """
    if frame.empty:
        return pd.DataFrame(columns=[index])
    table = frame.pivot(index=index, columns=columns, values="text")
    ordered = table.reindex(index=frame[index].unique(), columns=sorted(frame[columns].unique())).fillna("")
    return ordered.rename(columns=lambda name: f"{name}{ending}").rename_axis(columns=None).reset_index()
