"""The cost model's constants: how they are found, and that the committed ones are those of the committed table."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch

from fourierconv.engines import dispatch
from fourierconv.engines.choice import COSTS, Case, Plan, counts, expected_time
from fourierconv.study.bench import calibrate, floor
from fourierconv.study.bench.calibrate import ROUNDED, Timed, fit, read, refit, time_shape
from fourierconv.study.bench.cells import cells

ROOT = Path(__file__).parents[3]
ENTRIES: dict[str, dict[str, Any]] = json.loads(files("fourierconv.engines").joinpath("costs.json").read_text())


def timed(cases: list[Case]) -> list[Timed]:
    """As the cost model expects."""
    return [Timed(case, plan, expected_time(case, plan)) for case in cases for plan in calibrate._chosen(case, False)]


def test_constants_are_found_in_times_that_follow_them() -> None:
    own = timed([floor.case_of(cell) for cell in cells()[::4]])
    found = fit(own)
    assert found.keys() <= COSTS["cpu"].keys()
    for row in own:
        case, plan = row.case, row.plan
        expected = sum(found[name] * number for name, number in counts(case, plan).items())
        assert expected == pytest.approx(row.seconds, rel=0.01)


def test_known_constants_are_taken_as_they_are() -> None:
    own = timed([floor.case_of(cell) for cell in cells()[::4]])
    known = {name: value for name, value in COSTS["cpu"].items() if not name.startswith("tap_")}
    found = fit(own, known)
    assert {name: COSTS["cpu"][name] for name in found} == pytest.approx(found, rel=0.01)


def test_on_cuda_direct_convolutions_are_timed_with_tf32_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here as if the processor were such a device."""
    seen: list[tuple[bool, bool, str]] = []

    def case_of(*given: Any) -> Case:
        tf32 = torch.backends.cudnn.conv.fp32_precision == "tf32"  # type: ignore[attr-defined]
        return replace(own_case_of(*given), kind="cuda", tf32=tf32)

    def step_times(plan: Plan, *_: object) -> list[float]:
        backends = torch.backends
        seen.append((backends.cudnn.allow_tf32, backends.cuda.matmul.allow_tf32, plan.engine))
        return [1.0]

    own_case_of = dispatch.case_of
    monkeypatch.setattr(dispatch, "case_of", case_of)
    monkeypatch.setattr(calibrate, "step_times", step_times)
    monkeypatch.setattr(torch, "randn", lambda *shape, device: torch.ones(shape))
    rows = list(time_shape(2, 32, 32, 1, 16, 3, "cuda"))
    assert [row.case.tf32 for row in rows] == [tf32 for tf32, _, _ in seen]
    assert [engine for tf32, products, engine in seen if tf32] == ["direct"]
    assert {engine for tf32, products, engine in seen if not tf32 and not products} == {"whole", "tiled", "direct"}


def test_the_committed_constants_without_tf32_are_those_of_the_committed_table() -> None:
    entry = ENTRIES["cuda"]
    made = entry.get("made_without_tf32")
    if made is None:
        pytest.skip("they were measured with the others")
    again = refit(entry, ROOT / made["table"])
    assert again["constants"] == entry["constants"]
    assert (again["made_without_tf32"]["steps"], again["made_without_tf32"]["as_with_tf32"]) == (
        made["steps"],
        made["as_with_tf32"],
    )


def test_the_table_is_read_without_tf32() -> None:
    rows = read(ROOT / "book/results/gpu/cuda.csv")
    assert {(row.case.tf32, row.case.kind, row.plan.engine) for row in rows} == {(False, "cuda", "direct")}


def test_constants_that_tf32_changes_stand_twice() -> None:
    constants = COSTS["cuda"]
    assert {name for name in constants if name.endswith("_tf32")} == {f"{name}_tf32" for name in ROUNDED}
    assert all(constants[name] > constants[f"{name}_tf32"] for name in ROUNDED if "dense" in name)


def test_lengths_are_relative_to_the_median_of_even_smooth_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here as if a pixel took as long as a transform has points."""
    monkeypatch.setitem(calibrate.PIXELS, "cpu", 1)
    monkeypatch.setattr(calibrate, "LARGEST", 40)
    monkeypatch.setattr(
        "fourierconv.study.bench.clock.seconds", lambda work, device: float(work.args[0].shape[-1]) ** 3
    )
    assert calibrate.lengths("cpu") == {n: pytest.approx(n / 31, rel=5e-3) for n in (24, 28, 30, 32, 36, 40)}
