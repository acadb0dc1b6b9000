"""Tiles: nothing is lost between them, and adding them up is the adjoint of cutting them out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fourierconv.engines.tiles import Tiles
from fourierconv.grid import linear_axis, tiled

sides = st.tuples(
    st.integers(1, 9), st.integers(0, 6), st.integers(1, 4), st.integers(-2, 5)
)  # step, more, count, lead


def drawn(axes: list[tuple[int, int, int, int]]) -> Tiles:
    steps, more, counts, leads = zip(*axes, strict=True)
    grid = tuple(step + extra for step, extra in zip(steps, more, strict=True))
    return Tiles(grid, steps, counts, leads)


def pixels(*shape: int) -> torch.Tensor:
    count = torch.Size(shape).numel()
    return torch.arange(count, dtype=torch.float64).mul(0.7).sin().view(shape)


@given(axes=st.lists(sides, min_size=1, max_size=3), data=st.data())
def test_adding_up_is_the_adjoint_of_cutting(axes: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    tiles = drawn(axes)
    n = tuple(data.draw(st.integers(1, 12)) for _ in axes)
    x, y = pixels(2, 1, *n), pixels(2, 1, *tiles.count, *tiles.grid)
    cut = tiles.cut(x)
    inside = y
    for axis, width in enumerate(cut.shape[2 + len(n) :], 2 + len(n)):  # a transform fills up the rest with zeros
        inside = inside.narrow(axis, 0, width)
    torch.testing.assert_close((cut * inside).sum(), (x * tiles.add(y, n)).sum())


@given(axes=st.lists(sides, min_size=1, max_size=3), data=st.data())
def test_outputs_that_were_cut_are_joined_again(axes: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    tiles = drawn(axes)
    size = tuple(data.draw(st.integers(1, step * count)) for step, count in zip(tiles.step, tiles.count, strict=True))
    x = pixels(2, 3, *size)
    joined = tiles.join(tiles.cut_outputs(x), size)
    assert torch.equal(joined, x)


@given(axes=st.lists(sides, min_size=1, max_size=3))
def test_tiles_are_packed_and_unpacked(axes: list[tuple[int, int, int, int]]) -> None:
    assert Tiles.unpack(drawn(axes).pack()) == drawn(axes)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("outputs", [1, 5, 16, 40])
def test_tiles_cover_the_output_and_hold_the_kernels_reach(outputs: int, mirrored: bool) -> None:
    whole = linear_axis(40, first=-3, last=6, size=40)
    axis, step, count = tiled(whole, 40, outputs, mirrored)
    assert step >= outputs
    assert step * count >= 40 > step * (count - 1)
    assert axis.grid == step + 9
    assert axis.lead == (6 if mirrored else 3)
