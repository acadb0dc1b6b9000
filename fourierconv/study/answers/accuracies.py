"""Tables of accuracies and their paired differences: what answers questions 1, 3, 4 and 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fourierconv.study import frames
from fourierconv.study.answers import choice
from fourierconv.study.answers.evidence import NOT_RUN, Evidence, narrowed, ordered
from fourierconv.study.answers.seeds import NUMBERS, grid, over_seeds, paired, summed, text, verdict
from fourierconv.study.claims import CLASSIC
from fourierconv.study.experiments.classification import LEVELS
from fourierconv.study.statistics import MATCH_MARGIN

HEADLINE = "scaled_channel"
PRIMARY_SIZE = 128  # pixels
CELL = ("data", "size", "method", "contender")
SAME = ("data", "size", "padding_mode", "train", "epochs", "validation")  # of what is compared
PLAIN = "convnet"
ABOVE = "points above conv2d"
CLASSICS = {"resnet18": "conv2d_3"}  # the network's own kernel where it is not `CLASSIC`


def accuracy(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Test accuracy in percent, contenders by image size, with the interval and the seeds that are left to run."""
    cells = summaries(evidence, "accuracy", *names, **where)
    cells["text"] = [_counted(text(row, ".1f"), row) for row in cells.to_dict("records")]
    return grid(cells, "contender", "size", " px")


def summaries(evidence: Evidence, column: str, *names: str, **where: Any) -> pd.DataFrame:
    """A column over seeds, of every cell that the questions ask for, run or not, with `wanted` seeds."""
    asked = evidence.cells(*names, **where).drop_duplicates([*CELL, "seed"])
    wanted = asked.groupby(list(CELL), sort=False).size().rename("wanted").reset_index()
    rows = evidence.of(*names, **where).drop_duplicates([*CELL, "seed"])
    found = wanted.merge(over_seeds(rows, column, CELL), on=list(CELL), how="left")
    return ordered(found.assign(n=found["n"].fillna(0).astype(int))).reset_index(drop=True)


def against(evidence: Evidence, *names: str, baseline: str = CLASSIC, **where: Any) -> pd.DataFrame:
    """Points above a contender of the plain network at the same size and seed, with the verdict, by image size."""
    every = choice.marked(evidence, evidence.rows)
    found = [
        _compared(cell, own, _beside(every, cell, baseline))
        for cell, own in _by_cell(choice.marked(evidence, evidence.of(*names, **where)))
        if (cell["method"], cell["network"]) != (baseline, PLAIN)
    ]
    return grid(pd.DataFrame(found), "contender", "size", " px")


