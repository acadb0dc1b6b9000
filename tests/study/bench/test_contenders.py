"""The contenders compute the same, and each of the engines is the one that it says."""

import sys
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from torch import Tensor

from fourierconv.engines import dispatch
from fourierconv.engines.choice import Case, Plan, choose
from fourierconv.study.bench import floor
from fourierconv.study.bench.cells import Cell, cell
from fourierconv.study.bench.contenders import NAMES, OURS, SUBQUADRATIC, contender, takes_part
from fourierconv.study.bench.measure import inputs, passes

SMALL = (
    Cell("odd", 2, 3, 4, 1, 20, 5),
    Cell("grouped", 2, 4, 4, 4, 20, 7),
    Cell("even", 1, 2, 2, 1, 16, 4),
    Cell("sequence", 2, 3, 4, 1, 200, 51, dims=1),
    Cell("grouped sequence", 2, 4, 4, 4, 200, 7, dims=1),
)


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence for multidimensional indexing")  # fft-conv-pytorch's
@pytest.mark.parametrize("own", SMALL, ids=lambda own: own.name)
@pytest.mark.parametrize("name", NAMES)
def test_contenders_compute_the_same(name: str, own: Cell) -> None:
    x, w, along = inputs(own)
    expected = contender("torch", own)(x, w)
    assert expected.shape == along.shape
    torch.testing.assert_close(contender(name, own)(x, w), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kernel", [3, 7, 15])
def test_kernels_are_laid_out_as_nvsubquadratic_reads_them(kernel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Cell("depthwise", 2, 4, 4, 4, 16, kernel)
    module = ModuleType("subquadratic_ops_torch.fused_fft_conv2d")
    module.fused_fft_conv2d = documented  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__.partition(".")[0], ModuleType("subquadratic_ops_torch"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    x, w = torch.randn(2, 4, 16, 16), torch.randn(4, 1, kernel, kernel)
    found = contender(SUBQUADRATIC, own)(x, w)
    torch.testing.assert_close(found, contender("torch", own)(x, w), rtol=1e-4, atol=1e-4)


def documented(x: Tensor, weight: Tensor, fft_size: int) -> Tensor:
    """What the documentation of subquadratic-ops-torch 0.3.1 says that it computes."""
    grid = (fft_size, fft_size)
    assert weight.shape == (1, x.shape[1], *grid)
    whole = torch.fft.irfft2(torch.fft.rfft2(x, s=grid) * torch.fft.rfft2(weight, s=grid), s=grid)
    return whole[..., fft_size // 2 :, fft_size // 2 :][..., : x.shape[-2], : x.shape[-1]]


def test_nvsubquadratic_takes_part_where_its_kernel_reaches() -> None:
    assert takes_part(SUBQUADRATIC, Cell("", 1, 4, 4, 4, 64, 127))
    others = (Cell("", 1, 4, 4, 1, 64, 7), Cell("", 1, 4, 8, 4, 64, 7), Cell("", 1, 4, 4, 4, 128, 7))
    assert not any(takes_part(SUBQUADRATIC, own) for own in (*others, Cell("", 1, 4, 4, 4, 48, 7)))
    assert all(takes_part(name, own) for name in NAMES for own in others)


@pytest.mark.parametrize("name", OURS)
def test_engines_are_asked_for_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def choice(case: Case, own: str) -> Plan:
        asked.append(own)
        return choose(case, own)

    monkeypatch.setattr(dispatch, "choose", choice)
    steps = passes(SMALL[0], contender(name, SMALL[0]))
    steps["forward"]()
    steps["step"]()
    assert asked == [name, name]


@pytest.mark.parametrize("name", ["32to32-32px-k3", "32to32-4096-k31", "32to32-4096-k4095"])
def test_the_floor_has_four_transforms_three_products_and_the_kernels(name: str) -> None:
    own = replace(cell(name), batch=2, channels=4, out=4)
    grids = floor.grids(own)
    assert grids[0].tiles == 1
    assert len(set(grids)) == len(grids) > 1
    parts = floor.work(own, grids[0])
    assert len(parts) == 4 + 3 + 2
    assert {len(grid.sides) for grid in grids} == {own.dims}
    assert len(parts["kernels"]) == (2 if own.kernel < 4095 else 1)  # a Fourier matrix would be the largest thing
    assert all(seconds > 0 for seconds in floor.seconds(parts).values())


def test_the_floor_of_one_channel_per_group_multiplies_elementwise() -> None:
    own = Cell("small", 2, 4, 4, 4, 16, 5)
    assert all(seconds > 0 for seconds in floor.seconds(floor.work(own, floor.grids(own)[0])).values())
