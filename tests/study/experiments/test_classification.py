"""One training for every question: what its config refuses, what it measures, and that all follows from it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fourierconv.study import methods, provenance, tables
from fourierconv.study.data import ImageSet, Letters, Photos
from fourierconv.study.experiments import classification
from fourierconv.study.experiments.classification import Config
from fourierconv.study.models import scales
from fourierconv.study.networks import NETWORKS
from fourierconv.study.store import Store, StudyError
from fourierconv.study.sweep import run_missing

TINY = Config("letters", 32, "scaled_channel", 0, (4, 4, 4), 1, classes=2, train=32, test=8, keep=True)


@pytest.fixture(autouse=True)
def _build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path / "build"))
    yield
    provenance.finished(0.0)  # forgets what the test's runs measured


def silent(line: str) -> None:
    pass


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "mnist"}, "data 'mnist' is unknown; choose from letters, letters_mixed, imagenette, cifar10"),
        ({"method": "fno"}, "method 'fno' is unknown"),
        ({"network": "vit"}, "network 'vit' is unknown; choose from convnet, deeper, twice, predecessor, resnet18"),
        ({"optimizer": "lion"}, "optimizer 'lion' is unknown; choose from adam, sgd"),
        ({"padding_mode": "same"}, "padding_mode 'same' is unknown"),
        ({"test_sizes": (48,)}, "test_sizes=.48,. must be of"),
        ({"test_sizes": (32,)}, "without size=32"),
        ({"network": "predecessor", "test_sizes": (64,)}, "dense layers"),
        ({"train": None}, "train=None, test=8: letters are drawn"),
        ({"data": "imagenette"}, "test=8: all test images of imagenette are used"),
        ({"method": "spectral", "scale": 2.0}, "scale=2.0: 'spectral' learns no scale"),
        ({"batch": 15, "processes": 2}, "batch=15 must be a multiple of processes=2"),
    ],
)
def test_a_config_that_cannot_be_run_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        replace(TINY, **changes)


def test_a_run_is_a_function_of_its_config() -> None:
    first, again = (classification.run(TINY, silent) for _ in range(2))
    other = classification.run(replace(TINY, seed=1), silent)
    assert first.metrics == again.metrics
    assert first.history == again.history
    assert first.metrics != other.metrics
    assert first.weights is not None
    assert again.weights is not None
    assert all(torch.equal(first.weights[name], again.weights[name]) for name in first.weights)


def test_a_run_fills_its_row_and_its_weights_make_the_network_again() -> None:
    outcome = classification.run(TINY, silent)
    (row,) = classification.rows(TINY, json.loads(json.dumps(outcome.metrics)))
    assert set(row) == set(classification.columns)
    assert row["extent_1_p10"] <= row["extent_1_p50"] <= row["extent_1_p90"]
    assert row["scale_3_p10"] < row["scale_3"] < row["scale_3_p90"]
    assert row["extent_4"] is None
    assert row["parameters"] == 4 * 25 * 9 + 3 * 4 + 3 * 8 + 2 * 5
    assert outcome.weights is not None
    again = classification.network(TINY, outcome.weights)
    assert scales(again) == pytest.approx([found["mean"] for found in outcome.metrics["scales"]])
    assert classification.run(replace(TINY, keep=False), silent).weights is None


def test_a_run_is_tested_on_the_test_images_at_every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classification, "accuracy", lambda model, images, labels: (len(images), len(labels)))
    metrics = classification.run(replace(TINY, test_sizes=(64,)), silent).metrics
    assert metrics["accuracy"] == (TINY.test, TINY.test)
    assert metrics["at_sizes"] == {sense: {"64": (TINY.test, TINY.test)} for sense in ("pixels", "image")}


def test_a_run_tells_its_last_epoch_what_all_of_them_held_and_when_it_had_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    epochs = ((0.9, 60.0, 2), (0.4, 80.0, 1))
    history = [
        {"epoch": number, "loss": loss, "train_accuracy": accuracy, "bounded": bounded}
        for number, (loss, accuracy, bounded) in enumerate(epochs, 1)
    ]
    monkeypatch.setattr(classification, "train_classifier", lambda *_, **__: history)
    metrics = classification.run(replace(TINY, epochs=2), silent).metrics
    assert (metrics["loss"], metrics["train_accuracy"], metrics["bounded"]) == (0.4, 80.0, 3)
    assert metrics["steps_to"] == {"50": 2, "75": 4, "90": None}  # 2 steps of 16 of its 32 letters per epoch


def test_of_seventeen_layers_the_row_has_the_first_and_the_last_of_every_stage() -> None:
    config = replace(TINY, network="resnet18", widths=(4, 4, 4, 4), method="conv2d_3")
    layers = [{"mean": float(number)} for number in range(17)]
    measured = dict.fromkeys(("accuracy", "train_accuracy", "loss", "bounded", "parameters"), 0)
    found = {**measured, "steps_to": {}, "extents": layers, "scales": [None] * 17, "at_sizes": {}}
    (row,) = classification.rows(config, found)
    assert [row[f"extent_{place}"] for place in range(1, 7)] == [0.0, 4.0, 8.0, 12.0, 16.0, None]


def test_times_are_provenance_and_no_metrics() -> None:
    outcome = classification.run(TINY, silent)
    noted = provenance.finished(1.0)
    assert 0 < noted["step_s"] < 10
    assert "step_s" not in json.dumps([outcome.metrics, outcome.history])
    assert "step_s" not in provenance.finished(1.0)


def test_a_sweep_keeps_the_times_beside_its_table(tmp_path: Path) -> None:
    experiment: Any = classification
    store = Store(tmp_path / "runs")
    configs = [replace(TINY, seed=seed) for seed in range(2)]
    results = run_missing(experiment, configs, store, workers=1)
    assert len(tables.tidy(experiment, "pilot", results)) == 2
    assert all(result.provenance["step_s"] > 0 for result in results)
    beside = tables._summary(results)
    assert {"duration_s", "date", "step_s"} <= set(beside["runs"][results[0].key])
    assert "step_s" not in beside
    assert store.weights(experiment, configs[0])["0.scale"].shape == (4, 1)


def test_without_a_learning_rate_nothing_is_trained() -> None:
    with pytest.raises(StudyError, match=r"^lr=None: the run waits for its learning rate"):
        classification.run(replace(TINY, lr=None), silent)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_is_trained(network: str) -> None:
    widths = {"predecessor": (4, 4, 4, 4), "resnet18": (4, 4, 4, 4)}.get(network, (4, 4, 4))
    config = replace(TINY, network=network, widths=widths, method="scaled_layer", train=16)
    (row,) = classification.rows(config, classification.run(config, silent).metrics)
    assert row["network"] == network
    assert row["extent_4"] is None if network in ("convnet", "deeper") else row["extent_4"] > 0


def test_other_sizes_of_the_same_images() -> None:
    sizes = {"scaled_layer": (False, False), "conv2d_5": (False, True), "window": (False, True)}
    for method, missing in sizes.items():
        config = replace(TINY, method=method, test_sizes=(64,), scale=None)
        found = classification.run(config, silent).metrics["at_sizes"]
        assert (found["pixels"]["64"] is None, found["image"]["64"] is None) == missing
        (row,) = classification.rows(config, classification.run(config, silent).metrics)
        assert row["accuracy_pixels_64"] == found["pixels"]["64"]
        assert row["accuracy_pixels_96"] is None


def test_kernels_that_grow_with_the_image_are_those_of_resize() -> None:
    torch.manual_seed(0)
    model = classification.build(replace(TINY, method="scaled_layer"))
    resized = classification._resized(model, 32, 96, "image")
    assert resized is not None
    assert scales(resized) == [3.0, 3.0, 3.0]


def test_initial_scales_and_their_rate_are_the_configs() -> None:
    assert classification.contender(replace(TINY, scale=(2.0, 4.0))).scale == (2.0, 4.0)
    assert classification.contender(replace(TINY, method="spline_window", scale=3.0)).window == 3.0
    still = classification.run(replace(TINY, method="scaled_layer", scale=2.0, scale_rate=0.0), silent)
    assert [found["mean"] for found in still.metrics["scales"]] == [2.0, 2.0, 2.0]


def test_fixed_kernels_in_fourier_coordinates_tie_under_sgd_and_not_under_adam() -> None:
    gaps = {}
    for optimizer, lr in (("sgd", 0.05), ("adam", 0.01)):
        losses = [
            classification.run(replace(TINY, method=method, optimizer=optimizer, lr=lr, epochs=3), silent).metrics[
                "loss"
            ]
            for method in ("conv2d_5", "spectral")
        ]
        gaps[optimizer] = abs(losses[0] - losses[1])
    assert gaps["sgd"] < 1e-4
    assert gaps["adam"] > 10 * gaps["sgd"]


def test_steps_to_a_level_are_counted_to_the_end_of_the_first_epoch_there() -> None:
    history = [{"epoch": n, "train_accuracy": value} for n, value in enumerate((30.0, 76.0, 74.0, 91.0), 1)]
    assert classification.steps_to(history, 10) == {"50": 20, "75": 20, "90": 40}


def test_data_are_those_of_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def load(data: Any, folder: Path) -> ImageSet:
        asked.append(data)
        images, labels = np.zeros((20, 3, data.size, data.size), np.uint8), np.arange(20) % 10
        return ImageSet(images, labels, images, labels, classes=tuple("abcdefghij"))

    monkeypatch.setattr(classification, "load", load)
    photos = Config("imagenette", 32, "conv2d_3", 0, (4,), 1, train=20, validation=True, test_sizes=(64,))
    metrics = classification.run(photos, silent).metrics
    assert asked == [Photos("imagenette", 32, 20, True), Photos("imagenette", 64, 10, True)]
    assert metrics["at_sizes"]["pixels"].keys() == {"64"}
    classification.images(replace(TINY, data="letters_mixed", classes=10, train=20, test=10))
    assert asked[-1] == Letters(32, 10, 20, 10, sides=(0.75 / 8, 0.75))
    with pytest.raises(StudyError, match="classes=2, but letters has 10"):
        classification.images(TINY)
    with pytest.raises(StudyError, match="size must be an integer from 32 to 512, got 16"):
        classification.images(replace(TINY, size=16))


def test_missing_photographs_are_named_in_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOURIERCONV_DATA", str(tmp_path))
    with pytest.raises(StudyError, match=r"no copy of cifar10; .* data --only cifar10"):
        classification.run(Config("cifar10", 32, "conv2d_3", 0, (4,), 1), silent)


def test_costs_grow_with_the_work() -> None:
    costs = [
        classification.cost(config)
        for config in (
            TINY,
            replace(TINY, epochs=2),
            replace(TINY, size=64),
            replace(TINY, size=64, network="deeper"),
        )
    ]
    assert costs[0] < costs[1] < 2 * costs[0]  # tests do not grow
    assert costs[2] == 4 * costs[0]
    assert costs[3] > costs[2]
    assert set(classification.PRICES) == set(methods.METHODS)
