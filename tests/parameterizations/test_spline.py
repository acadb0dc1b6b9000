"""`spline`: a periodic cubic spline through Hermitian control points, and where its energy lies."""

import math

import pytest
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from fourierconv import FourierConv2d
from fourierconv.parameterizations import get
from fourierconv.parameterizations.base import real_dft

SPLINE = get("spline")
ONE = torch.ones(1, dtype=torch.float64)


def spectrum_at(coefficients: Tensor, n: int) -> Tensor:
    """Along one axis, at all n frequencies."""
    k = len(coefficients)
    return SPLINE.basis(n, n, k, ONE, 1.0)[0] @ coefficients.to(torch.complex128)


def control_points(coefficients: Tensor) -> Tensor:
    """The DFT of the numbers whose orthonormal real DFT the coefficients are."""
    k = len(coefficients)
    own = (real_dft(k).T @ coefficients).roll(-((k - 1) // 2))  # origin first
    return torch.fft.fft(own)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 8, 11])
def test_control_points_are_interpolated(k: int) -> None:
    coefficients = torch.randn(k, dtype=torch.float64)
    found = spectrum_at(coefficients, 6 * k)[::6]
    torch.testing.assert_close(found, control_points(coefficients), rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 8])
def test_the_spectrum_is_the_periodic_cubic_spline_through_them(k: int) -> None:
    coefficients = torch.randn(k, dtype=torch.float64)
    points = control_points(coefficients)
    knots = torch.arange(k + 1, dtype=torch.float64) / k
    closed = torch.cat([points, points[:1]]).numpy()
    reference = CubicSpline(knots.numpy(), closed, bc_type="periodic")
    n = 97
    expected = torch.from_numpy(reference(torch.arange(n, dtype=torch.float64).numpy() / n))
    torch.testing.assert_close(spectrum_at(coefficients, n), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [3, 4, 5])
def test_the_spectrum_is_hermitian(k: int) -> None:
    spectrum = spectrum_at(torch.randn(k, dtype=torch.float64), 40)
    torch.testing.assert_close(spectrum.flip(0).roll(1), spectrum.conj(), rtol=0, atol=1e-13)


def energy_share(k: int, size: int) -> float:
    """Expected share of the energy inside size x size pixels, for white coefficients."""
    taps = SPLINE.taps(torch.arange(-2000, 2001), k, ONE)[0].square().sum(1)
    reach = (size - 1) // 2
    return float((taps[2000 - reach : 2001 + reach].sum() / taps.sum()) ** 2)


def test_a_spline_of_five_lies_in_five_pixels() -> None:
    assert energy_share(5, 5) == pytest.approx(0.975, abs=0.01)
    assert 1 - energy_share(5, 7) == pytest.approx(5e-5, rel=0.5)


def test_tails_fall_with_the_fourth_power() -> None:
    k = 5
    t = torch.tensor([52, 102, 202])  # the same phase of the window
    profile = SPLINE.taps(t, k, ONE)[0].norm(dim=1) * t**4
    torch.testing.assert_close(profile, profile[:1].expand(3), rtol=0.02, atol=0)


@pytest.mark.parametrize("k", [3, 5, 7])
def test_odd_kernels_are_within_reach(k: int) -> None:
    """A central difference: its spectrum is imaginary, which control points that are real cannot be."""
    layer = FourierConv2d(1, 1, (1, k), dtype=torch.float64, parameterization="spline")
    taps = torch.zeros(k, dtype=torch.float64)
    taps[k // 2 - 1], taps[k // 2 + 1] = -1.0, 1.0
    layer.coefficients.data.copy_(real_dft(k) @ taps)
    kernel = layer.kernel((1, 41)).detach().flatten()
    torch.testing.assert_close(kernel, -kernel.flip(0))
    assert float(kernel[21]) > 0.5


def test_half_of_a_random_kernels_energy_is_odd() -> None:
    layer = FourierConv2d(64, 64, 5, dtype=torch.float64, parameterization="spline")
    kernel = layer.kernel(31).detach()
    odd = (kernel - kernel.flip((-2, -1))) / 2
    assert float(odd.square().sum() / kernel.square().sum()) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3, 1e-6])
@pytest.mark.parametrize("k", [2, 3, 5, 8])
def test_the_window_bounds_the_worst_kernel(k: int, tolerance: float) -> None:
    """Along one axis: the largest dropped spectrum over kernels whose control points are at most 1."""
    first, last = SPLINE.window(k, 1.0, tolerance, 1)
    beyond = torch.arange(last + 1, 40 * last)
    dropped = 2 * SPLINE.taps(beyond, k, ONE)[0].norm(dim=1).sum()  # |v| = 1 and every phase adding up
    assert first == -last
    assert float(dropped) <= tolerance
    assert last <= math.ceil(3 * k / tolerance ** (1 / 3))  # tails of t⁻⁴ ask for that much, not for more


def test_more_axes_and_smaller_tolerances_need_wider_windows() -> None:
    reach = [SPLINE.window(5, 1.0, 1e-3, dims)[1] for dims in (1, 2, 3)]
    assert reach[0] < reach[1] < reach[2]
    reach = [SPLINE.window(5, 1.0, tolerance, 2)[1] for tolerance in (1e-2, 1e-4, 1e-6, 1e-12)]
    assert reach == sorted(reach)
    assert reach[-1] > 1000 * reach[0]
