"""Tables of accuracy at other sizes and beside its cost: what answers questions 6 and 9."""

from __future__ import annotations

from itertools import product
from typing import Any

import pandas as pd

from fourierconv.study.answers.accuracies import CELL, PLAIN, summaries
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.seeds import NUMBERS, grid, over_seeds, paired, text
from fourierconv.study.answers.trainings import narrowed, ordered
from fourierconv.study.claims import CLASSIC
from fourierconv.study.experiments.classification import TEST_SIZES

SENSES = {"pixels": "kernels as they are", "image": "kernels resized"}


def at_sizes(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Test accuracy of networks at other sizes, over seeds: CELL, sense, test_size, mean, low, high, sd, n.

    At the size of the training both senses are the same network. A sense that a contender does not have is left out.
    """
    rows, found = evidence.of(*names, **where), []
    for sense in SENSES:
        for size in TEST_SIZES:
            own = rows[rows["size"] != size].rename(columns={f"accuracy_{sense}_{size}": "at"})
            trained = rows[rows["size"] == size].rename(columns={"accuracy": "at"})
            for part in (own, trained):
                means = over_seeds(part.drop_duplicates([*CELL, "seed"]), "at", CELL)
                found.append(means[means["n"] > 0].assign(sense=sense, test_size=size))
    table = ordered(pd.concat(found))
    several = table.groupby([*CELL, "sense"])["test_size"].transform("nunique") > 1
    return table[several].reset_index(drop=True)


def other_sizes(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Test accuracy in percent, contenders in both senses of `resize` by the size of the test images."""
    found = at_sizes(evidence, *names, **where)
    found["text"] = [text(row, ".1f") for row in found.to_dict("records")]
    found["network"] = [f"{row.contender}, {SENSES[row.sense]}" for row in found.itertuples()]
    return grid(found, "network", "test_size", " px")


def above_classic(evidence: Evidence, *names: str) -> pd.DataFrame:
    """Points above conv2d 5×5 of the plain network at sizes that neither was trained on, by data, contender and sense.

    Columns data, method, contender, sense, test_size, mean, low, high, sd, n and the `wanted` seeds. conv2d 5×5
    itself has one sense only.
    """
    rows, found = evidence.of(*names), []
    plain = rows[rows["network"] == PLAIN]
    for (data, trained), own in plain.groupby(["data", "size"], sort=False):
        classic = narrowed(own, method=CLASSIC)
        for method, sense, size in product(own["method"].unique(), SENSES, (n for n in TEST_SIZES if n != trained)):
            ours = narrowed(own, method=method).dropna(subset=[f"accuracy_{sense}_{size}"])
            theirs = classic.assign(**{f"accuracy_{sense}_{size}": classic[f"accuracy_pixels_{size}"]})
            if method == CLASSIC or ours.empty:
                continue
            named = {"data": data, "method": method, "contender": ours["contender"].iloc[0]}
            difference = paired(ours, theirs, f"accuracy_{sense}_{size}")
            asked = evidence.cells(*names, data=data, method=(method, CLASSIC), network=PLAIN)
            wanted = int(asked.groupby("method")["seed"].nunique().min())
            found.append({**named, "sense": sense, "test_size": size, **difference, "wanted": wanted})
    return pd.DataFrame(found, columns=["data", "method", "contender", "sense", "test_size", *NUMBERS, "wanted"])


def above_classic_table(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Points above conv2d 5×5, contenders in both senses of `resize` by the size of the test images."""
    found = narrowed(above_classic(evidence, *names), **where)
    found["text"] = [text(row, "+.1f") for row in found.to_dict("records")]
    found["network"] = [f"{row.contender}, {SENSES[row.sense]}" for row in found.itertuples()]
    return grid(found, "network", "test_size", " px")


def costs(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Per contender of one size: mean accuracy, and the time of a training step, by machine.

    Columns data, size, method, contender, machine, accuracy (percent), low, high, n, and of the step's time the median
    over runs, ms, the least and the most; runs whose steps were not timed are left out.
    """
    rows = evidence.of(*names, **where).drop_duplicates([*CELL, "seed"])
    timed = rows[rows["step_s"].notna() & rows["machine"].notna()]
    by = [*CELL, "machine"]
    cells = timed.groupby(by, sort=False)
    steps = cells["step_s"].agg(["median", "min", "max"]).astype(float).mul(1000).reset_index()
    steps = steps.rename(columns={"median": "ms", "min": "least", "max": "most"})
    accuracies = summaries(evidence, "accuracy", *names, **where).drop(columns=["wanted", "sd"])
    return accuracies.rename(columns={"mean": "accuracy"}).merge(steps, on=list(CELL))


def cost_table(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """`costs` as texts; the machine is named where there are several."""
    found, rows = costs(evidence, *names, **where), []
    for row in found.to_dict("records"):
        mean = {"mean": row["accuracy"], **{name: row[name] for name in ("low", "high", "n")}}
        machine = {"machine": row["machine"]} if found["machine"].nunique() > 1 else {}
        runs = f"{row['least']:.0f} to {row['most']:.0f}"
        own = {"contender": row["contender"], "accuracy, %": text(mean, ".1f"), "step, ms": f"{row['ms']:.0f}"}
        rows.append({**own, "single runs, ms": runs, **machine})
    return pd.DataFrame(rows, columns=None if rows else ["contender", "accuracy, %", "step, ms", "single runs, ms"])
