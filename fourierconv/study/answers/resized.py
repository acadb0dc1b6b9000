"""A trained classic network, resized: question 6 compares resized kernels with classic ones as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from fourierconv import convert
from fourierconv.study import frames
from fourierconv.study.answers.accuracies import PLAIN
from fourierconv.study.answers.evidence import EXPERIMENT, Evidence
from fourierconv.study.answers.prices import SENSES
from fourierconv.study.claims import CLASSIC
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import TEST_SIZES

LEARNED = ("scaled_layer", "scaled_channel")


def classic(evidence: Evidence) -> pd.DataFrame:
    """Classic kernels beside learned sizes of the same seed, on larger letters, resized: accuracy in percent.

    The classic network is the one whose weights are at hand. Its taps become coefficients with the spacing of a pixel,
    which compute the same, and then are resized and tested here. A row per network and sense, a column per size; no
    row where there are no weights.
    """
    rows = evidence.of("resolution", data="letters", network=PLAIN).drop_duplicates(["method", "seed"])
    kept = rows[(rows["method"] == CLASSIC) & rows["config"].map(lambda own: own.keep)]
    kept = kept[kept["config"].map(lambda own: evidence.store.find(EXPERIMENT, own) is not None)]
    if kept.empty:
        return pd.DataFrame(columns=["network"])
    config = kept["config"].iloc[0]
    sizes = [size for size in TEST_SIZES if size > config.size]
    network = convert(classification.network(config, evidence.store.weights(EXPERIMENT, config)), "scaled")
    tested = classification.at_sizes(network, replace(config, test_sizes=tuple(sizes)))
    found: list[tuple[str, dict[str, Any]]] = [
        (f"{frames.label(CLASSIC)}, {SENSES[sense]}", tested[sense]) for sense in SENSES
    ]
    for method in LEARNED:
        for own in rows[(rows["method"] == method) & (rows["seed"] == config.seed)].to_dict("records"):
            shown = {str(size): own[f"accuracy_image_{size}"] for size in sizes}
            found.append((f"{frames.label(method)}, {SENSES['image']}", shown))
    return pd.DataFrame({"network": name, **{f"{size} px": own[str(size)] for size in sizes}} for name, own in found)
