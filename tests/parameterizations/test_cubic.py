"""Cubic splines as matrices: SciPy's splines, and the Fourier coefficients of periodic ones."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from fourierconv.parameterizations import cubic

POINTS = torch.linspace(0, 1, 97, dtype=torch.float64)
CIRCLES = ([0.0, 0.5], [0.0, 0.2, 0.4, 0.6, 0.8], [0.0, 1 / 12, 1 / 6, 1 / 3, 2 / 3, 5 / 6, 11 / 12], [0.0, 0.03, 0.9])


def tensor(values: object) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("k", range(2, 12))
def test_open_splines_are_scipys(k: int) -> None:
    """Its default, not-a-knot, which through three values is a parabola and through two a line."""
    x = POINTS * (k - 1)
    expected = CubicSpline(np.arange(k), np.eye(k), bc_type="not-a-knot")(x.numpy())
    torch.testing.assert_close(cubic.open_cubic(x, k), tensor(expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", range(2, 8))
def test_linear_interpolation_is_numpys(k: int) -> None:
    x = POINTS * (k - 1)
    expected = [np.interp(x.numpy(), np.arange(k), row) for row in np.eye(k)]
    torch.testing.assert_close(cubic.linear(x, torch.arange(k).double()).T, tensor(np.array(expected)))


@pytest.mark.parametrize("through_one", [cubic.open_cubic(POINTS, 1), cubic.linear(POINTS, POINTS[:1])])
def test_through_one_value_there_is_a_constant(through_one: Tensor) -> None:
    assert torch.equal(through_one, torch.ones(97, 1, dtype=torch.float64))


@pytest.mark.parametrize("knots", CIRCLES, ids=len)
def test_periodic_splines_are_scipys(knots: list[float]) -> None:
    values = np.eye(len(knots))
    reference = CubicSpline([*knots, 1.0], np.concatenate([values, values[:1]]), bc_type="periodic")
    found = cubic.periodic_cubic(POINTS + 3, tensor(knots))  # three turns on
    torch.testing.assert_close(found, tensor(reference(POINTS.numpy())), rtol=0, atol=1e-12)


@pytest.mark.parametrize("knots", [[0.0], *CIRCLES], ids=len)
def test_taps_are_integrals_over_the_circle(knots: list[float]) -> None:
    """The mean over n frequencies adds up the taps at t, t ± n, ..., which fall like t⁻⁴."""
    n = 2**15
    spline = cubic.periodic_cubic(torch.arange(n, dtype=torch.float64) / n, tensor(knots))
    t = torch.tensor([0, 1, -1, 2, 7, -40])
    expected = torch.fft.ifft(spline, dim=0)[t]
    torch.testing.assert_close(cubic.taps(t, tensor(knots)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
@pytest.mark.parametrize("knots", CIRCLES, ids=len)
def test_what_lies_beyond_the_reach_is_small(knots: list[float], tolerance: float, dims: int) -> None:
    """Over kernels whose control points are at most 1, every phase adding up."""
    reach = cubic.reach(tensor(knots), tolerance, dims)
    t = torch.arange(reach + 1, 30 * reach)
    taps = cubic.taps(torch.cat([t, -t]), tensor(knots))
    assert float(taps.abs().sum()) <= tolerance / dims
    largest_spacing = max(np.diff([*knots, 1.0]))
    smallest_spacing = min(np.diff([*knots, 1.0]))
    assert reach >= 1 / largest_spacing / 2
    assert reach <= math.ceil(10 * dims * tolerance ** (-1 / 3) / smallest_spacing)
