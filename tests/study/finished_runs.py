"""Finished runs that nobody trained: stores filled with plausible results, for what reads them."""

from pathlib import Path
from typing import Any

import torch

from fourierconv.study import methods
from fourierconv.study.experiments import image_size, own_network, size_recovery
from fourierconv.study.models import ConvNet
from fourierconv.study.store import Outcome, Store

PROVENANCE = {"cpu": "abacus", "device": "cpu", "torch": "2.0", "duration_s": 1.0, "date": "2026-01-01T00:00:00+00:00"}
GAIN = {"conv2d_11": 4.0, "spline": -2.0, "window": 3.0, "scaled_layer": 6.0, "scaled_channel": 8.0}  # points
GROWTH = {"window": 0.5, "scaled_layer": 1.0, "scaled_channel": 0.75}  # exponents of extents, by construction
EPOCHS = 3


def image_size_metrics(config: image_size.Config) -> dict[str, Any]:
    """Return accuracies that differ by GAIN, and extents that grow as the size to the power GROWTH."""
    accuracy = 90 - config.size / 4 + GAIN.get(config.method, 0.0) + 0.5 * config.seed * (-1) ** len(config.method)
    grown = (config.size / 32) ** GROWTH.get(config.method, 0.0) * (1 + 0.01 * config.seed)
    return {
        "accuracy": accuracy,
        "train_accuracy": accuracy + 5,
        "extents": [4.0, 4.5 * grown, 5.0 * grown],
        "scales": [1.0, grown, grown] if config.method in GROWTH else [None] * 3,
        "bounded": 0,
    }


def image_size_store(root: Path, **overrides: Any) -> Store:
    """A store that holds the quick runs of image_size, or those that the overrides ask for."""
    store = Store(root)
    for config in image_size.configs("quick", **overrides):
        metrics = image_size_metrics(config)
        history = [
            {"epoch": epoch, "extents": metrics["extents"], "scales": metrics["scales"]}
            for epoch in range(1, EPOCHS + 1)
        ]
        torch.manual_seed(config.seed)
        network = ConvNet(methods.get(config.method), 1, config.widths, config.classes)
        outcome = Outcome(metrics, history, dict(network.state_dict()))
        store.save(image_size, config, outcome, PROVENANCE)
    return store


def size_recovery_store(root: Path) -> Store:
    """A store that holds the quick runs of size_recovery, students 1.5 times too large, scales a fourth of it."""
    store = Store(root)
    for config in size_recovery.configs("quick"):
        true = 2.0 + len(config.teacher)
        metrics = {"true_extent": true, "extent": 1.5 * true, "unexplained": 0.01 * (config.seed + 1), "scale": None}
        weights = {"scale": torch.full((2,), true / 4)} if config.method.startswith("scaled") else {}
        store.save(size_recovery, config, Outcome(metrics, [], weights), PROVENANCE)
    return store


def own_network_store(root: Path) -> Store:
    """A store that holds the quick runs of own_network, the converted networks 1.5 points above the original ones."""
    store = Store(root)
    for config in own_network.configs("quick"):
        converted = config.method == "converted"
        accuracy = 90.0 + config.seed + 1.5 * converted
        metrics = {
            "accuracy": accuracy,
            "exported_accuracy": accuracy if converted else None,
            "train_accuracy": accuracy + 2,
            "extents": [3.0] * own_network.LAYER_COUNT,
            "scales": [1.0 if converted else None] * own_network.LAYER_COUNT,
            "bounded": 0,
        }
        outcome = Outcome(metrics, [], dict(own_network.start(config).state_dict()))
        store.save(own_network, config, outcome, PROVENANCE)
    return store
