"""The choice of an engine: a function of shapes that expects what was measured, and says what it cannot do."""

import json
from dataclasses import replace
from functools import partial
from importlib.resources import files

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fourierconv import functional
from fourierconv.engines.choice import (
    COSTS,
    LENGTHS,
    Case,
    Plan,
    _remembered,
    _ways,
    candidates,
    choose,
    counts,
    expected_time,
    forget,
)
from fourierconv.grid import circular_axis, extended_axis, linear_axis, tiled


def case(size: int, kernel: int, channels: int = 32, batch: int = 8, groups: int = 1) -> Case:
    axes = (linear_axis(size, 0, kernel - 1, size, start=-(kernel // 2)),) * 2
    return Case(batch, groups, channels // groups, channels // groups, (size,) * 2, axes, axes, (kernel,) * 2, 4, "cpu")


CASES = {
    "small kernels": (case(64, 1), "direct"),
    "3×3": (case(64, 3), "direct"),
    "kernels as large as the image": (case(64, 63), "whole"),
    "a large image": (case(512, 31, batch=1), "tiled"),
    "many channels": (case(64, 17, channels=128), "tiled"),
    "one channel per group, small": (case(64, 3, 64, groups=64), "direct"),
    "one channel per group": (case(64, 31, 64, groups=64), "whole"),
}


@pytest.mark.parametrize("name", CASES)
def test_auto_chooses_what_was_measured_to_be_fast(name: str) -> None:
    own, engine = CASES[name]
    assert choose(own, "auto").engine == engine
    assert choose(own, "auto") == choose(replace(own), "auto")


@pytest.mark.parametrize("name", CASES)
def test_every_plan_is_a_candidate_in_the_order_of_its_time(name: str) -> None:
    own = CASES[name][0]
    plans = candidates(own, "auto")
    times = [expected_time(own, plan) for plan in plans]
    assert times == sorted(times)
    assert {plan.engine for plan in plans} == {"whole", "tiled", "direct"}
    assert len(set(plans)) == len(plans)
    for engine in ("whole", "tiled", "direct"):
        of_engine = [plan for plan in plans if plan.engine == engine]
        several = [plan for plan in of_engine if plan.tiles is not None and plan.tiles.rows > 1]
        assert choose(own, engine) == (several or of_engine)[0]


def test_many_taps_are_transformed_and_few_are_multiplied() -> None:
    assert choose(case(64, 63), "whole").by_fft
    assert not choose(case(64, 11), "whole").by_fft


def test_tiles_follow_the_kernel() -> None:
    grids = [choose(case(512, kernel, batch=1), "tiled").tiles.grid[0] for kernel in (11, 31, 91)]  # type: ignore[union-attr]
    assert grids == sorted(grids)
    assert grids[0] < 100 < grids[-1] < 400


def test_double_precision_takes_twice_as_long() -> None:
    own = case(64, 11)
    plan = choose(own, "whole")
    assert expected_time(replace(own, itemsize=8), plan) == 2 * expected_time(own, plan)


@pytest.mark.parametrize(
    ("axis", "linear", "engine", "message"),
    [
        (circular_axis(8, 0, 7, 8), None, "tiled", "engine='tiled' cannot .* do not end.*'whole' and 'auto' can"),
        (circular_axis(8, 0, 7, 8), None, "direct", "engine='direct' cannot"),
        (
            extended_axis("replicate", 8, -20, 20, 8),
            extended_axis("replicate", 8, -20, 20, 8),
            "direct",
            "taps that meet on a pixel are added up",
        ),
    ],
)
def test_what_an_engine_cannot_compute_is_refused(axis: object, linear: object, engine: str, message: str) -> None:
    own = Case(1, 1, 1, 1, (8,), (axis,), None if linear is None else (linear,), (3,), 4, "cpu")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=message):
        choose(own, engine)
    assert choose(own, "auto").engine in ("whole", "tiled")


def test_another_kind_of_device_is_expected_to_be_like_a_processor() -> None:
    own = case(64, 11)
    assert choose(replace(own, kind="xpu"), "auto") == choose(own, "auto")


@pytest.mark.parametrize(("tf32", "engine"), [(False, "triton"), (True, "direct")])
def test_on_cuda_it_depends_on_tf32(tf32: bool, engine: str) -> None:
    """Measured there, 3×3 taps: direct 3.4 ms, with TF32 1.4 ms; Triton's kernels about 2.9 ms."""
    own = replace(case(128, 3, channels=64, batch=32), kind="cuda", refusal=None, tf32=tf32)
    assert choose(own, "auto").engine == engine


def test_the_constants_say_how_they_were_made() -> None:
    for kind, entry in json.loads(files("fourierconv.engines").joinpath("costs.json").read_text()).items():
        makings = {name for name in entry if name.startswith("made")}
        assert {"made", "constants"} <= entry.keys() <= {"constants", "lengths", *makings}
        for made in map(entry.get, makings):
            assert {"command", "commit", "torch", "cpu", "date", "threads", "steps"} <= made.keys()
        assert COSTS[kind] == entry["constants"]


@pytest.mark.parametrize("kind", COSTS)
def test_every_constant_that_is_used_is_there(kind: str) -> None:
    used = set()
    for channels, groups in ((3, 1), (32, 1), (64, 64)):
        for kernel in (3, 9, 21):
            own = case(64, kernel, channels, groups=groups)
            own = replace(own, kind=kind, refusal=None if kind == "cuda" else own.refusal)
            for tf32 in {False, kind == "cuda"}:
                rounded = replace(own, tf32=tf32)
                used |= {name for plan in candidates(rounded, "auto") for name in counts(rounded, plan)}
    assert used == COSTS[kind].keys()
    assert all(value >= 0 for value in COSTS[kind].values())


def test_grids_on_cuda_are_of_lengths_that_were_fast() -> None:
    """140 takes longer than 144, which is as good; processors keep to the shortest."""
    assert LENGTHS["cuda"][140] * 140 > LENGTHS["cuda"][144] * 144
    for kind, grid in (("cuda", 144), ("cpu", 140)):
        own = replace(case(128, 15, channels=64, batch=32), kind=kind, refusal=None if kind == "cuda" else "no device")
        plans = [plan for plan in candidates(own, "whole") if plan.tiles is not None]
        assert plans[0].tiles is not None
        assert plans[0].tiles.grid == (grid, grid)
        assert len(plans) == (4 if kind == "cuda" else 2)  # by basis and by FFT


@pytest.mark.parametrize("mirrored", [False, True])
@given(points=st.integers(1, 400), k=st.integers(1, 30), stride=st.integers(1, 3))
def test_tilings_are_those_of_every_number_of_tiles(mirrored: bool, points: int, k: int, stride: int) -> None:
    axis = linear_axis(stride * points, 0, k - 1, points, start=-(k // 2), stride=stride)
    low, high = axis.reach
    numbers = {-(-points // count) for count in range(1, points + 1)}
    wanted = [outputs for outputs in numbers if outputs >= max(high - low, 8)] or [points]
    found = {way[0].grid for way in _ways(axis, points, mirrored, "cpu")}
    assert found == {tiled(axis, points, outputs, mirrored)[0].grid for outputs in wanted}


@pytest.mark.parametrize("dims", [1, 2])
def test_what_is_kept_of_a_choice_is_one_plan(dims: int) -> None:
    own = case(4096, 9)
    own = replace(own, whole=own.whole[:dims], linear=own.whole[:dims], points=own.points[:dims], columns=(9,) * dims)
    forget()
    assert choose(own, "auto") is choose(own, "auto")
    assert _remembered.cache_info().currsize == 1
    assert isinstance(_remembered(own, "auto"), Plan)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own
@pytest.mark.parametrize("lengths", [{}, {60: 0.5, 64: 0.5}], ids=["", "lengths that were measured"])
def test_compiled_code_chooses_where_all_sizes_are_symbols(
    lengths: dict[int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LENGTHS, "cpu", lengths)
    torch._dynamo.reset()
    compiled = torch.compile(partial(functional.conv2d, padding=2), dynamic=True, fullgraph=True, backend="aot_eager")
    for out, n in ((3, 19), (4, 19), (4, 40)):
        x, weight = torch.randn(2, 2, n, 20), torch.randn(out, 2, 5, 5)
        wanted = torch.nn.functional.conv2d(x, weight, padding=2)
        torch.testing.assert_close(compiled(x, weight), wanted, rtol=1e-4, atol=1e-4)
