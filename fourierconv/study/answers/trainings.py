"""Trainings of the protocol as rows: their fields as the tables of results hold them, and their names on pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from fourierconv.layers import SCALE_RATE
from fourierconv.study import frames, protocol
from fourierconv.study.experiments.classification import IDENTITY, Config, cells_of, joined
from fourierconv.study.methods import METHODS

NOT_RUN = "not run yet"
NAMES = {
    "letters": "letters",
    "letters_mixed": "letters of mixed sizes",
    "imagenette": "Imagenette",
    "cifar10": "CIFAR-10",
}
NETWORKS = {
    "deeper": "deeper",
    "twice": "two convolutions per stage",
    "resnet18": "small ResNet",
    "predecessor": "the predecessor's network",
}


def described(configs: Iterable[Config]) -> pd.DataFrame:
    """A row per training: the `config`, its fields as the table has them, and its `contender`.

    >>> described([protocol.train("letters", 64, "conv2d_5", 0, network="deeper")])["contender"].tolist()
    ['conv2d 5×5, deeper']
    """
    columns = ("config", "contender", *IDENTITY)
    found = [(config, contender(config), *cells_of(config).values()) for config in configs]
    return pd.DataFrame(found, columns=columns)


def contender(config: Config) -> str:
    """Name a training by its method and what else is not the usual.

    >>> contender(protocol.train("letters", 128, "scaled_layer", 0, scale=2.0))
    'scaled, per layer, from 2 px'
    >>> contender(protocol.train("letters", 128, "scaled_layer", 0, scale=2.0, scale_rate=0.0))
    'scaled, per layer, 2 px, not learned'
    """
    learned = config.scale_rate > 0
    usual = protocol.PILOT["train"] if config.seed == protocol.PILOT_SEED else protocol.BUDGETS[config.data]["train"]
    changes = [
        NETWORKS.get(config.network),
        f"{joined(config.widths)} channels" if config.widths == protocol.WIDER else None,
        None if config.scale is None else f"{'from ' * learned}{joined(config.scale):g} px",
        None if learned else "not learned",
        f"scale's rate ×{config.scale_rate:g}" if learned and config.scale_rate != SCALE_RATE else None,
        None if config.padding_mode == "zeros" else f"{config.padding_mode} padding",
        None if config.optimizer == "adam" else config.optimizer.upper(),
        None if config.train == usual else f"{config.train} images",
    ]
    return ", ".join([frames.label(config.method), *filter(None, changes)])


def worded(statement: str) -> str:
    """The statement of a claim, with data and contenders under the names that they have in the book.

    >>> worded("On imagenette of 64 px, scaled_layer is this many points above conv2d_5.")
    'On Imagenette of 64 px, “scaled, per layer” is this many points above conv2d 5×5.'
    """

    def named(word: re.Match[str]) -> str:
        name: str = NAMES.get(word[0]) or frames.label(word[0])
        return f"“{name}”" if "," in name else name

    return re.sub(r"\w+", named, statement)


def narrowed(rows: pd.DataFrame, **where: Any) -> pd.DataFrame:
    """The rows with the given cells; a tuple stands for any of its values."""
    for name, value in where.items():
        rows = rows[rows[name].isin(value if isinstance(value, tuple) else (value,))]
    return rows


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with contenders in the order of `methods.METHODS`, the plain network first; else as they are."""
    places = rows["method"].map({name: place for place, name in enumerate(METHODS)})
    return rows.assign(place=places).sort_values(["place", "contender"], kind="stable").drop(columns="place")


def gains(accuracies: Mapping[Config, float]) -> list[float | None]:
    """Points that twice the training adds to each training, by its seed's control; None where that is not run."""
    held = {replace(config, test_sizes=(), keep=False): accuracy for config, accuracy in accuracies.items()}
    found: list[float | None] = []
    for config in accuracies:
        plain = replace(config, seed=0, test_sizes=(), keep=False)
        doubled = replace(plain, epochs=2 * config.epochs)
        found.append(held[doubled] - held[plain] if plain in held and doubled in held else None)
    return found
