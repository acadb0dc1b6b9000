"""Spectra are continuous around the circle, so kernels end: cutting one off costs little a few sizes out.

A kernel whose spectrum jumps, at frequency ½ for instance, decays like 1/t; no window is ever large enough for it.
"""

import math

import pytest
import torch
from torch import Tensor

from fourierconv import FourierConv2d
from tests.layer_cases import LAYERS, LayerCase

FINE = 384  # pixels, several times the largest kernel: the supremum over frequency to a fraction of a percent


def cut_error(layer: FourierConv2d, size: int) -> float:
    """Operator norm of what a window of size x size taps leaves out, relative to the kernel's."""
    exact = layer.spectrum(FINE).detach()
    placed = torch.zeros(1, 1, FINE, FINE, dtype=torch.float64)
    placed[..., :size, :size] = layer.kernel(size).detach()
    origin = (size - 1) // 2
    cut = torch.fft.rfft2(placed.roll((-origin, -origin), (-2, -1)))
    return float((cut - exact).abs().max() / exact.abs().max())


@pytest.mark.parametrize("k", [3, 4, 5, 7])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_truncation_error_falls_below_a_thousandth_within_a_few_kernel_sizes(case: LayerCase, k: int) -> None:
    layer = case.build(1, 1, k)
    few = math.ceil(6 * (case.scale or 1.0) * k)
    assert cut_error(layer, few) < 1e-3


@pytest.mark.parametrize("coefficient", range(5))
def test_a_spline_of_five_takes_about_five_times_its_size(coefficient: int) -> None:
    """Small in energy beyond 7 taps, not in operator norm, where tails of t⁻⁴ add up; along one axis."""
    layer = LayerCase("spline").build(1, 1, (1, 5))
    layer.coefficients.data.copy_(torch.eye(5, dtype=torch.float64)[coefficient])
    assert cut_error(layer, 25) < 1e-3 < cut_error(layer, 9)


def full_spectrum(layer: FourierConv2d, grid: int) -> Tensor:
    """The spectrum at every frequency of both axes, from what half of it implies."""
    taps = torch.fft.irfft2(layer.spectrum(grid).detach(), s=(grid, grid))
    return torch.fft.fft2(taps)


def largest_jump(layer: FourierConv2d, grid: int) -> float:
    """Between neighbours on the circle, the step over frequency ½ included; relative to the largest value."""
    spectrum = full_spectrum(layer, grid)
    jumps = [(spectrum - spectrum.roll(1, axis)).abs().max() for axis in (-2, -1)]
    return float(torch.stack(jumps).max() / spectrum.abs().max())


@pytest.mark.parametrize("k", [3, 4])
@pytest.mark.parametrize("odd", [0, 1], ids=["even-grid", "odd-grid"])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_spectra_are_continuous_around_the_circle(case: LayerCase, odd: int, k: int) -> None:
    """Steps shrink with the distance of the frequencies; across a jump they would stay."""
    layer = case.build(1, 1, k)
    assert largest_jump(layer, 4 * 96 + odd) < 0.3 * largest_jump(layer, 96 + odd)


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_spectra_on_two_grids_agree_where_these_meet(case: LayerCase) -> None:
    """One function of frequency, sampled: every third point of a grid three times as long."""
    layer = case.build(2, 3, 4)
    fine, coarse = layer.spectrum((45, 48)), layer.spectrum((15, 16))
    torch.testing.assert_close(fine[..., ::3, ::3], coarse, rtol=0, atol=1e-12)
