"""Tables of accuracies and of their paired differences, against image size: what answers question 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fourierconv.study import frames
from fourierconv.study.answers import choice
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.seeds import ONE_SEED, grid, over_seeds, paired, summed, text, verdict
from fourierconv.study.answers.trainings import NAMES, NOT_RUN, narrowed, ordered
from fourierconv.study.claims import CLASSIC
from fourierconv.study.protocol import CONTENDERS, PRIMARY_SIZE, SIZES

HEADLINE = "scaled_channel"
CELL = ("data", "size", "method", "contender")
SAME = ("data", "size", "widths", "padding_mode", "train", "epochs", "validation")  # of what is compared
PLAIN = "convnet"


def accuracy(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Test accuracy in percent, contenders by image size, with the interval and the seeds that are left to run."""
    cells = summaries(evidence, "accuracy", *names, **where)
    cells["text"] = [counted(text(row, ".1f"), row) for row in cells.to_dict("records")]
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
    found = [
        compared(evidence, cell, baseline)
        for cell in _cells(evidence.of(*names, **where))
        if (cell["method"], cell["network"]) != (baseline, PLAIN)
    ]
    return grid(pd.DataFrame(found), "contender", "size", " px")


def against_best(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Points above the best fixed kernel of each size, which is named, with the verdict; or that none is chosen yet."""
    fixed, found = choice.best_fixed(evidence), []
    for cell in _cells(evidence.of(*names, **where)):
        if cell["method"].startswith("conv2d"):
            continue
        best = choice.best_of(fixed, cell["data"], cell["size"])
        difference = compared(evidence, cell, best)
        name = (
            choice.NOT_CHOSEN if best is None else f"{difference['text']}<br><small>from {frames.label(best)}</small>"
        )
        found.append({**difference, "text": name})
    return grid(pd.DataFrame(found), "contender", "size", " px")


def chosen(evidence: Evidence) -> pd.DataFrame:
    """The best fixed kernel of each size with its accuracy on images set aside, or how far the choice has come."""
    found = []
    for row in choice.best_fixed(evidence).to_dict("records"):
        best = f"{frames.label(row['method'])}, {row['accuracy']:.1f} %" if row["method"] else choice.NOT_CHOSEN
        runs = f"{row['runs']} of {row['wanted']}"
        found.append(
            {"data": NAMES[row["data"]], "image": f"{row['size']} px", "best fixed kernel": best, "runs": runs}
        )
    return pd.DataFrame(found)


def primary(evidence: Evidence) -> pd.DataFrame:
    """The four primary comparisons, whatever of them is known, with what twice the training adds to either side."""
    fixed, found = choice.best_fixed(evidence), []
    for data in CONTENDERS:
        best = choice.best_of(fixed, data, PRIMARY_SIZE)
        for name, shown in ((CLASSIC, frames.label(CLASSIC)), (best, best_name(best))):
            difference = versus(evidence, data, PRIMARY_SIZE, HEADLINE, name)
            adds = " / ".join("–" if gain is None else f"{gain:+.1f}" for gain in difference["gains"])
            found.append(
                {
                    "data": NAMES[data],
                    f"{frames.label(HEADLINE)}, against": shown,
                    "points": choice.NOT_CHOSEN if name is None else text(difference, "+.1f"),
                    "seeds": difference["n"],
                    "twice the training adds": adds,
                    "verdict": "–" if name is None else difference["verdict"],
                }
            )
    return pd.DataFrame(found)


def simpler(evidence: Evidence, data: str) -> list[dict[str, Any]]:
    """How far the headline's contender is above what could do as well without a learned size.

    Classic kernels on the same images made smaller, and two kinds of coordinates whose kernels have a fixed size. Each
    as `compared` has it, with its `name`.
    """
    smaller = [(CLASSIC, size) for size in SIZES if size < PRIMARY_SIZE]
    found = []
    for method, size in (*smaller, ("spectral", PRIMARY_SIZE), ("spline", PRIMARY_SIZE)):
        shown = frames.label(method) + (f" on images of {size} px" if size < PRIMARY_SIZE else "")
        found.append({**versus(evidence, data, PRIMARY_SIZE, HEADLINE, method, at=size), "name": shown})
    return found


def beside_simpler(evidence: Evidence) -> pd.DataFrame:
    """`simpler` on both data."""
    return pd.DataFrame(
        {
            "data": NAMES[data],
            f"{frames.label(HEADLINE)} at {PRIMARY_SIZE} px, against": row["name"],
            "points": text(row, "+.1f"),
            "seeds": row["n"],
            "verdict": row["verdict"],
        }
        for data in CONTENDERS
        for row in simpler(evidence, data)
    )


def best_name(best: str | None) -> str:
    """Name the best fixed kernel, which may be the classic one.

    >>> best_name("conv2d_11"), best_name("conv2d_5"), best_name(None)
    ('conv2d 11×11, the best fixed kernel', 'conv2d 5×5, which is the best fixed kernel', 'the best fixed kernel')
    """
    if best is None:
        return "the best fixed kernel"
    return f"{frames.label(best)}, {'which is ' * (best == CLASSIC)}the best fixed kernel"


def versus(
    evidence: Evidence,
    data: str,
    size: int,
    method: str,
    baseline: str | None,
    network: str = PLAIN,
    at: int | None = None,
) -> dict[str, Any]:
    """`compared` of a contender of question 1 with another, which may be in another network or at another size."""
    asked = evidence.every[evidence.every["config"].isin(evidence.asked["accuracy"])]
    asked = narrowed(asked, data=data, size=size, method=method, network=PLAIN)
    if asked.empty:
        return {**summed([]), "gains": (None, None), "wanted": 0, "verdict": NOT_RUN, "text": NOT_RUN}
    return compared(evidence, asked.iloc[0].to_dict(), baseline, network, at)


def convergence(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Points that twice the training adds, contenders by image size."""
    rows = ordered(evidence.of(*names, **where).drop_duplicates(list(CELL)))
    words = {"yes": "", "no": " not converged"}
    shown = ["not checked" if gain is None else f"{gain:+.1f}{words[choice.converged(gain)]}" for gain in rows["gain"]]
    return grid(rows.assign(text=shown), "contender", "size", " px")


def _cells(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Cells in the order of their methods, each as the fields of one of its runs."""
    return [dict(row) for row in ordered(rows.drop_duplicates(list(CELL))).to_dict("records")]


def within(rows: pd.DataFrame, cell: Mapping[str, Any]) -> pd.DataFrame:
    """Runs of a cell, one per seed, whichever question asks for them."""
    return narrowed(rows, **{name: cell[name] for name in (*CELL, *SAME)}).drop_duplicates("seed")


def beside(
    rows: pd.DataFrame, cell: Mapping[str, Any], method: str | None, network: str = PLAIN, at: int | None = None
) -> pd.DataFrame:
    """Runs of a contender that share everything with a cell but the method and, where given, network and size."""
    same = {name: cell[name] for name in SAME} | ({} if at is None else {"size": at})
    return narrowed(rows, method=method, network=network, optimizer="adam", **same).drop_duplicates("seed")


def compared(
    evidence: Evidence,
    cell: Mapping[str, Any],
    baseline: str | None,
    network: str = PLAIN,
    at: int | None = None,
) -> dict[str, Any]:
    """Sum up how far a cell is above a contender that shares all but the method, by the seeds that both have.

    The contender may be in another `network`, or `at` another size of the same images.

    Returns:
        The cell's fields, mean, low, high, sd and n as `paired` has them, `wanted` seeds, both sides' `gains` by twice
        the training, the `verdict`, and a `text`; n is 0 without a baseline.
    """
    own, others = within(evidence.rows, cell), beside(evidence.rows, cell, baseline, network, at)
    asked, theirs = within(evidence.every, cell), beside(evidence.every, cell, baseline, network, at)
    wanted = len(set(asked["seed"]) & set(theirs["seed"]))
    difference, both = paired(own, others), (choice.gain_of(own), choice.gain_of(others))
    word = verdict(difference, *both, wanted)
    points = f"{difference['mean']:+.1f}" if difference["n"] == 1 else text(difference, "+.1f")
    shown = NOT_RUN if difference["n"] == 0 else f"{points}<br><small>{word}</small>"
    return {**cell, **difference, "wanted": wanted, "gains": both, "verdict": word, "text": shown}


def counted(shown: str, row: Mapping[str, Any]) -> str:
    """A text with the seeds that are done, where some are and others not."""
    if 0 < row["n"] < row["wanted"]:
        return f"{shown.removesuffix(f' ({ONE_SEED})')}<br><small>{row['n']} of {row['wanted']} seeds</small>"
    return shown
