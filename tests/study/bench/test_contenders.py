"""The contenders compute the same, and each of the engines is the one that it says."""

import pytest
import torch

from fourierconv.engines import dispatch
from fourierconv.engines.choice import Case, Plan, choose
from fourierconv.study.bench import floor
from fourierconv.study.bench.cells import Cell, cell
from fourierconv.study.bench.contenders import NAMES, OURS, contender
from fourierconv.study.bench.measure import passes

SMALL = (Cell("odd", 2, 3, 4, 1, 20, 5), Cell("grouped", 2, 4, 4, 4, 20, 7), Cell("even", 1, 2, 2, 1, 16, 4))


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence for multidimensional indexing")  # fft-conv-pytorch's
@pytest.mark.parametrize("own", SMALL, ids=lambda own: own.name)
@pytest.mark.parametrize("name", NAMES)
def test_contenders_compute_the_same(name: str, own: Cell) -> None:
    x = torch.randn(own.batch, own.channels, own.size, own.size)
    w = torch.randn(own.out, own.channels // own.groups, own.kernel, own.kernel)
    expected = contender("torch", own)(x, w)
    torch.testing.assert_close(contender(name, own)(x, w), expected, rtol=1e-4, atol=1e-4)


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


def test_the_floor_has_four_transforms_three_products_and_the_kernels() -> None:
    own = cell("32to32-32px-k3")
    grids = floor.grids(own)
    assert grids[0].tiles == 1
    assert len(set(grids)) == len(grids) > 1
    parts = floor.work(own, grids[0])
    assert len(parts) == 4 + 3 + 2
    assert all(seconds > 0 for seconds in floor.seconds(parts).values())


def test_the_floor_of_one_channel_per_group_multiplies_elementwise() -> None:
    own = Cell("small", 2, 4, 4, 4, 16, 5)
    assert all(seconds > 0 for seconds in floor.seconds(floor.work(own, floor.grids(own)[0])).values())
