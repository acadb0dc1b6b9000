"""`free` and `truncated`: weights for the frequencies of a reference grid."""

import math
from typing import Any

import pytest
import torch

from fourierconv import FourierConv1d, FourierConv2d
from fourierconv.parameterizations import get


def build(name: str, k: Any = 3, grid: Any = None, **options: Any) -> FourierConv2d:
    return FourierConv2d(
        2, 3, k, dtype=torch.float64, bias=False, parameterization=name, reference_grid=grid, **options
    )


@pytest.mark.parametrize("k", [4, 5])
def test_free_on_the_default_grid_is_spectral(k: int) -> None:
    torch.manual_seed(3)
    free = build("free", k)
    torch.manual_seed(3)
    spectral = build("spectral", k)
    torch.testing.assert_close(free.kernel(), spectral.kernel())
    torch.testing.assert_close(free.coefficients, spectral.coefficients)


@pytest.mark.parametrize("n", [7, 8])
@pytest.mark.parametrize("mode", [0, 1, 3, 4])
def test_a_coefficient_is_the_weight_of_its_frequency(n: int, mode: int) -> None:
    """On the reference grid a layer multiplies one mode, and no other, by √n, √(n/2) or i√(n/2)."""
    if mode > n // 2:
        mode = n // 2
    alone = mode == 0 or 2 * mode == n
    for part in (0,) if alone else (0, 1):
        layer = FourierConv1d(1, 1, 3, dtype=torch.float64, parameterization="free", reference_grid=n)
        layer.coefficients.data.zero_()[..., max(2 * mode - 1, 0) + part] = 1.0
        spectrum = layer.spectrum(n).detach().flatten()
        expected = torch.zeros(n // 2 + 1, dtype=torch.complex128)
        weight = math.sqrt(n) if alone else (1, -1j)[part] * math.sqrt(n / 2)
        expected[mode] = torch.tensor(weight, dtype=torch.complex128)
        torch.testing.assert_close(spectrum, expected, rtol=0, atol=1e-12)


def test_every_kernel_of_the_grid_is_within_reach_at_the_same_length() -> None:
    layer = build("free", 3, (6, 7))
    assert layer.coefficients.shape == (3, 2, 6, 7)
    assert layer.kernel().shape == (3, 2, 6, 7)
    torch.testing.assert_close(layer.kernel().norm(), layer.coefficients.norm())
    assert layer(torch.randn(1, 2, 9, 9, dtype=torch.float64)).shape == (1, 3, 7, 7)  # kernel_size is still 3


@pytest.mark.parametrize("name", ["free", "truncated"])
def test_on_another_grid_the_same_taps_stand_among_zeros(name: str) -> None:
    layer = build(name, 3, 6)
    kernel = layer.kernel(21).detach()
    torch.testing.assert_close(kernel[..., 8:14, 8:14], layer.kernel().detach(), rtol=0, atol=1e-15)
    assert float(kernel.square().sum()) == pytest.approx(float(layer.kernel().detach().square().sum()))


@pytest.mark.parametrize(("k", "n"), [(1, 8), (3, 8), (5, 9), (4, 9), (9, 9), (8, 8)])
def test_truncated_has_the_lowest_modes_and_no_others(k: int, n: int) -> None:
    layer = build("truncated", k, n)
    spectrum = layer.spectrum(n).detach()
    modes = k // 2
    assert layer.coefficients.shape == (3, 2, k, k)
    assert float(spectrum[..., modes + 1 :].abs().sum()) < 1e-11
    assert float(spectrum[..., modes + 1 : n - modes, :].abs().sum()) < 1e-11
    assert bool((spectrum[..., : modes + 1].abs().amax((0, 1, 2)) > 1e-3).all())


@pytest.mark.parametrize("n", [7, 8])
def test_truncated_with_every_mode_is_free(n: int) -> None:
    all_modes, free = build("truncated", n, n), build("free", 3, n)
    free.coefficients.data.copy_(all_modes.coefficients)
    torch.testing.assert_close(all_modes.kernel(n), free.kernel(n))


def test_truncated_kernels_are_as_large_as_the_grid() -> None:
    layer = FourierConv2d(8, 8, 5, parameterization="truncated")
    assert layer.kernel().shape[2:] == (32, 32)
    assert float(layer.extent().median()) > 25


def test_more_modes_than_the_grid_has_are_refused() -> None:
    with pytest.raises(ValueError, match=r"kernel_size=33: 'truncated' keeps at most the reference_grid=32 modes"):
        build("truncated", 33)
    with pytest.raises(ValueError, match=r"kernel_size=9: .* reference_grid=8"):
        build("truncated", (3, 9), (8, 8))


@pytest.mark.parametrize("name", ["spatial", "scaled", "spline", "hermite"])
def test_a_reference_grid_of_what_has_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' has no reference grid; .* 'free', 'truncated'"):
        get(name, 8)


@pytest.mark.parametrize(("grid", "error"), [(0, RuntimeError), ((8, 8, 8), RuntimeError), (2.5, TypeError)])
def test_reference_grids_that_are_no_sizes_are_refused(grid: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="reference_grid"):
        build("free", 3, grid)
