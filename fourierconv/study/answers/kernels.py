"""Tables of extents and scales: what answers questions 2, 7 and 8."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pandas as pd
import torch
from torch import nn

from fourierconv.study import frames, statistics
from fourierconv.study.answers import choice
from fourierconv.study.answers.accuracies import CELL, PLAIN, summaries
from fourierconv.study.answers.evidence import EXPERIMENT, Evidence
from fourierconv.study.answers.seeds import ONE_SEED, grid, summed, text
from fourierconv.study.answers.trainings import NAMES, NETWORKS, NOT_RUN, narrowed, ordered
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import SIDES, Config, joined
from fourierconv.study.methods import METHODS
from fourierconv.study.models import SPREAD, convolutions, layer_scale, spread
from fourierconv.study.models import extents as model_extents
from fourierconv.study.protocol import PRIMARY_SIZE, WIDTHS
from fourierconv.study.statistics import Interval

LAYERS = (1, 2, 3)  # of the plain network
LAST = LAYERS[-1]
SHRUNK = 2 ** (LAST - 1)  # pixels of the image per pixel of the last layer's input
NO_SEED = "no seed has all sizes yet"
OWN = ["data", "contender", "method"]


def slopes(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Log-log slopes of extent against image size, per contender, layer and seed, over all sizes that are asked for.

    Columns data, contender, method, layer, seed, slope; seeds that lack a size have none.
    """
    cells, rows = evidence.cells(*names, **where), evidence.of(*names, **where)
    rows, found = rows[rows["network"] == PLAIN], []
    for group, asked in cells[cells["network"] == PLAIN].groupby(OWN, sort=False):
        named, sizes = dict(zip(OWN, group, strict=True)), set(asked["size"])
        own = rows[(rows["data"] == named["data"]) & (rows["contender"] == named["contender"])]
        for seed, runs in own.drop_duplicates(["size", "seed"]).groupby("seed"):
            if len(sizes) < 2 or set(runs["size"]) != sizes:
                continue
            for layer in LAYERS:
                values = dict(zip(runs["size"].astype(float), runs[f"extent_{layer}"], strict=True))
                slope = statistics.loglog_slope(values)
                found.append({**named, "layer": layer, "seed": seed, "slope": slope})
    return pd.DataFrame(found, columns=[*OWN, "layer", "seed", "slope"])


