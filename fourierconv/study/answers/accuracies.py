"""Tables of accuracies and of their paired differences, against image size: what answers question 1."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pandas as pd

from fourierconv.study import frames
from fourierconv.study.answers import choice
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.seeds import ONE_SEED, grid, over_seeds, paired, summed, text, verdict
from fourierconv.study.answers.trainings import NAMES, NOT_RUN, narrowed, ordered
from fourierconv.study.claims import CLASSIC
from fourierconv.study.protocol import CAN_GROW, CONTENDERS, COORDINATES, FIXED, PRIMARY_SIZE, SIZES, TUNED_AT

HEADLINE = "scaled_channel"
CELL = ("data", "size", "method", "contender")
SAME = ("data", "size", "widths", "padding_mode", "train", "epochs", "validation")  # of what is compared
PLAIN = "convnet"


def accuracy(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Test accuracy in percent, contenders by image size, with interval and seeds, and how many numbers each learns."""
    cells = summaries(evidence, "accuracy", *names, **where)
    cells["text"] = [seeded(text(row, ".1f"), row) for row in cells.to_dict("records")]
    table = grid(cells, "contender", "size", " px")
    learned = evidence.of(*names, **where).groupby("contender")["parameters"].unique()
    counts = {
        name: " to ".join(f"{own:,}" for own in sorted({min(found), max(found)})) for name, found in learned.items()
    }
    if not table.empty:
        table["contender"] = [
            f"{name}<br><small>{counts[name]} parameters</small>" if name in counts else name
            for name in table["contender"]
        ]
    return table


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
    """Mean accuracy of every fixed kernel on images set aside, by size; the best one, which is chosen, is bold.

    None is bold until all have all their runs.
    """
    rows, found = evidence.of("selection"), []
    for row in choice.best_fixed(evidence).to_dict("records"):
        own = narrowed(rows, data=row["data"], size=row["size"])
        shown = {}
        for name in FIXED:
            mean = summed(own.loc[own["method"] == name, "accuracy"].tolist())
            said = f"{mean['mean']:.1f}" if mean["n"] else "–"
            shown[frames.label(name).removeprefix("conv2d ")] = f"<b>{said}</b>" if name == row["method"] else said
        runs = f"{row['runs']} of {row['wanted']}"
        found.append({"data": NAMES[row["data"]], "image": f"{row['size']} px", **shown, "runs": runs})
    return pd.DataFrame(found)


def primary(evidence: Evidence) -> pd.DataFrame:
    """The four primary comparisons, whatever of them is known, with what twice the training does to either side."""
    fixed, found = choice.best_fixed(evidence), []
    for data in CONTENDERS:
        best = choice.best_of(fixed, data, PRIMARY_SIZE)
        for name, shown in ((CLASSIC, frames.label(CLASSIC)), (best, best_name(best))):
            difference = versus(evidence, data, PRIMARY_SIZE, HEADLINE, name)
            adds = " / ".join("–" if gain is None else f"{gain:+.1f}" for gain in difference["gains"])
            ends = " / ".join("–" if reached is None else f"{reached:.1f}" for reached in difference["doubled"])
            found.append(
                {
                    "data": NAMES[data],
                    f"{frames.label(HEADLINE)}, against": shown,
                    "points": choice.NOT_CHOSEN if name is None else text(difference, "+.1f"),
                    "seeds": difference["n"],
                    "twice the training adds": adds,
                    "it ends at, ours / theirs": ends,
                    "verdict": "–" if name is None else difference["verdict"],
                }
            )
    return pd.DataFrame(found)


def simpler(evidence: Evidence, data: str) -> list[dict[str, Any]]:
    """How far the headline's contender is above what could do as well without a learned size.

    Classic kernels on the same images made smaller, two kinds of coordinates whose kernels have a fixed size, and both
    together. Each as `compared` has it, with its `name`.
    """
    smaller = [(CLASSIC, size) for size in SIZES if size < PRIMARY_SIZE]
    found = []
    for method, size in (*smaller, *((name, size) for size in (PRIMARY_SIZE, TUNED_AT) for name in COORDINATES)):
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
        words = dict.fromkeys(("verdict", "by mean", "text"), NOT_RUN)
        return {**summed([]), "wanted": 0, **dict.fromkeys(("gains", "doubled"), (None, None)), **words}
    return compared(evidence, asked.iloc[0].to_dict(), baseline, network, at)


