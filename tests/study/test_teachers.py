import math

import pytest
import torch

from fourierconv.extent import axis_energies, extent, rms_radius
from fourierconv.study import teachers


@pytest.mark.parametrize("name", teachers.NAMES)
def test_kernels_have_unit_energy_and_fit_the_lattice(name: str) -> None:
    taps = teachers.get(name).kernels()
    assert taps.shape[1:] == (1, 63, 63)
    torch.testing.assert_close(taps.square().sum((1, 2, 3)), torch.ones(len(taps), dtype=torch.float64))
    border = taps.square().sum() - taps[..., 2:-2, 2:-2].square().sum()
    assert border < 2e-3 * len(taps)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0])
def test_gaussian_derivatives_have_the_analytic_radius(sigma: float) -> None:
    # E|t|² under the squared kernel is σ²(3/2 + 1/2) for x·g; at σ = 1 the lattice still aliases it a little
    first_derivative = teachers.get(f"gaussian_{sigma:g}").kernels()[0]
    torch.testing.assert_close(float(rms_radius(first_derivative, 2)), sigma * math.sqrt(2), rtol=5e-3, atol=0)


def test_disc_has_the_extent_of_a_chord_distribution() -> None:
    # slices of a disc of radius R have energy ∝ √(R² - x²); 95 % of it lies within |x| <= 0.8064 R
    (energy, _) = axis_energies(teachers.get("disc_5").kernels(), 2)
    torch.testing.assert_close(float(extent(energy)), 2 * 0.8064 * 5.0, rtol=0.07, atol=0)


def test_rotated_shapes_are_the_same_shape() -> None:
    bars = teachers.get("bar_13").kernels()
    torch.testing.assert_close(bars[0], bars[2].transpose(-1, -2))


def test_an_unknown_teacher_is_named() -> None:
    with pytest.raises(ValueError, match=r"teacher 'star' is unknown; choose from gaussian_0\.7"):
        teachers.get("star")
