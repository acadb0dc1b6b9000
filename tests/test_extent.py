"""Extents, mass curves, radii and roughness: exact on kernels whose answers are known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d
from fourierconv.extent import axis_energies, extent, mass_curve, rms_radius, spectral_roughness
from tests.layer_cases import LAYERS, LayerCase
from tests.problems import BINOMIAL, BOX_4, BOX_5, DIFFERENCE, PROBLEMS, SMALL, Problem


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_extents_of_known_kernels(problem: Problem) -> None:
    for mass, side in problem.extents.items():
        assert float(extent(problem.taps.square(), mass)) == pytest.approx(side, rel=problem.tolerance)


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_radii_of_known_kernels(problem: Problem) -> None:
    assert float(rms_radius(problem.taps, 1)) ** 2 == pytest.approx(problem.square_radius, rel=1e-12)


def test_axes_of_a_product_are_measured_one_by_one() -> None:
    kernel = torch.outer(BOX_4.taps, DIFFERENCE.taps)
    for energy, problem in zip(axis_energies(kernel, 2), (BOX_4, DIFFERENCE), strict=True):
        for mass, side in problem.extents.items():
            assert float(extent(energy, mass)) == pytest.approx(side)
    expected = BOX_4.square_radius + DIFFERENCE.square_radius
    assert float(rms_radius(kernel, 2)) ** 2 == pytest.approx(expected)


def test_a_zero_kernel_has_no_extent() -> None:
    zero = torch.zeros(3, 2, 5, 4)
    for energy in axis_energies(zero, 2):
        assert torch.equal(extent(energy), torch.zeros(3, 2))
        assert mass_curve(energy).sum() == 0
    assert torch.equal(rms_radius(zero, 2), torch.zeros(3, 2))
    assert torch.equal(spectral_roughness(zero, 2), torch.zeros(3, 2))


@pytest.mark.parametrize("mass", [0.0, -0.1, 1.5, math.nan])
def test_shares_of_more_than_all_or_nothing_are_refused(mass: float) -> None:
    with pytest.raises(ValueError, match=f"mass={mass} must be a share"):
        extent(torch.ones(3), mass)


@given(st.lists(st.floats(0, 1e3, width=32), min_size=1, max_size=30))
def test_mass_curves_rise_to_one(energy: list[float]) -> None:
    curve = mass_curve(torch.tensor(energy, dtype=torch.float64))
    assert curve.shape == (len(energy) // 2 + 1,)
    assert bool((curve.diff() >= 0).all())
    assert float(curve[-1]) == pytest.approx(1.0 if sum(energy) > 0 else 0.0)


@given(st.lists(st.floats(0, 1e3, width=32), min_size=1, max_size=30), st.floats(0.01, 1), st.floats(0.01, 1))
def test_larger_shares_need_larger_windows(energy: list[float], mass: float, other: float) -> None:
    values = torch.tensor(energy, dtype=torch.float64)
    less, more = sorted((mass, other))
    assert extent(values, less) <= extent(values, more) <= len(energy) + 1


def derivative_ratio(kernel: Tensor, points: int = 512) -> float:
    """∫|∇Ŵ|² / ∫|Ŵ|² from a fine grid of the spectrum, differentiated by central differences."""
    spectrum = torch.fft.fftn(kernel, s=(points,) * kernel.ndim)
    for axis, size in enumerate(kernel.shape):  # the origin's phase matters: it is at (size - 1)//2
        f = torch.arange(points, dtype=torch.float64) * ((size - 1) // 2) / points
        phase = torch.polar(torch.ones_like(f), 2 * math.pi * f)
        spectrum = spectrum * phase.view(-1, *[1] * (kernel.ndim - 1 - axis))
    rises = [(spectrum.roll(-1, axis) - spectrum.roll(1, axis)) * points / 2 for axis in range(kernel.ndim)]
    total = torch.stack([rise.abs().square().sum() for rise in rises]).sum()
    return float(total / spectrum.abs().square().sum())


@pytest.mark.parametrize("size", [(7,), (6,), (5, 4), (3, 6)], ids=str)
def test_roughness_is_the_energy_of_the_spectrums_derivative(size: tuple[int, ...]) -> None:
    kernel = torch.randn(size, dtype=torch.float64)
    roughness = float(spectral_roughness(kernel, len(size)))
    assert roughness == pytest.approx(derivative_ratio(kernel), rel=1e-3)
    assert roughness == pytest.approx((2 * math.pi * float(rms_radius(kernel, len(size)))) ** 2)


@pytest.mark.parametrize(("case", "k"), [(case, k) for case in LAYERS for k in (5, (4, 3)) if case.allows(k)], ids=str)
def test_a_layers_extent_is_that_of_its_taps(case: LayerCase, k: int | tuple[int, int]) -> None:
    layer = case.build(2, 3, k)
    kernel = layer.kernel(201)
    for mass in (0.5, 0.95):
        for axis, energy in enumerate(axis_energies(kernel, 2)):
            torch.testing.assert_close(layer.extent(mass)[..., axis], extent(energy, mass), rtol=1e-6, atol=0)


@pytest.mark.parametrize("problem", SMALL, ids=str)
def test_layers_know_the_extents_of_known_kernels(problem: Problem) -> None:
    layer = FourierConv1d(1, 1, len(problem.taps), bias=False, dtype=torch.float64)
    layer.coefficients.data[0, 0] = problem.taps
    for mass, side in problem.extents.items():
        assert float(layer.extent(mass)) == pytest.approx(side, rel=1e-12)


@pytest.mark.parametrize(
    ("mass", "side"), [(0.2, 1.0), (0.4, 6.0), (0.6, 7.0), (0.8, 12.0), (0.95, 12.75), (1.0, 13.0)]
)
def test_extents_of_a_dilated_box_are_counted_in_pixels(mass: float, side: float) -> None:
    """Its five taps lie at -6, -3, 0, 3 and 6: windows of 1, 7 and 13 pixels hold 1, 3 and 5 of them."""
    layer = FourierConv1d(1, 1, 5, dilation=3, bias=False, dtype=torch.float64)
    torch.nn.init.ones_(layer.coefficients)
    assert float(layer.extent(mass)) == pytest.approx(side, rel=1e-12)


@pytest.mark.parametrize("mass", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("sigma", [6.0, 15.0])
def test_extents_of_a_gaussian(sigma: float, mass: float) -> None:
    """Its energy is a Gaussian of width σ/√2, of which 2σ·erf⁻¹(mass) pixels hold a share `mass`."""
    layer = FourierConv1d(1, 1, 121, bias=False, window=sigma, dtype=torch.float64)
    torch.nn.init.ones_(layer.coefficients)
    expected = 2 * sigma * float(torch.erfinv(torch.tensor(mass, dtype=torch.float64)))
    assert float(layer.extent(mass)) == pytest.approx(expected, rel=0.25 / sigma**2)


def test_every_axis_of_a_layer_has_its_own_extent() -> None:
    """A product of known kernels, dilated along the second axis, beside a zero kernel."""
    layer = FourierConv3d(1, 2, (4, 5, 5), dilation=(1, 2, 1), bias=False, dtype=torch.float64)
    product = torch.einsum("i,j,k->ijk", BOX_4.taps, BOX_5.taps, BINOMIAL.taps)
    layer.coefficients.data[:, 0] = torch.stack([product, torch.zeros_like(product)])
    # windows of 1, 5 and 9 pixels hold 1, 3 and 5 taps of the dilated box
    sides = {1.0: (5.0, 9.0, 5.0), 0.75: (3.0, 7.75, 1 + 2 * (0.75 - 36 / 70) / (32 / 70)), 0.2: (1.0, 1.0, 1.0)}
    for mass, expected in sides.items():
        torch.testing.assert_close(layer.extent(mass)[0, 0], torch.tensor(expected, dtype=torch.float64))
        assert torch.equal(layer.extent(mass)[1, 0], torch.zeros(3, dtype=torch.float64))


def test_a_layer_of_zeros_has_no_extent() -> None:
    layer = FourierConv2d(2, 3, 5, parameterization="scaled")
    torch.nn.init.zeros_(layer.coefficients)
    assert torch.equal(layer.extent(), torch.zeros(3, 2, 2))


def test_scaling_by_two_doubles_the_extent() -> None:
    """Up to the lattice: the same coefficients at twice the spacing."""
    small = FourierConv2d(1, 4, 5, parameterization="scaled", scale=8.0, dtype=torch.float64)
    large = FourierConv2d(1, 4, 5, parameterization="scaled", scale=16.0, dtype=torch.float64)
    large.coefficients.data.copy_(small.coefficients)
    torch.testing.assert_close(large.extent(), 2 * small.extent(), rtol=0.01, atol=0)
