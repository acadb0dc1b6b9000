"""With zero padding a layer applies its own taps, cut where its tolerance allows, centred where nn.Conv2d would."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import FourierConv2d
from tests.cases import padding_sides
from tests.layer_cases import LAYERS, LayerCase
from tests.measures import relative_error

SIZES = ((12, 11), (9, 16), (7, 7), (8, 8))


def sup_norm(layer: FourierConv2d) -> float:
    """Operator norm of a layer with one channel in and out, on a grid far finer than its spectrum varies."""
    return float(layer.spectrum(512).detach().abs().max())


def with_own_taps(layer: FourierConv2d, x: Tensor) -> Tensor:
    """The layer by F.conv2d: all taps that meet the image, where nn.Conv2d has its tap (k - 1)//2.

    That tap reads x[r + (k - 1)//2 - left] for output pixel r.
    """
    margins: list[int] = []
    sizes = []
    sides = padding_sides(layer.padding, layer.kernel_size)
    for n, k, (left, right) in zip(x.shape[-2:], layer.kernel_size, sides, strict=True):
        reach = n + left + right  # beyond this, taps only meet zeros
        before = reach - (k - 1) // 2 + left
        output = n + left + right - k + 1
        margins = [before, output + 2 * reach - n - before, *margins]
        sizes.append(2 * reach + 1)
    return F.conv2d(F.pad(x, margins), layer.kernel(sizes), layer.bias, groups=layer.groups)


@pytest.mark.parametrize("padding", ["same", 0, 1, 3])
@pytest.mark.parametrize("k", [3, 4, 5])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_zero_padding_is_conv2d_with_the_layers_own_taps(case: LayerCase, k: int, padding: str | int) -> None:
    layer = case.build(4, 6, k, groups=2, padding=padding, bias=True)
    for size in SIZES:
        x = torch.randn(2, 4, *size, dtype=torch.float64)
        assert relative_error(layer(x), with_own_taps(layer, x)) < 1e-11


@pytest.mark.parametrize("scale", [8.0, 40.0])
@pytest.mark.parametrize("k", [5, 4])
def test_kernels_reach_far_beyond_the_image(k: int, scale: float) -> None:
    layer = LayerCase("scaled", scale).build(2, 3, k, padding="same")
    assert layer.kernel().shape[-1] > 40
    x = torch.randn(2, 2, 9, 6, dtype=torch.float64)
    assert relative_error(layer(x), with_own_taps(layer, x)) < 1e-12


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4])
@pytest.mark.parametrize("k", [3, 4, 7])
def test_what_a_tolerance_drops_is_bounded_by_it(k: int, tolerance: float) -> None:
    """Taps of 'spline' never end; the dropped ones have an operator norm of at most tolerance · ‖w‖."""
    exact = LayerCase("spline").build(1, 1, k, padding="same")
    cut = LayerCase("spline").build(1, 1, k, padding="same", tolerance=tolerance)
    cut.load_state_dict(exact.state_dict())
    x = torch.randn(1, 1, 96, 96, dtype=torch.float64)
    error = float((cut(x) - exact(x)).detach().norm())
    assert 0 < error <= tolerance * sup_norm(exact) * float(x.norm())


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_a_kernel_in_its_default_window_has_the_layers_tolerance(case: LayerCase) -> None:
    for k in (4, 5):
        layer = case.build(1, 1, k, tolerance=1e-4).requires_grad_(False)
        kernel = layer.kernel()
        origin = (kernel.shape[-1] - 1) // 2
        placed = F.pad(kernel, (0, 512 - kernel.shape[-1]) * 2).roll((-origin, -origin), (-2, -1))
        dropped = float((torch.fft.rfft2(placed) - layer.spectrum(512)).abs().max())
        assert dropped <= 1e-4 * sup_norm(layer)
