import dataclasses
from pathlib import Path

import pytest

from fourierconv.study.experiments import image_size
from fourierconv.study.models import extents
from fourierconv.study.store import StudyError

TINY = image_size.Config(
    size=32, method="scaled_channel", seed=0, classes=2, train=32, test=8, widths=(8, 8, 8), epochs=1
)


def test_the_quick_sweep_holds_every_size_contender_and_seed() -> None:
    configs = image_size.configs("quick")
    assert len(set(configs)) == len(configs) == 3 * len(image_size.METHODS) * 3
    budgets = {dataclasses.replace(config, size=0, method="", seed=0) for config in configs}
    assert len(budgets) == 1, "every contender gets the same budget at every size"


def test_overrides_extend_the_sweep_and_keep_what_it_has() -> None:
    wider = image_size.configs("quick", sizes=[32, 96], seeds=5)
    assert {config.size for config in wider} == {32, 96}
    assert {config.seed for config in wider} == set(range(5))
    shared = set(image_size.configs("quick", sizes=[32]))
    assert shared < set(wider)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"profile": "fast"}, "profile 'fast' is unknown; choose from quick"),
        ({"profile": "quick", "sizes": [16]}, "size 16"),
        ({"profile": "quick", "seeds": 0}, "seeds=0"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_before_any_run(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        image_size.configs(**arguments)  # type: ignore[arg-type]


def test_a_run_fills_its_row_and_its_weights_make_the_network_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path))
    outcome = image_size.run(TINY, lambda line: None)
    (row,) = image_size.rows(TINY, outcome.metrics)
    assert set(row) | {"profile"} == set(image_size.columns) | {"profile"}
    assert outcome.weights is not None
    assert extents(image_size.network(TINY, outcome.weights)) == outcome.metrics["extents"]


def test_a_run_is_tested_on_the_test_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURIERCONV_BUILD", str(tmp_path))
    monkeypatch.setattr(image_size, "accuracy", lambda model, images, labels: (len(images), len(labels)))
    assert image_size.run(TINY, lambda line: None).metrics["accuracy"] == (TINY.test, TINY.test)
