"""Energy in bands: against Riemann sums on fine grids, and against scipy's prolate sequences."""

import pytest
import torch
from scipy.signal.windows import dpss

from fourierconv.study.theory.concentration import (
    band,
    band_share,
    band_shares,
    best_checks,
    best_share,
    expected_energy,
    image_share,
    mean_energy,
    narrowest_band,
    resolutions,
)
from fourierconv.study.theory.kernels import examples, random_kernels
from fourierconv.study.theory.smoothness import spectrum_of

U = torch.linspace(-0.5, 0.5, 41, dtype=torch.float64)


def test_band_share_is_the_energy_of_the_spectrum_in_the_band() -> None:
    kernels, n = random_kernels(3, 5, seed=0), 1024
    energy = spectrum_of(kernels, n).abs().square()
    m = (torch.arange(n) - n // 2).abs()
    weight = (m < n // 8).to(torch.float64) + 0.5 * (m == n // 8)  # the border of |u| <= 1/8 counts by half
    inside = (energy * weight[:, None] * weight).sum((1, 2))
    torch.testing.assert_close(band_share(kernels, 0.125), inside / energy.sum((1, 2)), rtol=1e-4, atol=1e-5)


def test_the_whole_circle_holds_everything() -> None:
    torch.testing.assert_close(band(6, 0.5), torch.eye(6, dtype=torch.float64))


def test_the_best_sequence_has_what_the_eigenvalue_says_and_random_ones_have_less() -> None:
    for row in best_checks([2, 5, 12], 0.1, count=500, seed=0):
        assert row["energy of its sequence in the band"] == pytest.approx(row["largest eigenvalue"], abs=1e-12)
        assert row["best of the random sequences"] < row["largest eigenvalue"]


@pytest.mark.parametrize(("k", "half_width"), [(3, 0.1), (11, 0.05), (31, 0.06)])
def test_best_share_is_the_first_prolate_sequences(k: int, half_width: float) -> None:
    _, ratios = dpss(k, k * half_width, 1, return_ratios=True)
    assert best_share(k, half_width) == pytest.approx(float(ratios[0]), rel=1e-9)


def test_low_and_high_bands_can_be_filled_alike() -> None:
    sign = (-1.0) ** torch.arange(5, dtype=torch.float64)
    low = band(5, 0.1)
    high = torch.eye(5, dtype=torch.float64) - band(5, 0.4)  # 0.4 <= |u| <= 0.5
    torch.testing.assert_close(sign[:, None] * low * sign, high)


def test_without_a_mean_the_best_share_is_smaller_and_reached_by_taps_that_sum_to_zero() -> None:
    assert best_share(2, 0.1, zero_mean=True) == pytest.approx(float(band(2, 0.1)[0, 0] - band(2, 0.1)[0, 1]))
    for k in (3, 5, 11):
        assert best_share(k, 0.1, zero_mean=True) < best_share(k, 0.1)


@pytest.mark.parametrize("zero_mean", [False, True])
@pytest.mark.parametrize("k", [3, 11])
def test_narrowest_band_holds_just_the_share(k: int, zero_mean: bool) -> None:
    width = narrowest_band(k, 0.9, zero_mean)
    assert best_share(k, width, zero_mean) == pytest.approx(0.9, abs=1e-12)
    assert best_share(k, 0.9 * width, zero_mean) < 0.9


@pytest.mark.parametrize("zero_mean", [False, True])
@pytest.mark.parametrize("k", [3, 5])
def test_random_kernels_have_the_expected_energy_at_every_frequency(k: int, zero_mean: bool) -> None:
    measured = mean_energy(random_kernels(20000, k, 0, zero_mean), U)
    assert (measured - expected_energy(k, U, zero_mean)).abs().max() < 0.05


def test_mean_energy_integrates_to_one_for_one_row_of_taps() -> None:
    kernel = torch.zeros(1, 5, 5, dtype=torch.float64)
    kernel[0, 2] = torch.randn(5, dtype=torch.float64)
    assert float(mean_energy(kernel, U[:-1]).mean()) == pytest.approx(1)


def test_random_kernels_are_white_and_named_filters_are_not() -> None:
    rows = {str(row["kernel"]): float(row["share / area"]) for row in band_shares(examples(), [3, 5], 20000, seed=0)}
    assert rows["random 3×3"] == pytest.approx(1, abs=0.03)
    assert rows["random 5×5"] == pytest.approx(1, abs=0.03)
    assert rows["identity"] == pytest.approx(1)
    assert rows["mean 3×3"] > 3
    assert rows["Laplacian 3×3"] < 0.2
    assert rows["random, mean removed, 3×3"] < rows["random, mean removed, 5×5"] < 0.95


def test_resolution_is_inversely_proportional_to_the_taps() -> None:
    rows = resolutions([5, 11, 31], 0.9, image=64)
    assert [row["k"] for row in rows] == [5, 11, 31]
    products = [row["k × half-width"] for row in rows]
    assert max(products) < 1.05 * min(products)
    assert all(row["half-width, mean 0"] > 1.5 * row["half-width"] for row in rows)
    assert all(row["1/f image inside"] == image_share(64, row["half-width"]) for row in rows)


def test_image_share_is_a_sum_over_modes() -> None:
    total = inside = 0.0
    for y in range(-4, 4):
        for x in range(-4, 4):
            power = 1 / (x * x + y * y) if (x, y) != (0, 0) else 0.0
            total += power
            inside += power * (max(abs(x), abs(y)) <= 2)
    assert image_share(8, 0.25) == pytest.approx(inside / total)
