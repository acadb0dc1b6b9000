from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fourierconv.study.experiments import own_network
from fourierconv.study.models import extents
from fourierconv.study.store import StudyError

TINY = own_network.Config("converted", 0, size=32, classes=2, train=32, test=8, widths=(4, 4, 4, 4), epochs=1)


def test_both_networks_have_every_seed_and_the_same_budget() -> None:
    configs = own_network.configs("quick")
    assert len(set(configs)) == len(configs) == 2 * 2 * 3
    assert len({replace(config, method="", seed=0, widths=()) for config in configs}) == 1
    assert set(configs) < set(own_network.configs("quick", seeds=5))
    narrow, wide = own_network.WIDTHS["quick"]
    assert configs == own_network.configs("quick", [narrow]) + own_network.configs("quick", [list(wide)])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "fast"}, "profile 'fast' is unknown"),
        ({"seeds": 0}, "seeds=0"),
        ({"widths": [(8, 16)]}, r"widths \(8, 16\) must be 4 numbers of channels"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_any_run(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        own_network.configs(**{"profile": "quick", **arguments})  # type: ignore[arg-type]


def test_both_networks_start_as_the_same_function() -> None:
    converted, original = (own_network.start(replace(TINY, method=method)) for method in ("converted", "original"))
    assert "Fourier" not in repr(original)
    assert repr(converted).count("FourierConv2d") == own_network.LAYER_COUNT
    images = torch.randn(2, 1, 32, 32)
    torch.testing.assert_close(converted(images), original(images))


@pytest.mark.parametrize("method", own_network.METHODS)
def test_a_run_fills_its_row_and_its_weights_make_the_network_again(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path))
    config = replace(TINY, method=method)
    outcome = own_network.run(config, lambda line: None)
    (row,) = own_network.rows(config, outcome.metrics)
    assert set(row) == set(own_network.columns)
    assert (row["exported_accuracy"] is None) == (method == "original")
    assert outcome.weights is not None
    assert extents(own_network.network(config, outcome.weights)) == outcome.metrics["extents"]


def test_a_run_and_its_export_are_tested_on_the_test_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def tested(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> tuple[str, int, int]:
        return type(model[0]).__name__, len(images), len(labels)  # type: ignore[index]

    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path))
    monkeypatch.setattr(own_network, "accuracy", tested)
    metrics = own_network.run(TINY, lambda line: None).metrics
    assert metrics["accuracy"] == ("FourierConv2d", TINY.test, TINY.test)
    assert metrics["exported_accuracy"] == ("Conv2d", TINY.test, TINY.test)
