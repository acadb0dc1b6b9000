"""Learned scales: their bounds, how training reaches them, and what happens when it meets a bound."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fourierconv import FourierConv2d
from fourierconv.layers import SCALE_RATE
from fourierconv.parameterizations import get
from fourierconv.scales import HEADROOM

SCALED = ("window", "scaled")


def build(name: str, **kwargs: object) -> FourierConv2d:
    return FourierConv2d(2, 6, 3, padding=1, dtype=torch.float64, parameterization=name, **kwargs)  # type: ignore


def scale_of(layer: FourierConv2d) -> Tensor:
    assert layer.scale is not None
    return layer.scale


def limits_of(name: str) -> tuple[float, float]:
    limits = get(name).scale_limits
    assert limits is not None
    return limits


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize(("scale_per", "count"), [("layer", 1), ("channel", 6), (3, 3), (1, 1)])
def test_one_scale_per_layer_channel_or_group(name: str, scale_per: str | int, count: int) -> None:
    layer = build(name, scale_per=scale_per, scale=1.5)
    assert scale_of(layer).tolist() == [[1.5]] * count


@pytest.mark.parametrize("name", SCALED)
def test_scales_of_several_channels_may_start_log_spaced(name: str) -> None:
    layer = build(name, scale_per="channel", scale=(1.0, 32.0))
    assert scale_of(layer).flatten().tolist() == pytest.approx([1, 2, 4, 8, 16, 32], rel=1e-14)


@pytest.mark.parametrize("name", SCALED)
def test_a_group_of_channels_shares_its_scale(name: str) -> None:
    """Channels 0-1, 2-3, 4-5 are those of three layers with a scale of their own."""
    shared = build(name, scale_per=3, scale=(0.8, 2.9))
    x = torch.randn(1, 2, 11, 12, dtype=torch.float64)
    for group, scale in enumerate(scale_of(shared).flatten().tolist()):
        own = build(name, scale=scale)
        own.coefficients.data.copy_(shared.coefficients)
        own.bias.data.copy_(shared.bias)  # type: ignore
        channels = slice(2 * group, 2 * group + 2)
        torch.testing.assert_close(shared(x)[:, channels], own(x)[:, channels])
        torch.testing.assert_close(shared.spectrum(9)[channels], own.spectrum(9)[channels])


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("name", SCALED)
def test_growth_beyond_the_headroom_waits_for_a_refresh(name: str, mode: str) -> None:
    layer, at_bound = (build(name, scale=1.5, padding_mode=mode) for _ in range(2))
    at_bound.load_state_dict(layer.state_dict())
    scale_of(layer).data.fill_(6.0)
    scale_of(at_bound).data.fill_(1.5 * HEADROOM)
    x = torch.randn(1, 2, 16, 15, dtype=torch.float64)
    torch.testing.assert_close(layer(x), at_bound(x))
    assert layer.refresh() == 1
    assert not torch.allclose(layer(x), at_bound(x))
    assert scale_of(layer).item() == 6.0
    assert layer.refresh() == 0


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("side", ["headroom", "lower limit"])
def test_gradients_survive_where_a_scale_is_held(name: str, side: str) -> None:
    held_at, asked = (1.5 * HEADROOM, 6.0) if side == "headroom" else (limits_of(name)[0], 0.01)
    held, inside = (build(name, scale=1.5) for _ in range(2))
    inside.load_state_dict(held.state_dict())
    scale_of(held).data.fill_(asked)
    scale_of(inside).data.fill_(held_at)
    x = torch.randn(2, 2, 9, 9, dtype=torch.float64)
    gradients = []
    for layer in (held, inside):
        layer(x).square().sum().backward()
        gradient = scale_of(layer).grad
        assert gradient is not None
        gradients.append(gradient)
    torch.testing.assert_close(*gradients)
    assert float(gradients[0].abs()) > 1e-6


@pytest.mark.parametrize("name", SCALED)
def test_refresh_counts_the_scales_at_their_bound_and_holds_them_in_their_limits(name: str) -> None:
    low, high = limits_of(name)
    layer = build(name, scale_per="channel", scale=(1.0, 4.0))
    scale_of(layer).data[:, 0] = torch.tensor([low / 2, 1.0, 0.0, 5.1, 1e6, -3.0], dtype=torch.float64)
    assert layer.refresh() == 5  # too small, zero, beyond 4 · headroom, far beyond, negative
    assert scale_of(layer).flatten().tolist() == [low, 1.0, low, 5.1, high, low]
    assert layer.refresh() == 0


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("value", [0.0, -5.0, 1e6])
@pytest.mark.parametrize("name", SCALED)
def test_a_scale_that_ran_away_is_back_at_its_limit_after_a_refresh(name: str, value: float, mode: str) -> None:
    limit = limits_of(name)[value > 1]
    runaway, at_limit = build(name, padding_mode=mode), build(name, scale=limit, padding_mode=mode)
    at_limit.coefficients.data.copy_(runaway.coefficients)
    at_limit.bias.data.copy_(runaway.bias)  # type: ignore
    scale_of(runaway).data.fill_(value)
    assert runaway.refresh() == 1
    x = torch.randn(1, 2, 9, 8, dtype=torch.float64)
    torch.testing.assert_close(runaway(x), at_limit(x))


@pytest.mark.parametrize("method", ["eval", "kernel", "spectrum", "extent", "load"])
def test_reading_a_layer_refreshes_it(method: str) -> None:
    layer = build("scaled", scale=1.5)
    scale_of(layer).data.fill_(6.0)
    calls: dict[str, Callable[[], object]] = {
        "eval": layer.eval,
        "kernel": layer.kernel,
        "spectrum": lambda: layer.spectrum(8),
        "extent": layer.extent,
        "load": lambda: layer.load_state_dict(layer.state_dict()),
    }
    calls[method]()
    fresh = build("scaled", scale=6.0)
    fresh.load_state_dict(layer.state_dict())
    x = torch.randn(1, 2, 16, 15, dtype=torch.float64)
    torch.testing.assert_close(layer(x), fresh(x))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", SCALED)
def test_scales_that_are_no_numbers_are_refused(name: str, value: float) -> None:
    layer = build(name, scale_per=2, scale=1.5)
    damaged = layer.state_dict() | {"scale": torch.tensor([[1.0], [value]], dtype=torch.float64)}
    with pytest.raises(ValueError, match=rf"scale=\[1.0, {value}\] must be finite"):
        layer.load_state_dict(damaged)
    scale_of(layer).data[1, 0] = value
    with pytest.raises(ValueError, match=rf"scale=\[1.0, {value}\] must be finite"):
        layer.refresh()
    with pytest.raises(ValueError, match="must be finite"):
        layer.eval()


@pytest.mark.parametrize("name", ["spatial", "spectral", "spline"])
def test_layers_without_a_scale_have_nothing_to_refresh(name: str) -> None:
    layer = build(name)
    assert layer.scale is None
    assert "scale" not in layer.state_dict()
    assert layer.refresh() == 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", SCALED)
def test_scales_learn_faster_and_do_not_decay(name: str, bias: bool) -> None:
    layer = build(name, bias=bias)
    ordinary, scales = layer.parameter_groups(0.01)
    assert [id(p) for p in ordinary["params"]] == [id(p) for p in (layer.coefficients, layer.bias) if p is not None]
    assert scales["params"] == [layer.scale]
    assert (ordinary["lr"], scales["lr"], scales["weight_decay"]) == (0.01, 0.01 * SCALE_RATE, 0.0)
    assert SCALE_RATE > 1
    optimizer = torch.optim.SGD(layer.parameter_groups(0.01), lr=0.01, weight_decay=0.5)
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    before = {name: p.detach().clone() for name, p in layer.named_parameters()}
    optimizer.step()
    assert torch.equal(scale_of(layer), before["scale"])
    torch.testing.assert_close(layer.coefficients.data, before["coefficients"] * (1 - 0.01 * 0.5))


@pytest.mark.parametrize("name", ["spatial", "spectral", "spline"])
def test_parameter_groups_cover_every_parameter_once(name: str) -> None:
    layer = build(name)
    (group,) = layer.parameter_groups(0.01)
    assert [id(p) for p in group["params"]] == [id(p) for p in layer.parameters()]
