"""The bounds on CUDA: met, missed or not measured, on tables that are made up."""

from pathlib import Path
from typing import Any

import pytest

from fourierconv.study.bench.bounds import Bound
from fourierconv.study.gpu import results
from fourierconv.study.gpu.bounds import bounds
from tests.study.gpu.made import CELLS, state

TF32, BF16, EINSUM, MEAN, FLOOR, SUBQUADRATIC, BEYOND, MEMORY = range(8)


def judged(folder: Path, own: dict[str, Any]) -> list[Bound]:
    results.save(folder, own)
    return bounds(*results.measured(folder))


def test_all_hold(tmp_path: Path) -> None:
    found = judged(tmp_path, state())
    assert [own.holds for own in found] == [True] * 8
    assert [own.shown.partition(",")[0] for own in found] == [
        "0.25 [0.25",
        "0.50 [0.50",
        "0.25 [0.25",
        "4.00 [4.00",
        "1.50 [1.50",
        "1.07 [1.07",
        "4 of 4 cells",
        "0.38 at 64to64-128px-k9",
    ]
    assert "of 6 cells" in found[TF32].shown  # kernels of 9, 11, 15, 21, 31, 63
    assert "of 4 cells" in found[BF16].shown
    assert ", 16 cells" in found[MEAN].shown
    assert "of 8 cells" in found[SUBQUADRATIC].shown  # depthwise, of 32 and 64 px


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (TF32, {"factors": {"torch tf32": 0.9}}),
        (BF16, {"factors": {"torch bf16": 0.9}}),
        (EINSUM, {"factors": {"einsum": 1.4}}),
        (MEAN, {"factors": {"einsum": 3.6}}),
        (FLOOR, {"factors": {"auto": 2.1}}),
        (SUBQUADRATIC, {"factors": {"auto": 1.6}}),
        (BEYOND, {"over": {"auto": "memory"}}),
        (MEMORY, {"memory": {"auto": 410e6}}),
    ],
)
def test_one_that_is_missed_is_said_to_be(tmp_path: Path, number: int, changes: dict[str, Any]) -> None:
    assert judged(tmp_path, state(**changes))[number].verdict == "MISSED"


def test_without_a_table_nothing_is_measured(tmp_path: Path) -> None:
    found = bounds(*results.measured(tmp_path))
    assert {own.shown for own in found} == {"not measured"}
    assert {own.verdict for own in found} == {"open"}


def test_what_is_over_the_time_counts_as_the_limit_and_what_is_over_the_memory_not(tmp_path: Path) -> None:
    k63 = [own for own in CELLS if own.name == "64to64-128px-k63"]
    found = judged(tmp_path, state(k63, over={"torch tf32": "time", "einsum": "memory"}))
    assert found[TF32].holds
    assert found[EINSUM].holds is None
    assert found[MEMORY].holds is None