def convergence(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Accuracy after twice the training, contenders by image size, with the points that it adds.

    They are added to that of the same seed; beside them, those above the mean of all seeds.
    """
    words = {"yes": "", "no": ", not converged"}
    found = []
    for cell in _cells(evidence.of(*names, **where)):
        own = within(evidence.rows, cell)
        gain, above, reached = choice.gain_of(own), choice.gain_over_mean(own), choice.doubled(own)
        if reached is None:
            found.append({**cell, "text": "not checked"})
            continue
        adds = f"{gain:+.1f}{words[choice.converged(gain)]}; over the mean {above:+.1f}"
        found.append({**cell, "text": f"{reached:.1f}<br><small>{adds}</small>"})
    return grid(pd.DataFrame(found), "contender", "size", " px")


def beside_best(evidence: Evidence) -> dict[tuple[str, str, int], dict[str, Any]]:
    """`compared` of every learned size with the best fixed kernel, by data, method and size: what question 1 judges."""
    fixed = choice.best_fixed(evidence)
    return {
        (data, method, size): versus(evidence, data, size, method, choice.best_of(fixed, data, size))
        for data, own in CONTENDERS.items()
        for method, size in product((name for name in own if name in CAN_GROW), SIZES)
    }


def headlines(evidence: Evidence, data: str) -> list[dict[str, Any]]:
    """`compared` of the headline's contender with the classic kernels, the best fixed and those of a deeper network.

    Each with its `name`; classic kernels that are the best fixed ones stand once.
    """
    best = choice.best_of(choice.best_fixed(evidence), data, PRIMARY_SIZE)
    found = [
        {**versus(evidence, data, PRIMARY_SIZE, HEADLINE, method), "name": name}
        for method, name in {CLASSIC: frames.label(CLASSIC), best: best_name(best)}.items()
        if method is not None
    ]
    deeper = versus(evidence, data, PRIMARY_SIZE, HEADLINE, CLASSIC, network="deeper")
    return [*found, {**deeper, "name": f"{frames.label(CLASSIC)} in the deeper network"}]


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
        the training and what they end at then (`doubled`), the `verdict`, that "by mean" if gains were over the means
        of all seeds, and a `text`; n is 0 without a baseline.
    """
    own, others = within(evidence.rows, cell), beside(evidence.rows, cell, baseline, network, at)
    asked, theirs = within(evidence.every, cell), beside(evidence.every, cell, baseline, network, at)
    wanted = len(set(asked["seed"]) & set(theirs["seed"]))
    difference, both = paired(own, others), (choice.gain_of(own), choice.gain_of(others))
    word = verdict(difference, *both, wanted)
    by_mean = verdict(difference, choice.gain_over_mean(own), choice.gain_over_mean(others), wanted)
    points = f"{difference['mean']:+.1f}" if difference["n"] == 1 else text(difference, "+.1f")
    shown = NOT_RUN if difference["n"] == 0 else f"{points}<br><small>{word}</small>"
    said = {"verdict": word, "by mean": by_mean, "text": shown}
    ends = {"gains": both, "doubled": (choice.doubled(own), choice.doubled(others))}
    return {**cell, **difference, "wanted": wanted, **ends, **said}


def seeded(shown: str, row: Mapping[str, Any]) -> str:
    """A text with the seeds that it is of, where there are several."""
    several = row["n"] > 1 and row["n"] == row["wanted"]
    return f"{shown}<br><small>{row['n']} seeds</small>" if several else counted(shown, row)


def counted(shown: str, row: Mapping[str, Any]) -> str:
    """A text with the seeds that are done, where some are and others not."""
    if 0 < row["n"] < row["wanted"]:
        return f"{shown.removesuffix(f' ({ONE_SEED})')}<br><small>{row['n']} of {row['wanted']} seeds</small>"
    return shown
