"""Identities between a kernel's size and its spectrum's roughness, against sums written out by hand."""

import math

import pytest
import torch

from fourierconv.study.theory.kernels import examples, random_kernels
from fourierconv.study.theory.smoothness import smooth, smoothness, spectrum_of, taps_of, window_differences


def test_spectrum_of_is_the_sum_over_taps() -> None:
    kernel, n = random_kernels(1, 4, seed=0)[0], 8
    m, t = torch.arange(n) - n // 2, torch.arange(4) - 1
    waves = torch.exp(-2j * math.pi * torch.outer(m, t).to(torch.float64) / n)
    torch.testing.assert_close(spectrum_of(kernel, n), waves @ kernel.to(torch.complex128) @ waves.T)


def test_taps_of_takes_a_spectrum_back() -> None:
    kernel = random_kernels(1, 5, seed=1)[0]
    torch.testing.assert_close(taps_of(spectrum_of(kernel, 12), 5), kernel)


@pytest.mark.parametrize("name", examples())
def test_roughness_is_size_and_the_bounds_hold(name: str) -> None:
    (row,) = smoothness({name: examples()[name]})
    assert row["roughness of the spectrum"] == pytest.approx(row["roughness from taps"], rel=2e-3)
    assert float(row["slope / bound"]) <= 1
    assert float(row["uncertainty"]) >= float(row["its least value"]) - 1e-3


def test_bounds_hold_for_random_kernels_and_are_not_idle() -> None:
    rows = smoothness({str(i): kernel for i, kernel in enumerate(random_kernels(10, 5, seed=2))})
    assert all(0.3 < float(row["slope / bound"]) <= 1 for row in rows)
    assert all(float(row["uncertainty"]) >= float(row["its least value"]) for row in rows)


def test_a_tap_at_the_rim_meets_bernsteins_bound() -> None:
    kernel = torch.zeros(5, 5, dtype=torch.float64)
    kernel[2, 4] = 1
    (row,) = smoothness({"rim": kernel})
    assert float(row["slope / bound"]) == pytest.approx(1, rel=1e-3)


def test_smoothing_in_frequency_is_a_window_in_space() -> None:
    kernel, sigma = random_kernels(1, 7, seed=3)[0], 1.3
    t = torch.arange(7, dtype=torch.float64) - 3
    window = torch.exp(-t.square() / (2 * sigma**2))
    smoothed = taps_of(smooth(spectrum_of(kernel, 64), 1 / (2 * math.pi * sigma)), 7)
    torch.testing.assert_close(smoothed, kernel * window[:, None] * window)


def test_the_window_layer_smooths_as_much() -> None:
    rows = window_differences(random_kernels(1, 9, seed=4)[0], [3.0, 0.7], n=128)
    assert [row["smoothing (cycles/px)"] for row in rows] == [0.0531, 0.2274]
    assert max(row["largest difference"] for row in rows) < 1e-14


def test_a_gaussian_below_the_grids_step_is_refused() -> None:
    with pytest.raises(ValueError, match=r"width=0.01 must be at least the grid's step 1/64"):
        smooth(torch.ones(64, 64, dtype=torch.complex128), 0.01)
