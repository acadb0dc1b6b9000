"""`dyadic`: control points at dyadic frequencies; several scales in one kernel."""

from itertools import pairwise

import pytest
import torch

from fourierconv import FourierConv1d, FourierConv2d
from fourierconv.parameterizations import get
from fourierconv.parameterizations.dyadic import Dyadic

ONE = torch.ones(1, dtype=torch.float64)


@pytest.mark.parametrize("k", range(1, 14))
def test_control_points_halve_towards_dc_and_come_in_pairs(k: int) -> None:
    knots = Dyadic().knots(k).tolist()
    assert len(knots) == k
    assert knots == sorted(knots)
    assert knots[0] == 0
    positive = [u for u in knots if 0 < u <= 0.5]
    assert positive[-1:] == ([] if k == 1 else [1 / 3] if k % 2 else [0.5])
    assert [high / low for low, high in pairwise(positive)] == [2.0] * (len(positive) - 1)
    assert [1 - u for u in reversed(knots[1:])] == pytest.approx(knots[1:])


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_up_to_four_it_is_spline(k: int) -> None:
    positions = torch.arange(-20, 21)
    torch.testing.assert_close(get("dyadic").taps(positions, k, ONE), get("spline").taps(positions, k, ONE))


@pytest.mark.parametrize("k", [5, 6, 9])
def test_the_spectrum_passes_through_its_control_points(k: int) -> None:
    """A cosine and a sine coefficient are the real and the imaginary part at one pair, all else being zero there."""
    n = 3 * 2**8  # every control point is on this grid
    basis = get("dyadic").basis(n, n, k, ONE, 1.0)[0]
    index = [round(u * n) for u in Dyadic().knots(k).tolist()]
    at_knots = basis[index]  # (knots, coefficients)
    torch.testing.assert_close(at_knots, get("spline").basis(k, k, k, ONE, 1.0)[0], rtol=0, atol=1e-12)


def side(k: int, pair: int) -> float:
    """Extent of the kernel of one cosine coefficient, the pairs counted from DC."""
    layer = FourierConv1d(1, 1, k, dtype=torch.float64, parameterization="dyadic", tolerance=1e-4)
    layer.coefficients.data.zero_()[..., 2 * pair - 1] = 1.0
    return float(layer.extent())


def test_one_kernel_holds_several_scales() -> None:
    """From the highest pair of control points down every pair's kernel is twice as large."""
    sides = [side(11, pair) for pair in (5, 4, 3, 2)]
    assert [large / small for small, large in pairwise(sides)] == pytest.approx([2, 2, 2], rel=0.2)


@pytest.mark.parametrize(("k", "size"), [(5, 6), (7, 12), (9, 24), (11, 48)])
def test_kernels_reach_as_far_as_promised(k: int, size: int) -> None:
    """The DC coefficient's, whose neighbours are the closest."""
    layer = FourierConv1d(1, 1, k, dtype=torch.float64, parameterization="dyadic", tolerance=1e-4)
    layer.coefficients.data.zero_()[..., 0] = 1.0
    assert float(layer.extent()) == pytest.approx(size, rel=0.25)


def test_large_and_fine_need_different_coefficients() -> None:
    """Far from the origin a random kernel has low frequencies only."""
    layer = FourierConv2d(8, 8, 9, dtype=torch.float64, parameterization="dyadic", tolerance=1e-4)
    kernel = layer.kernel(63).detach()
    inner = torch.zeros(63, dtype=torch.float64)
    inner[31 - 4 : 31 + 5] = 1
    outside = kernel * (1 - torch.outer(inner, inner))
    power = torch.fft.fft2(outside).abs().square().sum((0, 1))
    u = torch.fft.fftfreq(63).abs()
    high = (u[:, None] > 0.25) & (u > 0.25)
    share = {
        "kernel": float(torch.fft.fft2(kernel).abs().square().sum((0, 1))[high].sum()) / float(kernel.square().sum())
    }
    share["outside"] = float(power[high].sum()) / float(outside.square().sum())
    assert share["outside"] < 0.2 * share["kernel"]
