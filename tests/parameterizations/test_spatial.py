"""`spatial`: the coefficients are the taps, where nn.Conv2d has them."""

import pytest
import torch

from fourierconv import FourierConv2d
from fourierconv.parameterizations import get


@pytest.mark.parametrize("kernel_size", [1, 2, 5, 6])
def test_taps_are_the_coefficients(kernel_size: int) -> None:
    first, last = get("spatial").window(kernel_size, 1.0, 0.0, 2)
    taps = get("spatial").taps(torch.arange(first, last + 1), kernel_size, torch.ones(1))
    assert torch.equal(taps[0], torch.eye(kernel_size))


@pytest.mark.parametrize("k", [5, (4, 3), (1, 6)], ids=str)
def test_the_kernel_is_the_weight(k: int | tuple[int, int]) -> None:
    layer = FourierConv2d(3, 2, k)
    assert torch.equal(layer.kernel(), layer.weight)


def test_a_larger_window_adds_zeros_and_a_smaller_one_cuts() -> None:
    layer = FourierConv2d(3, 2, 4)  # taps at -1, 0, 1, 2
    larger = layer.kernel((8, 7))  # from -3
    assert torch.equal(larger[..., 2:6, 2:6], layer.weight)
    assert torch.equal(larger.square().sum(), layer.weight.square().sum())
    assert torch.equal(layer.kernel(3), layer.weight[..., :3, :3])
    assert torch.equal(layer.kernel(1), layer.weight[..., 1:2, 1:2])
