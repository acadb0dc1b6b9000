"""`scaled`: coefficients at a learned spacing, joined by Keys' interpolating cubic."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fourierconv import FourierConv2d
from fourierconv.parameterizations import get
from fourierconv.parameterizations.scaled import keys

SCALED = get("scaled")


def taps(t: Tensor, k: int, scale: float) -> Tensor:
    return SCALED.taps(t, k, torch.tensor([scale], dtype=torch.float64))[0]


def test_spacing_one_is_the_classic_kernel() -> None:
    torch.manual_seed(1)
    scaled = FourierConv2d(3, 2, (4, 5), parameterization="scaled")
    torch.manual_seed(1)
    spatial = FourierConv2d(3, 2, (4, 5))
    torch.testing.assert_close(scaled.kernel((4, 5)), spatial.weight, rtol=0, atol=1e-7)
    torch.testing.assert_close(scaled.kernel(20), spatial.kernel(20), rtol=0, atol=1e-7)


@pytest.mark.parametrize(("k", "spacing"), [(5, 2), (5, 3), (4, 3), (4, 5), (1, 7)])
def test_coefficients_are_the_taps_at_their_places(k: int, spacing: int) -> None:
    """At whole spacings; an even number of coefficients sits on whole pixels at odd ones."""
    first = (k - 1) % 2 / 2 - spacing * (k - 1) / 2
    places = torch.tensor([int(first + spacing * j) for j in range(k)])
    torch.testing.assert_close(taps(places, k, float(spacing)), torch.eye(k, dtype=torch.float64))


@given(st.floats(-1, 1), st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2))
def test_keys_reproduces_quadratics(x: float, a: float, b: float, c: float) -> None:
    """Third order, its reason for a = -1/2: constants, lines and parabolas are interpolated exactly."""
    j = torch.arange(-5, 6, dtype=torch.float64)
    value = (keys(x - j) * (a + b * j + c * j**2)).sum()
    assert float(value) == pytest.approx(a + b * x + c * x**2, abs=1e-12)


def test_keys_is_continuously_differentiable_and_compact() -> None:
    for knot in (-2.0, -1.0, 0.0, 1.0, 2.0):
        x = torch.tensor([knot - 1e-9, knot + 1e-9], dtype=torch.float64, requires_grad=True)
        values = keys(x)
        (slopes,) = torch.autograd.grad(values.sum(), x)
        torch.testing.assert_close(values[0], values[1], rtol=0, atol=1e-7)
        torch.testing.assert_close(slopes[0], slopes[1], rtol=0, atol=1e-7)
    assert keys(torch.tensor([2.0, -2.0, 2.5, 1e6])).tolist() == [0, 0, 0, 0]


@given(st.integers(1, 7), st.floats(0.25, 64))
def test_a_constant_kernel_stays_constant_inside(k: int, scale: float) -> None:
    """Away from the border, interpolating ones gives one whatever the spacing."""
    coefficients = k + 4
    reach = int(max(scale, 1.0) * (k - 1) / 2)
    inside = torch.arange(-reach, reach + 1)
    total = taps(inside, coefficients, max(scale, 1.0)).sum(1)
    torch.testing.assert_close(total, torch.ones_like(total))


@pytest.mark.parametrize("scale", [0.25, 0.5, 0.9])
def test_below_one_the_profile_keeps_its_width(scale: float) -> None:
    t = torch.arange(-8, 9)
    shifted = torch.stack([keys(t.double() - scale * j) for j in range(-2, 3)], 1)
    torch.testing.assert_close(taps(t, 5, scale), shifted)


@pytest.mark.parametrize("scale", [0.99, 0.999999, 1.000001, 1.01])
def test_taps_are_continuous_where_the_profile_begins_to_grow(scale: float) -> None:
    t = torch.arange(-8, 9)
    change = (taps(t, 5, scale) - taps(t, 5, 1.0)).abs().max()
    assert 0 < float(change) < 4 * abs(scale - 1)


@pytest.mark.parametrize("k", [3, 5])
def test_a_kernel_at_twice_the_spacing_fits_an_image_twice_as_large(k: int) -> None:
    """Every other tap of the large kernel is a tap of the small one, both having a tap in the middle."""
    layer, large = (FourierConv2d(1, 1, k, parameterization="scaled", scale=scale) for scale in (1.5, 3.0))
    large.coefficients.data.copy_(layer.coefficients)
    torch.testing.assert_close(large.kernel(41)[..., ::2, ::2], layer.kernel(21))
