"""`spectral`: the taps of `spatial` in their own orthonormal real DFT."""

import pytest
import torch

from fourierconv import FourierConv2d


@pytest.mark.parametrize("k", [1, 4, 5, (3, 6)], ids=str)
def test_starts_with_the_taps_of_spatial(k: int | tuple[int, int]) -> None:
    kernels = []
    for name in ("spatial", "spectral"):
        torch.manual_seed(5)
        kernels.append(FourierConv2d(3, 2, k, dtype=torch.float64, parameterization=name).kernel())
    torch.testing.assert_close(*kernels)


def test_the_change_of_basis_is_unitary() -> None:
    layer = FourierConv2d(3, 2, (4, 5), dtype=torch.float64, parameterization="spectral")
    torch.nn.init.normal_(layer.coefficients)
    energy = layer.coefficients.square().sum((-2, -1))
    torch.testing.assert_close(layer.kernel().square().sum((-2, -1)), energy)


def test_the_first_coefficient_is_the_mean_and_the_spectrum_at_zero() -> None:
    layer = FourierConv2d(3, 2, (4, 5), dtype=torch.float64, parameterization="spectral")
    first = layer.coefficients[..., 0, 0]
    torch.testing.assert_close(layer.kernel().sum((-2, -1)), first * 20**0.5)
    torch.testing.assert_close(layer.spectrum(9)[..., 0, 0].real, first * 20**0.5)
