"""A cell on a device: contenders that compute it, and the ways not to."""

import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fourierconv.engines.choice import NAMES
from fourierconv.study.bench.cells import Cell
from fourierconv.study.bench.contenders import Convolution, contender
from fourierconv.study.bench.measure import inputs
from fourierconv.study.gpu import measure, results
from fourierconv.study.gpu.ways import WAYS, Way, settings

TINY = measure.REHEARSED[0]
TWO = (Way("torch", "torch"), Way("other", "einsum"))


def one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "WAYS", TWO)
    monkeypatch.setattr(measure, "ROUNDS", (2, 2))


def replaced(monkeypatch: pytest.MonkeyPatch, other: Callable[..., Tensor]) -> None:
    """In the place of the second contender."""

    def choice(name: str, cell: Cell) -> Convolution:
        own = contender(name, cell)
        return own if name == "torch" else lambda images, taps: other(own, images, taps)

    monkeypatch.setattr(measure, "contender", choice)


def slow(own: Convolution, images: Tensor, taps: Tensor) -> Tensor:
    time.sleep(0.02)
    return own(images, taps)


def wrong(own: Convolution, images: Tensor, taps: Tensor) -> Tensor:
    return own(images, taps) + 1


def greedy(own: Convolution, images: Tensor, taps: Tensor) -> Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory")


def absent(own: Convolution, images: Tensor, taps: Tensor) -> Tensor:
    raise ImportError("no module")


def choosy(own: Convolution, images: Tensor, taps: Tensor) -> Tensor:
    raise ValueError("engine='other' cannot compute this\nbecause")


def test_every_engine_takes_part_in_both_precisions() -> None:
    assert {(way.contender, way.tf32) for way in WAYS} >= {(name, tf32) for name in NAMES for tf32 in (False, True)}
    assert len({way.name for way in WAYS}) == len(WAYS)


def test_contenders_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    one_round(monkeypatch)
    said: list[str] = []
    own = measure.measure(TINY, "cpu", {}, said.append)
    assert said == ["try torch", "try other", "floor"] * 3
    turns = [row[:3] for row in own["rows"] if not row[0].startswith("floor")]
    assert turns == [
        (name, kind, turn) for turn in (0, 1) for name in ("torch", "other") for kind in ("forward", "step")
    ]
    assert all(row[3] > 0 for row in own["rows"])
    assert len([row for row in own["rows"] if row[0].startswith("floor")]) == 2 * 9
    assert own["error"]["other"] < 1e-5
    assert own["memory"] == {"torch": None, "other": None}


@pytest.mark.parametrize(
    ("other", "where", "reason"),
    [
        (slow, "over", "time"),
        (greedy, "over", "memory"),
        (wrong, "failed", "RuntimeError: outputs are wrong: their relative error is "),
        (absent, "failed", "not installed"),
        (choosy, "failed", "ValueError: engine='other' cannot compute this"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_does_not_compute_it_is_named_with_the_reason(
    other: Callable[..., Tensor], where: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_round(monkeypatch)
    replaced(monkeypatch, other)
    monkeypatch.setattr(results, "LIMIT", 0.01 if other is slow else 60.0)
    own = measure.measure(TINY, "cpu", {}, lambda line: None)
    assert own[where]["other"].startswith(reason)
    assert "\n" not in own[where]["other"]
    assert {row[0] for row in own["rows"] if not row[0].startswith("floor")} == {"torch"}


def test_what_is_excluded_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    one_round(monkeypatch)
    said: list[str] = []
    own = measure.measure(TINY, "cpu", {"other": "time", "torch": "ended the process: no"}, said.append)
    assert set(said) == {"floor"}
    assert own["over"] == {"other": "time"}
    assert own["failed"] == {"torch": "ended the process: no"}


def test_sets_of_inputs_are_larger_than_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    size = sum(tensor.nbytes for tensor in inputs(TINY))
    monkeypatch.setattr(measure, "CACHE", 3 * size)
    sets = measure.rotating(TINY)
    assert len(sets) == 4
    assert len({tensor.data_ptr() for own in sets for tensor in own}) == 12
    monkeypatch.setattr(measure, "CACHE", 1)
    assert len(measure.rotating(TINY)) == 2


def test_settings_last_as_long_as_they_are_asked_for() -> None:
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    for tf32 in (True, False):
        with settings(tf32, benchmark=True):
            assert (products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark) == (tf32, tf32, True)
            assert torch.get_float32_matmul_precision() == ("high" if tf32 else "highest")
    assert (products.allow_tf32, cudnn.allow_tf32, cudnn.benchmark) == before


def test_inputs_come_in_the_dtype_and_layout_of_the_contender() -> None:
    sets = [inputs(TINY)]
    assert WAYS[0].inputs(sets) is sets
    (own,) = Way("", "", dtype=torch.bfloat16, layout=torch.channels_last).inputs(sets)
    assert all(t.dtype == torch.bfloat16 and t.is_contiguous(memory_format=torch.channels_last) for t in own)
    assert [t.requires_grad for t in own] == [True, True, False]