def against_best(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Points above the best fixed kernel of each size, which is named, with the verdict; or that none is chosen yet."""
    every = choice.marked(evidence, evidence.rows)
    fixed, found = choice.best_fixed(evidence), []
    for cell, own in _by_cell(choice.marked(evidence, evidence.of(*names, **where))):
        if cell["method"].startswith("conv2d"):
            continue
        best = choice.best_of(fixed, cell["data"], cell["size"])
        compared = _compared(cell, own, _beside(every, cell, best))
        name = choice.NOT_CHOSEN if best is None else f"{compared['text']}<br><small>from {frames.label(best)}</small>"
        found.append({**compared, "text": name})
    return grid(pd.DataFrame(found), "contender", "size", " px")


def chosen(evidence: Evidence) -> pd.DataFrame:
    """The best fixed kernel of each size with its accuracy on images set aside, or how far the choice has come."""
    found = []
    for row in choice.best_fixed(evidence).to_dict("records"):
        best = f"{frames.label(row['method'])}, {row['accuracy']:.1f} %" if row["method"] else choice.NOT_CHOSEN
        runs = f"{row['runs']} of {row['wanted']}"
        found.append({"data": row["data"], "image": f"{row['size']} px", "best fixed kernel": best, "runs": runs})
    return pd.DataFrame(found)


def primary(evidence: Evidence) -> pd.DataFrame:
    """The four primary comparisons, whatever of them is known."""
    every = choice.marked(evidence, evidence.rows)
    fixed, found = choice.best_fixed(evidence), []
    for data in ("letters", "imagenette"):
        ours = every[every["config"].isin(evidence.of("accuracy")["config"])]
        ours = narrowed(ours, data=data, size=PRIMARY_SIZE, method=HEADLINE)
        best = choice.best_of(fixed, data, PRIMARY_SIZE)
        for name, shown in ((CLASSIC, frames.label(CLASSIC)), (best, "the best fixed kernel")):
            theirs = _beside(every, ours.iloc[0].to_dict(), name) if len(ours) else ours
            difference = paired(ours, theirs)
            found.append(
                {
                    "data": data,
                    f"{frames.label(HEADLINE)}, against": shown if name is None else frames.label(name),
                    "points": choice.NOT_CHOSEN if name is None else text(difference, "+.1f"),
                    "seeds": difference["n"],
                    "verdict": "–" if name is None else verdict(difference, [*ours["converged"], *theirs["converged"]]),
                }
            )
    return pd.DataFrame(found)


def convergence(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Points that twice the training adds, contenders by image size."""
    rows = ordered(evidence.of(*names, **where).drop_duplicates(list(CELL)))
    words = {"yes": "", "no": " not converged"}
    shown = [
        "not checked" if gain is None else f"{gain:+.1f}{words[choice.converged(gain)]}"
        for gain in choice.gains(evidence, rows["config"])
    ]
    return grid(rows.assign(text=shown), "contender", "size", " px")


def beside_classic(evidence: Evidence, *names: str) -> pd.DataFrame:
    """What the questions ask for, each contender beside the classic kernels of its network, all else equal.

    Columns contender, method, `classic` (whether it is those kernels itself), `accuracy` and `points` as texts, and the
    difference's mean, low, high, sd, n.
    """
    every, found = choice.marked(evidence, evidence.rows), []
    for _, asked in evidence.cells(*names).groupby([*CELL, "network"], sort=False):
        cell, own = asked.iloc[0].to_dict(), every[every["config"].isin(set(asked["config"]))]
        classic = CLASSICS.get(cell["network"], CLASSIC)
        compared = _compared(cell, own, _beside(every, cell, classic, cell["network"]))
        means = _counted(text(summed(own["accuracy"].tolist()), ".1f"), {"n": len(own), "wanted": len(asked)})
        itself = cell["method"] == classic
        found.append(
            {
                **{name: compared[name] for name in ("contender", "method", *NUMBERS)},
                "classic": itself,
                "accuracy": means,
                "points": "–" if itself else compared["text"],
            }
        )
    return pd.DataFrame(found, columns=["contender", "method", *NUMBERS, "classic", "accuracy", "points"])


def changes(evidence: Evidence) -> pd.DataFrame:
    """What each change of question 4 does: accuracy in percent, and points above classic kernels, all else equal."""
    found = beside_classic(evidence, "parts")[["contender", "accuracy", "points"]]
    return found.rename(columns={"accuracy": "accuracy, %", "points": ABOVE})


def predecessor(evidence: Evidence) -> pd.DataFrame:
    """Question 3: accuracy, points above nn.Conv2d in the same network, and steps to accuracies in training."""
    found = beside_classic(evidence, "predecessor")[["contender", "accuracy", "points"]]
    runs = evidence.of("predecessor").groupby("contender").size()
    for level in LEVELS:
        steps = summaries(evidence, f"steps_to_{level}", "predecessor").set_index("contender")
        found[f"steps to {level} %"] = [
            _steps(steps.loc[name].to_dict(), int(runs.get(name, 0))) for name in found["contender"]
        ]
    return found.rename(columns={"accuracy": "accuracy, %", "points": ABOVE})


def coordinates(evidence: Evidence) -> pd.DataFrame:
    """Question 5: points of `spectral` above conv2d 5×5 with each optimizer, and whether they tie."""
    rows, found = evidence.of(*evidence.asked), []
    for optimizer in ("sgd", "adam"):
        own = rows[rows["optimizer"] == optimizer].drop_duplicates(["method", "seed"])
        difference = paired(own[own["method"] == "spectral"], own[own["method"] == CLASSIC])
        means = {name: summed(own.loc[own["method"] == name, "accuracy"].tolist()) for name in (CLASSIC, "spectral")}
        found.append(
            {
                "optimizer": optimizer.upper() if optimizer == "sgd" else "Adam",
                **{frames.label(name): text(mean, ".1f") for name, mean in means.items()},
                "spectral above conv2d 5×5, points": text(difference, "+.1f"),
                "within ±0.5": tie(difference),
            }
        )
    return pd.DataFrame(found)


def tie(difference: Mapping[str, Any]) -> str:
    """Say where the interval of a difference lies, relative to ±`MATCH_MARGIN` points.

    >>> tie(summed([0.1, 0.1, 0.2])), tie(summed([3.0, 3.1])), tie(summed([-3.0, 3.0])), tie(summed([1.0]))
    ('yes', 'no', 'undecided', 'one seed: no verdict')
    """
    if difference["n"] < 2:
        return verdict(dict(difference))
    low, high = difference["low"], difference["high"]
    if low >= -MATCH_MARGIN and high <= MATCH_MARGIN:
        return "yes"
    return "no" if low > MATCH_MARGIN or high < -MATCH_MARGIN else "undecided"


def _by_cell(rows: pd.DataFrame) -> list[tuple[dict[str, Any], pd.DataFrame]]:
    """Cells in the order of their methods, each as the fields of one run and all its runs."""
    groups = ordered(rows.drop_duplicates([*CELL, "seed"])).groupby(list(CELL), sort=False)
    return [(own.iloc[0].to_dict(), own) for _, own in groups]


def _beside(rows: pd.DataFrame, cell: Mapping[str, Any], method: str | None, network: str = PLAIN) -> pd.DataFrame:
    """Runs of a contender that share everything with a cell but the method and, where it is given, the network."""
    same = {name: cell[name] for name in SAME}
    return narrowed(rows, method=method, network=network, optimizer="adam", **same).drop_duplicates("seed")


def _compared(cell: dict[str, Any], own: pd.DataFrame, others: pd.DataFrame) -> dict[str, Any]:
    difference = paired(own, others)
    word = verdict(difference, [*own["converged"], *others["converged"]])
    points = f"{difference['mean']:+.1f}" if difference["n"] == 1 else text(difference, "+.1f")
    shown = NOT_RUN if difference["n"] == 0 else f"{points}<br><small>{word}</small>"
    return {**cell, **difference, "verdict": word, "text": shown}


def _counted(shown: str, row: Mapping[str, Any]) -> str:
    """A text with the seeds that are done, where some are and others not."""
    partly = 0 < row["n"] < row["wanted"]
    return f"{shown}<br><small>{row['n']} of {row['wanted']} seeds</small>" if partly else shown


def _steps(steps: dict[str, Any], runs: int) -> str:
    if runs == 0:
        return NOT_RUN
    if steps["n"] == 0:
        return "never"
    return text(steps, ".0f") + (f", {runs - steps['n']} never" if steps["n"] < runs else "")
