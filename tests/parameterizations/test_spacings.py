"""`spacings`: taps at learned positions, DCLS's construction."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from fourierconv import FourierConv1d, FourierConv2d
from fourierconv.layers import SCALE_RATE
from fourierconv.parameterizations.spacings import NARROWEST, Positions


def build(grid: Any = 9, **options: Any) -> FourierConv2d:
    return FourierConv2d(
        2, 3, 2, dtype=torch.float64, bias=False, parameterization="spacings", reference_grid=grid, **options
    )


def positions(layer: FourierConv1d | FourierConv2d) -> Positions:
    assert isinstance(layer.coordinates, Positions)
    return layer.coordinates


def constructed(layer: FourierConv2d, grid: tuple[int, int]) -> Tensor:
    """The kernels tap by tap, from the paper's formula: a Gaussian over the window, divided by its sum."""
    own = positions(layer)
    kernels = torch.zeros(3, 2, *grid, dtype=torch.float64)
    y, x = (torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in grid)
    for o in range(3):
        for i in range(2):
            for row in range(2):
                for column in range(2):
                    (py, px), (sy, sx) = own.positions[:, o, i, row, column], own.widths[:, o, i, row, column]
                    squares = ((y - py) / (sy.abs() + NARROWEST))[:, None] ** 2 + (
                        (x - px) / (sx.abs() + NARROWEST)
                    ) ** 2
                    bump = (-squares / 2).exp()
                    kernels[o, i] += layer.coefficients[o, i, row, column] * bump / bump.sum()
    return kernels.detach()


@pytest.mark.parametrize("grid", [(9, 9), (8, 11)], ids=str)
def test_kernels_are_sums_of_normalized_gaussians(grid: tuple[int, int]) -> None:
    layer = build(grid)
    own = positions(layer)
    own.positions.data.uniform_(-4, 4)
    own.widths.data.uniform_(-0.8, 0.8)
    torch.testing.assert_close(layer.kernel(grid), constructed(layer, grid), rtol=1e-12, atol=1e-15)


def test_the_start_is_dcls() -> None:
    layer = FourierConv2d(64, 64, 3, parameterization="spacings")
    own = positions(layer)
    assert layer.kernel().shape[2:] == (17, 17)
    assert float(own.positions.detach().std()) == pytest.approx(0.5, abs=0.01)
    assert own.widths.detach().unique().tolist() == pytest.approx([0.23])


def test_training_moves_a_tap_to_where_it_belongs() -> None:
    layer = FourierConv1d(1, 1, 1, padding=0, dtype=torch.float64, bias=False, parameterization="spacings")
    own = positions(layer)
    layer.coefficients.data.fill_(1.0)
    own.positions.data.fill_(0.3)
    own.widths.data.fill_(2.0)
    t = torch.arange(-8, 9, dtype=torch.float64)
    target = (-((t - 3.6) ** 2) / 2).exp() / math.sqrt(2 * math.pi)
    optimizer = torch.optim.Adam(own.parameters(), lr=0.03)
    for _ in range(400):
        optimizer.zero_grad()
        (layer.kernel(17) - target).square().sum().backward()
        optimizer.step()
    assert own.positions.item() == pytest.approx(3.6, abs=0.01)
    assert abs(own.widths.item()) + NARROWEST == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("grid", [8, 9])
def test_positions_beyond_the_window_are_held_and_brought_back(grid: int) -> None:
    layer, at_edge = build(grid), build(grid)
    at_edge.load_state_dict(layer.state_dict())
    for own, place in ((positions(layer), 1e4), (positions(at_edge), grid // 2)):
        own.positions.data[0, 1, 0, 0, 0] = place
        own.positions.data[1, 2, 1, 1, 1] = -place
    x = torch.randn(1, 2, 9, 9, dtype=torch.float64)
    outputs = [one(x) for one in (layer, at_edge)]
    torch.testing.assert_close(*outputs)
    outputs[0].square().sum().backward()
    gradient = positions(layer).positions.grad
    assert gradient is not None
    assert float(gradient[0, 1, 0, 0, 0].abs()) > 0
    assert layer.refresh() == 2
    assert float(positions(layer).positions.detach().abs().max()) <= grid // 2
    assert layer.refresh() == 0


@pytest.mark.parametrize("name", ["positions", "widths"])
def test_positions_that_are_no_numbers_are_refused(name: str) -> None:
    layer = build()
    getattr(positions(layer), name).data[0, 0, 0, 0, 0] = math.nan
    with pytest.raises(ValueError, match=rf"coordinates\.{name} must be finite"):
        layer.refresh()


def test_positions_learn_at_the_rate_of_scales_and_do_not_decay() -> None:
    layer = build(window=3.0)
    ordinary, fast = layer.parameter_groups(0.01)
    own = positions(layer)
    assert {id(p) for p in fast["params"]} == {id(layer.window), id(own.positions), id(own.widths)}
    assert (fast["lr"], fast["weight_decay"]) == (0.01 * SCALE_RATE, 0.0)
    assert [id(p) for p in ordinary["params"]] == [id(layer.coefficients)]


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("kind", [FourierConv1d, FourierConv2d])
def test_layouts_of_images_are_not_for_positions(kind: type[FourierConv1d | FourierConv2d], swap: bool) -> None:
    layer = kind(2, 3, 3, parameterization="spacings").double()
    x = torch.randn(1, 2, *(9,) * layer.dims, dtype=torch.float64)
    y = layer(x)
    y.sum().backward()
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(swap)
    try:
        own = positions(layer).positions
        layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        assert positions(layer).positions is own
        torch.testing.assert_close(layer(x), y)
        layer.float()
        assert own.grad is not None
        assert own.dtype == own.grad.dtype == torch.float32
        assert own.shape == own.grad.shape
        layer.share_memory()
        assert own.is_shared()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
