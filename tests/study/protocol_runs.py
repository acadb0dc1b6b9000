"""Tables of the protocol's runs that nobody trained: any part of a profile, with metrics that are plausible."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fourierconv.study import methods, protocol, tables
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import LEVELS, Config
from fourierconv.study.models import SPREAD
from fourierconv.study.store import Result, key

EXPERIMENT: Any = classification
PROVENANCE = {"cpu": "abacus", "device": "cpu", "torch": "2.0", "date": "2026-01-01T00:00:00+00:00", "peak_mb": 100.0}
GAIN = {"scaled_channel": 8.0, "scaled_layer": 6.0, "window_31": 4.0, "conv2d_11": 3.0}  # points above conv2d_5
GROWTH = {"scaled_channel": 0.75, "scaled_layer": 1.0, "window_31": 0.5}  # exponents of extents, by construction
SECONDS = 1e-9  # of a run, per unit of its cost


def metrics(config: Config, noise: float = 0.5) -> dict[str, Any]:
    """Accuracies that differ by GAIN, and extents that grow as the size to the power GROWTH."""
    drawn = random.Random(repr((config.size, config.method, config.seed, config.network)))
    accuracy = 85 - config.size / 8 + GAIN.get(config.method, 0.0) + noise * drawn.uniform(-1, 1)
    grown = (config.size / 32) ** GROWTH.get(config.method, 0.0) * (1 + 0.02 * noise * drawn.uniform(-1, 1))
    several = methods.get(config.method).scale_per not in (None, "layer")
    scale = [0.7, 0.5, 0.7, 2.0] if several else [1.0] * 4
    layers = {"predecessor": 4, "resnet18": 17, "twice": 6}.get(config.network, len(config.widths))
    learns = methods.get(config.method).scale_per is not None
    return {
        "accuracy": accuracy,
        "train_accuracy": accuracy + 5,
        "loss": 0.3,
        "bounded": 0,
        "parameters": 1000,
        "steps_to": {str(level): 100 * level if accuracy + 5 > level else None for level in LEVELS},
        "extents": [dict.fromkeys(SPREAD, 4.0 * grown)] * layers,
        "scales": [dict(zip(SPREAD, [grown * s for s in scale], strict=True)) if learns else None] * layers,
        "at_sizes": {
            "pixels": {str(size): accuracy - abs(size - 64) / 4 for size in config.test_sizes},
            "image": {
                str(size): accuracy - abs(size - 64) / 16 if config.method.startswith("scaled") else None
                for size in config.test_sizes
            },
        },
    }


def exact(config: Config) -> dict[str, Any]:
    """A gain of 8 points of scaled_channel over conv2d_5, of 3 of conv2d_11, give or take a tenth per seed."""
    found = metrics(config, noise=0.0)
    return found | {"accuracy": found["accuracy"] + 0.1 * config.seed * (config.method == "scaled_channel")}


def write(
    folder: Path,
    profile: str,
    configs: Sequence[Config] | None = None,
    measured: Callable[[Config], dict[str, Any]] = metrics,
    **provenance: Any,
) -> None:
    """Write the profile's table and its sidecar below `folder`, of some of its runs, by default of all."""
    results = []
    for config in protocol.configs(profile) if configs is None else configs:
        seconds = SECONDS * classification.cost(config)
        noted = PROVENANCE | {"duration_s": seconds, "step_s": seconds / 100} | provenance
        results.append(Result(key(EXPERIMENT, config), config, measured(config), [], noted))
    text = tables.to_csv(tables.tidy(EXPERIMENT, profile, results), ("profile", *EXPERIMENT.columns))
    table, beside = tables.files(EXPERIMENT, folder / profile)
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text(text)
    sidecar = {"numerics": EXPERIMENT.NUMERICS, "sha256": tables._digest(text), **tables._summary(results)}
    beside.write_text(json.dumps(sidecar))


def doubled(config: Config) -> bool:
    """Whether this is a control of twice the training."""
    return config.epochs == 2 * protocol.EPOCHS


def wanted(*names: str, **where: Any) -> list[Config]:
    """The full profile's trainings of some questions, with the given fields."""
    asked = [config for question in protocol.questions("full") if question.name in names for config in question.configs]
    chosen = dict.fromkeys(config for config in asked if all(getattr(config, n) == v for n, v in where.items()))
    return list(chosen)


def by_contender(table: Any) -> dict[str, dict[str, str]]:
    """A table's rows by their contenders, without what stands below the names."""
    return {row.pop("contender").partition("<br>")[0]: row for row in table.to_dict("records")}
