"""Tables of contenders beside the classic kernels of the same network, all else equal: questions 3, 4 and 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fourierconv.study import frames
from fourierconv.study.answers.accuracies import CELL, SAME, compared, counted, summaries, within
from fourierconv.study.answers.evidence import Evidence
from fourierconv.study.answers.kernels import LAYERS
from fourierconv.study.answers.seeds import NUMBERS, paired, summed, text, verdict
from fourierconv.study.answers.trainings import NOT_RUN, narrowed
from fourierconv.study.claims import CLASSIC
from fourierconv.study.experiments.classification import LEVELS
from fourierconv.study.protocol import EPOCHS, PRIMARY_SIZE

CLASSICS = {"resnet18": "conv2d_3"}  # the network's own kernel where it is not `CLASSIC`
ABOVE = "points above conv2d"
LAYER, CHANNEL = (frames.label(f"scaled_{per}") for per in ("layer", "channel"))
PAIRS = (  # a change, and the contender that differs from it in the change alone, and in the rate that suits it
    (CHANNEL, LAYER),
    ("scaled, per group", LAYER),
    ("scaled, per group", CHANNEL),
    *((f"{LAYER}, {change}", LAYER) for change in ("from 2 px", "from 4 px")),
    *((f"{LAYER}, scale's rate ×{rate}", LAYER) for rate in (1, 3, 30)),
    *((frames.label("hermite"), other) for other in (LAYER, CHANNEL)),
    (frames.label("spacings"), CHANNEL),
    (frames.label("spline_open"), frames.label("bilinear")),
    (frames.label("spline_even"), frames.label("spline_open")),
    (frames.label("spline"), frames.label("spline_even")),
    (frames.label("spline"), frames.label("spline_open")),
    *((f"{CHANNEL}, {mode} padding", CHANNEL) for mode in ("circular", "reflect")),
)


def beside_classic(evidence: Evidence, *names: str) -> pd.DataFrame:
    """What the questions ask for, each contender beside the classic kernels of its network, all else equal.

    Columns contender, method, `classic` (whether it is those kernels itself), `accuracy` and `points` as texts, and the
    difference's mean, low, high, sd, n, the `wanted` seeds and the `verdict`.
    """
    found = []
    for _, asked in evidence.cells(*names).groupby([*CELL, "network"], sort=False):
        cell = asked.iloc[0].to_dict()
        classic = CLASSICS.get(cell["network"], CLASSIC)
        difference = compared(evidence, cell, classic, cell["network"])
        own, every = within(evidence.rows, cell), within(evidence.every, cell)
        means = counted(text(summed(own["accuracy"].tolist()), ".1f"), {"n": len(own), "wanted": len(every)})
        itself = cell["method"] == classic
        found.append(
            {
                **{name: difference[name] for name in ("contender", "method", *NUMBERS, "wanted", "verdict")},
                "classic": itself,
                "accuracy": means,
                "points": "–" if itself else difference["text"],
            }
        )
    return pd.DataFrame(
        found, columns=["contender", "method", *NUMBERS, "wanted", "verdict", "classic", "accuracy", "points"]
    )


def changes(evidence: Evidence) -> pd.DataFrame:
    """What each change of question 4 does: accuracy in percent, and points above classic kernels, all else equal."""
    found = beside_classic(evidence, "parts")[["contender", "accuracy", "points"]]
    return found.rename(columns={"accuracy": "accuracy, %", "points": ABOVE})


def alone(evidence: Evidence) -> pd.DataFrame:
    """What each change of question 4 does by itself: points above the same without it, over the seeds of both.

    A row per pair of `PAIRS`, with mean, low, high, sd and n; n is 0 where either is not run.
    """
    same = {"data": "letters", "size": PRIMARY_SIZE, "validation": 0, "epochs": EPOCHS}
    rows, found = narrowed(evidence.rows, **same), []
    for change, without in PAIRS:
        ours, theirs = (narrowed(rows, contender=name).drop_duplicates("seed") for name in (change, without))
        found.append({"contender": change, "without": without, **paired(ours, theirs)})
    return pd.DataFrame(found)


def by_themselves(evidence: Evidence) -> pd.DataFrame:
    """`alone` as a table."""
    rows = alone(evidence).to_dict("records")
    return pd.DataFrame(
        {
            "contender": [row["contender"] for row in rows],
            "points above": [row["without"] for row in rows],
            "points": [text(row, "+.1f") for row in rows],
            "seeds": [row["n"] for row in rows],
            "difference": [holds_zero(row) for row in rows],
        }
    )


def learned_spacings(evidence: Evidence) -> pd.DataFrame:
    """What one scale per layer ends at, unchanged, layer by layer: mean and interval over seeds, in pixels."""
    own = evidence.of("accuracy", data="letters", size=PRIMARY_SIZE, contender=LAYER).drop_duplicates("seed")
    layers = {f"layer {layer}": own[f"scale_{layer}"].dropna().astype(float).tolist() for layer in LAYERS}
    shown = {name: text(summed(values), ".1f", " px") for name, values in layers.items()}
    return pd.DataFrame([{"learned spacings": LAYER, **shown}])


def frozen(evidence: Evidence) -> pd.DataFrame:
    """Given spacings beside the learned one, all else equal: a row per spacing, as `compared` has it, above `learned`.

    `accuracy` is a text in percent; the learned one's is in its own row, the last, without a difference.
    """
    name = frames.label("scaled_layer")
    found, learned = [], evidence.rows.iloc[:0]
    for _, asked in evidence.cells("frozen").groupby("contender", sort=False):
        cell = asked.iloc[0].to_dict()
        same = {column: cell[column] for column in SAME}
        learned = narrowed(evidence.rows, contender=name, **same).drop_duplicates("seed")
        wanted = set(asked["seed"]) & set(narrowed(evidence.every, contender=name, **same)["seed"])
        own = within(evidence.rows, cell)
        accuracy = text(summed(own["accuracy"].tolist()), ".1f")
        found.append({**cell, **paired(own, learned), "wanted": len(wanted), "accuracy": accuracy})
    rest = {"contender": name, **summed([]), "wanted": 0, "accuracy": text(summed(learned["accuracy"].tolist()), ".1f")}
    return pd.DataFrame([*found, rest])


def given(evidence: Evidence) -> pd.DataFrame:
    """`frozen` as a table."""
    rows = frozen(evidence).to_dict("records")
    above = [f"{text(row, '+.1f')}" if row["wanted"] else "–" for row in rows]
    return pd.DataFrame(
        {
            "spacing": [row["contender"] for row in rows],
            "accuracy, %": [row["accuracy"] for row in rows],
            "points above the learned one": above,
            "seeds": [f"{row['n']} of {row['wanted']}" if row["wanted"] else "–" for row in rows],
        }
    )


def predecessor(evidence: Evidence) -> pd.DataFrame:
    """Question 3: accuracy, points above nn.Conv2d in the same network, in training, rate, and steps to accuracies."""
    found = beside_classic(evidence, "predecessor")
    runs = evidence.of("predecessor").groupby("contender").size()
    training = summaries(evidence, "train_accuracy", "predecessor").set_index("contender")
    found["training, %"] = [text(training.loc[name].to_dict(), ".1f") for name in found["contender"]]
    rates = evidence.cells("predecessor").groupby("contender")["lr"].first()
    found["rate"] = [f"{rates[name]:g}" for name in found["contender"]]
    for level in LEVELS:
        steps = summaries(evidence, f"steps_to_{level}", "predecessor").set_index("contender")
        found[f"steps to {level} %"] = [
            _steps(steps.loc[name].to_dict(), int(runs.get(name, 0))) for name in found["contender"]
        ]
    found["contender"] = found["method"].map(frames.label)  # the network is the same for all
    shown = ["contender", "accuracy", "points", "training, %", "rate", *(f"steps to {level} %" for level in LEVELS)]
    return found[shown].rename(columns={"accuracy": "accuracy, %", "points": ABOVE})


def coordinates(evidence: Evidence) -> pd.DataFrame:
    """Question 5: points of `spectral` above conv2d 5×5 with each optimizer, and whether the interval holds 0.

    Beside them, the largest difference of one seed, and how the two correlate over seeds.
    """
    rows, found = evidence.of(*evidence.asked), []
    for optimizer in ("sgd", "adam"):
        own = rows[rows["optimizer"] == optimizer].drop_duplicates(["method", "seed"])
        wanted = evidence.every[evidence.every["optimizer"] == optimizer]["seed"].nunique()
        difference = paired(own[own["method"] == "spectral"], own[own["method"] == CLASSIC])
        by_seed = own.pivot(index="seed", columns="method", values="accuracy").dropna().astype(float)
        apart = by_seed["spectral"] - by_seed[CLASSIC] if difference["n"] else pd.Series(dtype=float)
        several = difference["n"] > 2
        means = {name: summed(own.loc[own["method"] == name, "accuracy"].tolist()) for name in (CLASSIC, "spectral")}
        found.append(
            {
                "optimizer": optimizer.upper() if optimizer == "sgd" else "Adam",
                **{frames.label(name): text(mean, ".1f") for name, mean in means.items()},
                "spectral above conv2d 5×5, points": text(difference, "+.1f"),
                "difference": holds_zero(difference, wanted),
                "largest of a seed": f"{apart.abs().max():.1f}" if len(apart) else "–",
                "correlation": f"{by_seed['spectral'].corr(by_seed[CLASSIC]):.2f}" if several else "–",
            }
        )
    return pd.DataFrame(found)


def holds_zero(difference: Mapping[str, Any], wanted: int = 0) -> str:
    """Say on which side of 0 the interval of a difference lies.

    >>> holds_zero(summed([-0.1, 0.1, 0.2])), holds_zero(summed([3.0, 3.1])), holds_zero(summed([-3.0, -3.1]))
    ('the interval holds 0', 'above 0', 'below 0')
    >>> holds_zero(summed([1.0]))
    'one seed: no verdict'
    """
    if difference["n"] < max(wanted, 2):
        return verdict(dict(difference), wanted=wanted)
    if difference["low"] <= 0 <= difference["high"]:
        return "the interval holds 0"
    return "above 0" if difference["low"] > 0 else "below 0"


def _steps(steps: dict[str, Any], runs: int) -> str:
    if runs == 0:
        return NOT_RUN
    if steps["n"] == 0:
        return "never"
    return text(steps, ".0f") + (f", {runs - steps['n']} never" if steps["n"] < runs else "")
