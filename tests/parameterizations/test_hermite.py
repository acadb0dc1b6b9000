"""`hermite`: derivatives of a Gaussian of learned width, sampled in space."""

import math

import pytest
import torch
from scipy.special import eval_hermitenorm
from torch import Tensor

from fourierconv import FourierConv1d, FourierConv2d
from fourierconv.parameterizations import get
from fourierconv.parameterizations.hermite import derivatives

HERMITE = get("hermite")


def taps(t: Tensor, orders: int, sigma: float) -> Tensor:
    return HERMITE.taps(t, orders, torch.tensor([sigma], dtype=torch.float64))[0]


def test_they_are_hermite_polynomials_under_a_gaussian() -> None:
    x = torch.linspace(-6, 6, 101, dtype=torch.float64)
    for m, found in enumerate(derivatives(x, 9).T):
        expected = eval_hermitenorm(m, x.numpy()) * (-(x**2) / 2).exp().numpy() / math.sqrt(math.gamma(m + 0.5))
        torch.testing.assert_close(found, torch.as_tensor(expected), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("order", range(6))
def test_each_is_the_derivative_of_the_one_before(order: int) -> None:
    """-d/dx of order m is √(m + ½) times order m + 1, both being of energy 1."""
    x = torch.linspace(-5, 5, 41, dtype=torch.float64, requires_grad=True)
    values = derivatives(x, order + 2)
    (slope,) = torch.autograd.grad(values[:, order].sum(), x)
    torch.testing.assert_close(-slope, math.sqrt(order + 0.5) * values[:, order + 1].detach(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("k", [3, 4, 7])
@pytest.mark.parametrize("sigma", [1.5, 4.0, 20.0])
def test_sampled_derivatives_have_energy_one(sigma: float, k: int) -> None:
    energy = taps(torch.arange(-400, 401), k, sigma).square().sum(0)
    torch.testing.assert_close(energy, torch.ones_like(energy), rtol=1e-3, atol=0)


@pytest.mark.parametrize("sigma", [2.0, 6.0])
def test_the_gaussian_itself_is_as_large_as_known(sigma: float) -> None:
    layer = FourierConv1d(1, 1, 1, dtype=torch.float64, parameterization="hermite", scale=sigma)
    expected = 2 * sigma * float(torch.erfinv(torch.tensor(0.95, dtype=torch.float64)))
    assert float(layer.extent()) == pytest.approx(expected, rel=0.25 / sigma**2 + 0.02)


def test_twice_the_width_is_the_kernel_of_an_image_twice_as_large() -> None:
    layer, large = (
        FourierConv2d(1, 1, 5, dtype=torch.float64, parameterization="hermite", scale=s) for s in (1.5, 3.0)
    )
    large.coefficients.data.copy_(layer.coefficients)
    torch.testing.assert_close(2 * large.kernel(61)[..., ::2, ::2], layer.kernel(31), rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [2, 3])
def test_the_middle_is_nn_conv2ds(k: int) -> None:
    layer = FourierConv1d(1, 1, k, dtype=torch.float64, parameterization="hermite", scale=2.0)
    layer.coefficients.data.zero_()[..., 0] = 1.0
    energy = layer.kernel(41).detach().flatten().square()
    mean = float((energy * (torch.arange(41) - 20)).sum() / energy.sum())
    assert mean == pytest.approx((k + 1) % 2 / 2, abs=1e-9)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("sigma", [1.0, 1.3, 4.0])
@pytest.mark.parametrize("k", [1, 3, 5, 8])
def test_the_window_bounds_what_is_dropped(k: int, sigma: float, tolerance: float) -> None:
    """For random coefficients, and for those whose kernel is smallest."""
    first, last = HERMITE.window(k, sigma, tolerance, 1)
    t = torch.arange(-300, 301)
    columns = taps(t, k, sigma)
    kept = ((t >= first) & (t <= last)).unsqueeze(1)
    coefficients = torch.cat([torch.randn(k, 200, dtype=torch.float64), torch.linalg.svd(columns)[2].T], 1)
    whole, dropped = (
        torch.fft.fft(columns.where(where, 0.0) @ coefficients, n=1024, dim=0).abs().amax(0)
        for where in (torch.ones_like(kept), ~kept)
    )
    assert float((dropped / whole).max()) <= tolerance
    assert last <= math.ceil(9 * sigma + 2)
