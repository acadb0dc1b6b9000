"""`implicit`: a network over the frequencies makes the functions that the coefficients combine."""

import pytest
import torch

from fourierconv import FourierConv1d, FourierConv2d
from fourierconv.parameterizations.implicit import FrequencyNetwork


def network(layer: FourierConv1d | FourierConv2d) -> FrequencyNetwork:
    assert isinstance(layer.coordinates, FrequencyNetwork)
    return layer.coordinates


def build(k: int = 3, grid: int | tuple[int, int] = 12) -> FourierConv2d:
    return FourierConv2d(2, 3, k, dtype=torch.float64, bias=False, parameterization="implicit", reference_grid=grid)


@pytest.mark.parametrize("grid", [(8, 8), (7, 9)], ids=str)
def test_spectra_are_the_networks_made_hermitian(grid: tuple[int, int]) -> None:
    """H[φ](u) = (φ(u) + conj φ(-u))/2 at every frequency of the reference grid."""
    layer = build(2, grid)
    own = network(layer)
    turns = torch.meshgrid(*(2 * torch.pi * torch.arange(n).double() / n for n in grid), indexing="ij")
    inputs = torch.stack([turns[0].cos(), turns[0].sin(), turns[1].cos(), turns[1].sin()], -1)
    values = own.last(own.second(own.first(inputs).sin()).sin())
    functions = torch.complex(values[..., :4], values[..., 4:])
    mirrored = functions.flip((0, 1)).roll((1, 1), (0, 1))
    hermitian = (functions + mirrored.conj()) / 2
    expected = torch.einsum("oic,yxc->oiyx", layer.coefficients.flatten(2) + 0j, hermitian)
    torch.testing.assert_close(layer.spectrum(grid), expected[..., : grid[1] // 2 + 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [3, 5, 9])
def test_kernels_start_about_as_large_as_classic_ones(k: int) -> None:
    layer = FourierConv2d(8, 8, k, parameterization="implicit")
    assert 0.6 * k < float(layer.extent().median()) < 1.4 * k


def test_the_kernels_of_a_layer_are_combinations_of_the_same_functions() -> None:
    layer = build(2)
    kernels = layer.kernel().detach().flatten(2).flatten(0, 1)  # 6 kernels of 4 coefficients
    assert int(torch.linalg.matrix_rank(kernels)) == 4


def test_training_finds_the_size_of_a_kernel_with_one_coefficient() -> None:
    """A box of 9 taps: without the network's weights one coefficient could only scale what is there."""
    layer = FourierConv1d(1, 1, 1, bias=False, parameterization="implicit")
    assert float(layer.extent()) < 6
    target = torch.zeros(32)
    target[15 - 4 : 15 + 5] = 1 / 3
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    for _ in range(600):
        optimizer.zero_grad()
        (layer.kernel(32).flatten() - target).square().sum().backward()
        optimizer.step()
    assert float(layer.extent()) == pytest.approx(8.55, abs=0.5)  # of the box


def test_its_weights_learn_at_the_ordinary_rate() -> None:
    layer = build()
    (group,) = layer.parameter_groups(0.01)
    assert len(group["params"]) == 1 + 6