def slope_table(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Slopes with intervals, contenders by layer, and what that of the last layer says."""
    asked, per_seed = evidence.cells(*names, **where), slopes(evidence, *names, **where)
    begun = set(evidence.of(*names, **where)["contender"])
    asked = ordered(asked[asked["network"] == PLAIN].drop_duplicates("method"))
    found = []
    for cell in asked.to_dict("records"):
        own = per_seed[per_seed["contender"] == cell["contender"]]
        row = {layer: summed(own.loc[own["layer"] == layer, "slope"].tolist()) for layer in LAYERS}
        layers = {f"layer {layer}": text(mean, ".2f") for layer, mean in row.items()}
        wanted = seeds_of_slopes(evidence, *names, data=cell["data"], contender=cell["contender"])
        found.append({"contender": cell["contender"], **layers, f"layer {LAST} grows": growth(row[LAST], wanted)})
        if cell["contender"] in begun and row[LAST]["n"] == 0:
            found[-1] |= dict.fromkeys(layers, NO_SEED)
    return pd.DataFrame(found)


def growth(slope: Mapping[str, Any], wanted: int = 0) -> str:
    """Say what the interval of a slope says, once all wanted seeds are there.

    >>> growth(summed([0.9, 1.0, 1.1])), growth(summed([0.9, 1.0, 1.1]), 5), growth(summed([1.0])), growth(summed([]))
    ('as the image', '3 of 5 seeds: no verdict', 'one seed: no verdict', 'not run yet')
    """
    if slope["n"] == 0:
        return NOT_RUN
    if slope["n"] < wanted:
        return f"{slope['n']} of {wanted} seeds: no verdict"
    return f"{ONE_SEED}: no verdict" if slope["n"] == 1 else statistics.growth(Interval(**slope))


def seeds_of_slopes(evidence: Evidence, *names: str, data: str, contender: str) -> int:
    """How many seeds are to have all sizes."""
    asked = evidence.cells(*names, data=data, contender=contender)
    sizes = asked["size"].nunique()
    return int((asked.groupby("seed")["size"].nunique() == sizes).sum()) if sizes > 1 else 0


def extents(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Mean extent of the last layer's kernels in pixels of its input, and at the start, contenders by size.

    The last rows have the best fixed kernel's, and the side of the input itself.
    """
    cells = summaries(evidence, f"extent_{LAST}", *names, **where)
    cells = cells[~cells["contender"].str.endswith(NETWORKS["deeper"])]
    asked = evidence.cells(*names, **where).drop_duplicates(list(CELL)).set_index(list(CELL))["config"]
    began = [start_extent(asked[tuple(row[name] for name in CELL)]) for row in cells.to_dict("records")]
    cells["text"] = [
        f"{text(row, '.1f')}<br><small>from {start:.1f}</small>" if row["n"] else text(row, ".1f")
        for row, start in zip(cells.to_dict("records"), began, strict=True)
    ]
    table = grid(cells, "contender", "size", " px")
    chosen, rows = choice.best_fixed(evidence), evidence.of(*evidence.asked)
    best: dict[str, str] = {"contender": "the best fixed kernel"}
    for data, size in cells[["data", "size"]].drop_duplicates().itertuples(index=False):
        method = choice.best_of(chosen, data, size)
        own = rows[(rows["data"] == data) & (rows["size"] == size) & (rows["method"] == method)]
        own = own[(own["network"] == PLAIN) & (own["validation"] == 0)].drop_duplicates("seed")
        shown = text(summed(own[f"extent_{LAST}"].tolist()), ".1f")
        best[f"{size} px"] = (
            choice.NOT_CHOSEN if method is None else f"{shown}<br><small>{frames.label(method)}</small>"
        )
    inputs = {f"{size} px": f"{size // SHRUNK}" for size in cells["size"].unique()}
    last = pd.DataFrame([best, {"contender": "the layer's whole input", **inputs}])
    return pd.concat([table, last], ignore_index=True) if len(table) else table


def influences(evidence: Evidence, *names: str, methods: Sequence[str]) -> pd.DataFrame:
    """What a learned size ends at, letters of 128 pixels, where something else is changed.

    A row per contender of the plain network and kind of letters, those whose scale does not learn left out: mean extent
    of the last layer's kernels in pixels of its input, its `start`, and accuracy in percent, as texts, and seeds.
    """
    rows = narrowed(evidence.of(*names), network=PLAIN, size=PRIMARY_SIZE, method=tuple(methods), widths=joined(WIDTHS))
    rows = rows[rows["data"].isin(SIDES) & rows["config"].map(lambda own: own.scale_rate > 0)]
    found = []
    for (data, contender), own in ordered(rows).groupby(["data", "contender"], sort=False):
        own = own.drop_duplicates("seed")
        extent, accuracy = (summed(own[name].tolist()) for name in (f"extent_{LAST}", "accuracy"))
        found.append(
            {
                "contender": contender,
                "images": NAMES[data],
                "at the start, px": f"{start_extent(own['config'].iloc[0]):.1f}",
                "extent, px": text(extent, ".1f"),
                "accuracy, %": text(accuracy, ".1f"),
                "seeds": extent["n"],
            }
        )
    return pd.DataFrame(found, columns=None if found else ["contender"])


def histories(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Mean extent of each layer's kernels after every epoch, of the plain network's runs whose history is at hand.

    Columns data, contender, method, size, seed, epoch, layer, extent (pixels of the layer's input).
    """
    rows = evidence.of(*names, **where)
    found = []
    for row in rows[rows["network"] == PLAIN].to_dict("records"):
        run = evidence.store.find(EXPERIMENT, row["config"])
        for entry in run.history if run else ():
            own = {name: row[name] for name in (*OWN, "size", "seed")}
            for layer, extent in enumerate(entry["extents"], 1):
                found.append({**own, "epoch": entry["epoch"], "layer": layer, "extent": extent})
    return pd.DataFrame(found, columns=[*OWN, "size", "seed", "epoch", "layer", "extent"])


def layers(evidence: Evidence, *names: str, number: int, **where: Any) -> dict[str, nn.Module]:
    """One convolution of each trained network whose weights are at hand, by contender."""
    rows = evidence.of(*names, **where)
    rows = rows[(rows["network"] == PLAIN) & rows["config"].map(lambda config: config.keep)]
    found: dict[str, nn.Module] = {}
    for row in rows.to_dict("records"):
        if evidence.store.find(EXPERIMENT, row["config"]) is None:
            continue
        network = classification.network(row["config"], evidence.store.weights(EXPERIMENT, row["config"]))
        found[row["contender"]] = convolutions(network)[number - 1]
    return found


def shares(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Per finished run, the extent of the last layer's kernels in the image, as a share of the mean letter's side.

    The rows with `share`, the extent in pixels of the image over the letter's longer side, in pixels too.
    """
    rows = evidence.of(*names, **where)
    rows = rows[rows["network"] == PLAIN].drop_duplicates([*CELL, "seed"])
    sides = rows["size"] * rows["data"].map({data: mean_side(*limits) for data, limits in SIDES.items()}).astype(float)
    return rows.assign(share=SHRUNK * rows[f"extent_{LAST}"].astype(float) / sides)


def mean_side(low: float, high: float) -> float:
    """Mean of a side whose logarithm is uniform between two limits.

    >>> round(mean_side(0.40, 0.75), 3)
    0.557
    """
    return (high - low) / math.log(high / low)


def limits(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Accuracy, and the extent of the last layer relative to the letter, contenders by image size."""
    accuracy = summaries(evidence, "accuracy", *names, **where)
    share = shares(evidence, *names, **where).groupby([*CELL])["share"].mean()
    rows = accuracy.to_dict("records")
    found = share.to_dict()
    relative = [found.get(tuple(row[name] for name in CELL)) for row in rows]
    accuracy["text"] = [
        text(row, ".1f") + ("" if own is None else f"<br><small>{own:.2f} letters</small>")
        for row, own in zip(rows, relative, strict=True)
    ]
    return grid(accuracy, "contender", "size", " px")


def scales(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """Percentiles of the learned scales per run and layer, and of those at the start, in pixels of the layer's input.

    Columns data, contender, method, seed, layer, p10, p50, p90, start_p10, start_p50, start_p90, and `spread` and
    `start_spread`, p90 / p10.
    """
    found = []
    for row in evidence.of(*names, **where).to_dict("records"):
        if METHODS[row["method"]].scale_per is None:
            continue
        for layer, start in zip(LAYERS, starts(row["config"]), strict=False):
            learned = {part: row[f"scale_{layer}_{part}"] for part in SPREAD[1:]}
            found.append(
                {
                    **{name: row[name] for name in (*OWN, "seed")},
                    "layer": layer,
                    **learned,
                    **{f"start_{part}": start[part] for part in SPREAD[1:]},
                    "spread": learned["p90"] / learned["p10"],
                    "start_spread": start["p90"] / start["p10"],
                }
            )
    columns = [*OWN, "seed", "layer", *SPREAD[1:], *(f"start_{part}" for part in SPREAD[1:]), "spread", "start_spread"]
    return pd.DataFrame(found, columns=columns)


def spreads(evidence: Evidence, *names: str, **where: Any) -> pd.DataFrame:
    """How far the scales of a layer spread, p90 / p10, at the start and learned, contenders with several scales."""
    found = scales(evidence, *names, **where)
    several = found[found["start_spread"] > 1]
    rows = []
    for (contender, layer), own in several.groupby(["contender", "layer"], sort=False):
        learned = summed(own["spread"].tolist())
        rows.append(
            {
                "contender": contender,
                "layer": layer,
                "p90 / p10 at the start": f"{own['start_spread'].iloc[0]:.1f}",
                "learned": text(learned, ".1f"),
                "the scales": spread_word(learned, float(own["start_spread"].iloc[0])),
            }
        )
    return pd.DataFrame(rows, columns=["contender", "layer", "p90 / p10 at the start", "learned", "the scales"])


def spread_word(learned: Mapping[str, Any], start: float) -> str:
    """Say whether scales are further apart than at the start.

    >>> spread_word(summed([8.0, 8.1]), 5.0), spread_word(summed([2.0, 2.1]), 5.0), spread_word(summed([8.0]), 5.0)
    ('spread', 'come closer', 'one seed: no verdict')
    """
    if learned["n"] < 2:
        return f"{ONE_SEED}: no verdict" if learned["n"] else NOT_RUN
    if learned["low"] > start:
        return "spread"
    return "come closer" if learned["high"] < start else "undecided"


def start_extent(config: Config) -> float:
    """Mean extent of the last layer's kernels before training, in pixels of its input."""
    return _start_extent(replace(config, seed=0, test_sizes=(), keep=False))


@cache
def _start_extent(config: Config) -> float:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = classification.build(config)
    return model_extents(model)[LAST - 1]


@cache
def starts(config: Config) -> list[dict[str, float]]:
    """Mean and percentiles of each layer's scales before training, in pixels; they do not depend on the seed."""
    with torch.random.fork_rng(devices=[]):
        model = classification.build(config)
    return [spread(scale) for layer in convolutions(model) if (scale := layer_scale(layer)) is not None]
