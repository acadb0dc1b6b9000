"""Comparisons of runs as data frames: intervals over seeds, paired differences, growth, and the tables of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

import pandas as pd
from IPython.display import Markdown

from fourierconv.study import statistics
from fourierconv.study.claims import CLASSIC
from fourierconv.study.frames import label
from fourierconv.study.statistics import Interval


def means(rows: pd.DataFrame, column: str, by: Sequence[str]) -> pd.DataFrame:
    """Return per group the mean over seeds of a column, with `low`, `high`, `sd`, `n` of its Student-t 95 % interval.

    Raises ValueError where a group has fewer than two rows.

    >>> rows = pd.DataFrame({"method": ["window"] * 3, "seed": [0, 1, 2], "accuracy": [1.0, 2.0, 3.0]})
    >>> means(rows, "accuracy", ["method"]).round(2).to_dict("records")
    [{'method': 'window', 'mean': 2.0, 'low': -0.48, 'high': 4.48, 'sd': 1.0, 'n': 3}]
    """
    groups = rows.groupby(list(by), sort=False)
    found = [
        {**dict(zip(by, key, strict=True)), **asdict(statistics.interval(group[column].tolist()))}
        for key, group in groups
    ]
    return pd.DataFrame(found, columns=[*by, *(field.name for field in fields(Interval))])


def medians(rows: pd.DataFrame, column: str, by: Sequence[str]) -> pd.DataFrame:
    """Return per group the `median` of a column, and all its values to two digits as the text `values`.

    >>> rows = pd.DataFrame({"method": ["window"] * 3, "ratio": [1.0, 3.0, 1.5]})
    >>> medians(rows, "ratio", ["method"]).to_dict("records")
    [{'method': 'window', 'median': 1.5, 'values': '1.00 3.00 1.50'}]
    """
    found = [
        {
            **dict(zip(by, key, strict=True)),
            "median": group[column].median(),
            "values": " ".join(f"{value:.2f}" for value in group[column]),
        }
        for key, group in rows.groupby(list(by), sort=False)
    ]
    return pd.DataFrame(found, columns=[*by, "median", "values"])


def differences(rows: pd.DataFrame, column: str = "accuracy", baseline: str = CLASSIC) -> pd.DataFrame:
    """Return, per size, contender and seed, how far a column is above the baseline's at the same seed: `difference`.

    Raises ValueError where the baseline is missing, or has other seeds.

    >>> rows = pd.DataFrame({"size": 32, "method": ["conv2d_5", "window"], "seed": 0, "accuracy": [0.5, 0.75]})
    >>> differences(rows).to_dict("records")
    [{'size': 32, 'method': 'window', 'seed': 0, 'difference': 0.25}]
    """
    found = []
    for size, group in rows.groupby("size", sort=False):
        shares = {name: dict(zip(own["seed"], own[column], strict=True)) for name, own in group.groupby("method")}
        if baseline not in shares:
            raise ValueError(f"the rows of size {size} hold {', '.join(shares)}, not the baseline {baseline}")
        for method in group["method"].unique():
            if method != baseline:
                paired = statistics.paired_differences(shares[method], shares[baseline])
                seeds = sorted(shares[method])
                found += [
                    {"size": size, "method": method, "seed": seed, "difference": difference}
                    for seed, difference in zip(seeds, paired, strict=True)
                ]
    return pd.DataFrame(found, columns=["size", "method", "seed", "difference"])


def verdicts(rows: pd.DataFrame, baseline: str = CLASSIC) -> pd.DataFrame:
    """Return `means` of the paired differences in accuracy from the baseline, with the `verdict` they allow."""
    compared = means(differences(rows, baseline=baseline), "difference", ["size", "method"])
    names = [field.name for field in fields(Interval)]
    compared["verdict"] = [statistics.verdict(Interval(**row)) for row in compared[names].to_dict("records")]
    return compared


def slopes(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return, per contender, column and seed, the log-log `slope` of the column against size; empty for one size.

    >>> rows = pd.DataFrame({"size": [32, 64], "method": "window", "seed": 0, "extent_3": [4.0, 8.0]})
    >>> slopes(rows, ["extent_3"]).round(6).to_dict("records")
    [{'method': 'window', 'column': 'extent_3', 'seed': 0, 'slope': 1.0}]
    """
    several = rows["size"].nunique() > 1
    found = [
        {
            "method": method,
            "column": column,
            "seed": seed,
            "slope": statistics.loglog_slope(dict(zip(group["size"], group[column], strict=True))),
        }
        for (method, seed), group in rows.groupby(["method", "seed"], sort=False)
        for column in columns
        if several
    ]
    return pd.DataFrame(found, columns=["method", "column", "seed", "slope"])


def cross(frame: pd.DataFrame, template: str, index: str, columns: str) -> pd.DataFrame:
    """Return a table of texts: the template, filled from each row, at the row's place; groups keep their order.

    >>> frame = pd.DataFrame({"method": ["window"], "size": [32], "mean": [1.234]})
    >>> cross(frame, "{mean:.1f} px", "method", "size").loc["window", 32]
    '1.2 px'
    """
    texts = frame.assign(text=[template.format(**row) for row in frame.to_dict("records")])
    table = texts.pivot(index=index, columns=columns, values="text")
    return table.reindex(index=frame[index].unique(), columns=frame[columns].unique()).fillna("")


def sentences(frame: pd.DataFrame, template: str) -> Markdown:
    """Show one bullet per row: the template, filled from the row; `label` is the name of the row's contender.

    >>> sentences(pd.DataFrame({"method": ["window"], "mean": [1.234]}), "{label}: {mean:.1f} px").data
    '- window: 1.2 px'
    """
    rows = frame.to_dict("records")
    return Markdown("\n".join("- " + template.format(**row, label=label(row["method"])) for row in rows))
