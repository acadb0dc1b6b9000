"""One axis of a layer, and kernels under a learned Gaussian window."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourierconv import FourierConv2d
from fourierconv.kernels import AxisKernel
from fourierconv.parameterizations import get
from fourierconv.parameterizations.base import lattice
from tests.layer_cases import LAYERS, Layer, LayerCase, label

Sizes = tuple[int, ...]
WINDOWED = [case for case in LAYERS if case.name != "window"]
SIZE = 41  # taps along which kernels are compared
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def parameter(layer: Layer, name: str) -> Tensor:
    value = getattr(layer, name)
    assert isinstance(value, nn.Parameter)
    return value


def without_window(case: LayerCase, layer: Layer, **options: Any) -> Layer:
    """The same layer with the same coefficients and scales, and no window."""
    state = {name: value for name, value in layer.state_dict().items() if name != "window"}
    plain = case.build_in(layer.dims, layer.in_channels, layer.out_channels, layer.kernel_size, **options)
    plain.load_state_dict(state)
    return plain


def bell(k: int, dilation: int, sigma: Tensor) -> Tensor:
    """exp(-x²/2σ²) at SIZE pixels, x counted in steps of the dilation from the coefficients' middle, (out, SIZE)."""
    pixel = torch.arange(SIZE, dtype=torch.float64) - (SIZE - 1) // 2
    middle = dilation * (k - 1) / 2 - dilation * (k - 1) // 2
    return (-(((pixel - middle) / dilation) ** 2) / (2 * sigma.view(-1, 1) ** 2)).exp()


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("scale_per", ["layer", "channel", 2])
@pytest.mark.parametrize("per_axis", [False, True], ids=["one", "per-axis"])
@pytest.mark.parametrize(
    ("case", "k"), [(case, k) for case in WINDOWED for k in ((3,), (4,), (3, 4)) if case.allows(k)], ids=label
)
def test_a_window_multiplies_the_taps_its_width_counted_before_dilation(
    case: LayerCase, k: Sizes, per_axis: bool, scale_per: str | int, dilation: int
) -> None:
    axes = len(k)
    shared: dict[str, Any] = {"dilation": dilation, "tolerance": 1e-3}
    apart: dict[str, Any] = {"scale_per": scale_per, "per_axis": per_axis}
    sigma = (0.8, 2.5) if scale_per != "layer" else 1.3
    layer = case.build_in(axes, 2, 4, k, window=sigma, **shared, **apart)
    window = parameter(layer, "window")
    window.data.mul_(torch.linspace(1, 1.2, window.shape[1], dtype=torch.float64))
    expected = without_window(case, layer, **shared, **(apart if case.scale else {})).kernel(SIZE)
    assert window.shape == ({"layer": 1, "channel": 4, 2: 2}[scale_per], axes if per_axis else 1)
    for axis, n in enumerate(k):
        own = window[:, axis if per_axis else 0].repeat_interleave(4 // window.shape[0])
        shape = [4, 1, *(SIZE if i == axis else 1 for i in range(axes))]
        expected = expected * bell(n, dilation, own).view(shape)
    torch.testing.assert_close(layer.kernel(SIZE), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("k", "dilation"), [((5,), 1), ((4,), 3), ((3, 4), 2)], ids=label)
@pytest.mark.parametrize("case", WINDOWED, ids=str)
def test_the_spectrum_under_a_window_is_that_of_the_taps(case: LayerCase, k: Sizes, dilation: int) -> None:
    """On grids that hold the kernel and on smaller ones, where it wraps; a window leaves no tails."""
    layer = case.build_in(len(k), 2, 4, k, dilation=dilation, window=(0.5, 1.5), scale_per=2)
    size = 91  # 9 widths, dilated, to either side
    kernel = layer.kernel(size)
    for grid in (128, 127, 10, 7):
        placed = kernel
        for axis in range(2, kernel.ndim):
            position = (torch.arange(size) - (size - 1) // 2).remainder(grid)
            shape = [*placed.shape]
            shape[axis] = grid
            placed = placed.new_zeros(shape).index_add(axis, position, placed)
        expected = torch.fft.rfftn(placed, dim=tuple(range(2, kernel.ndim)))
        torch.testing.assert_close(layer.spectrum(grid), expected, rtol=0, atol=1e-12)


def explicit(layer: Layer, x: Tensor, size: int) -> Tensor:
    """What the layer says it computes: nn.ConvNd's sums with the taps of kernel(size), pixel by pixel."""
    kernel = layer.kernel(size).detach()
    for axis, n in enumerate(x.shape[2:]):
        left, right = layer._pairs[axis]
        reach = layer.dilation[axis] * (layer.kernel_size[axis] - 1)
        beyond = (size - 1) // 2 - reach // 2 + left  # of the first tap from the first pixel
        last = n + left + right - reach - 1 + reach // 2 - left + size - 1 - (size - 1) // 2
        pixels = torch.arange(-beyond, last + 1)
        inside = ((pixels >= 0) & (pixels < n)) | (layer.padding_mode == "circular")
        x = x.index_select(axis + 2, pixels.remainder(n))
        x = x * inside.to(x.dtype).view(-1, *[1] * (layer.dims - 1 - axis))
    return CONVOLUTIONS[layer.dims](x, kernel, layer.bias, stride=layer.stride, groups=layer.groups)


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize(
    ("k", "size", "options"),
    [
        ((5,), (9,), {"padding": 3, "stride": 2}),
        ((4,), (10,), {"padding": "same", "dilation": 3}),
        ((4, 3), (7, 8), {"padding": (1, 2), "dilation": (1, 2), "groups": 2, "bias": True}),
        ((3, 3, 4), (5, 4, 6), {"padding": "same"}),
    ],
    ids=label,
)
@pytest.mark.parametrize("case", WINDOWED, ids=str)
def test_layers_with_a_window_convolve_with_their_kernels(
    case: LayerCase, k: Sizes, size: Sizes, options: dict[str, Any], mode: str
) -> None:
    layer = case.build_in(len(k), 2, 4, k, window=0.5, padding_mode=mode, per_axis=True, **options)
    x = torch.randn(2, 2, *size, dtype=torch.float64)
    largest = {1: 61, 2: 41, 3: 17}[len(k)]
    torch.testing.assert_close(layer(x), explicit(layer, x, largest), rtol=0, atol=1e-12)


@pytest.mark.parametrize("case", WINDOWED, ids=str)
def test_a_wide_window_changes_nothing_near_the_middle(case: LayerCase) -> None:
    wide = case.build(1, 2, 3, window=64.0, tolerance=1e-3)
    plain = without_window(case, wide, tolerance=1e-3)
    torch.testing.assert_close(wide.kernel(5), plain.kernel(5), rtol=2e-3, atol=0)


def test_a_window_of_a_window_is_refused() -> None:
    with pytest.raises(ValueError, match=r"window=2\.0: parameterization='window' has one, its scale; pass scale="):
        FourierConv2d(1, 1, 3, parameterization="window", window=2.0)


@pytest.mark.parametrize("sigma", [0.5, 1.5, 4.0])
@pytest.mark.parametrize("k", [4, 5])
def test_spatial_under_a_window_is_window(k: int, sigma: float) -> None:
    """Two ways to the same kernels, from the same random numbers on."""
    torch.manual_seed(2)
    composed = FourierConv2d(2, 3, k, window=sigma, dtype=torch.float64)
    torch.manual_seed(2)
    own = FourierConv2d(2, 3, k, parameterization="window", scale=sigma, dtype=torch.float64)
    torch.testing.assert_close(composed.kernel(), own.kernel(), rtol=1e-13, atol=0)
    torch.testing.assert_close(composed.spectrum(9), own.spectrum(9), rtol=0, atol=1e-14)


# --- the axis itself ---


def axis_of(name: str, k: int, dilation: int, sigma: float | None = None) -> AxisKernel:
    scale = torch.tensor([1.2, 2.0], dtype=torch.float64)
    window = None if sigma is None else torch.tensor([sigma, 1.5 * sigma], dtype=torch.float64)
    return AxisKernel(get(name), k, dilation, scale, 2.5, window, 1.0 if sigma is None else 2.0 * sigma)


@pytest.mark.parametrize("sigma", [None, 1.1])
@pytest.mark.parametrize(("k", "dilation"), [(3, 1), (4, 1), (5, 2), (4, 2), (4, 3)])
def test_pixels_spectrum_and_circle_are_one_kernel(k: int, dilation: int, sigma: float | None) -> None:
    kernel = axis_of("scaled", k, dilation, sigma)
    first, last = kernel.extent(1e-12, 1)
    taps = kernel.pixels(first, last)
    assert float(kernel.pixels(first - 9, first - 1).abs().max()) < 1e-12
    assert float(kernel.pixels(last + 1, last + 9).abs().max()) < 1e-12
    for n in (64, 15):
        positions = lattice(first, last).remainder(n)
        circle = taps.new_zeros(taps.shape[0], n, k).index_add(1, positions, taps)
        torch.testing.assert_close(kernel.spectrum(n, n // 2 + 1), torch.fft.rfft(circle, dim=1), rtol=0, atol=1e-12)
        torch.testing.assert_close(kernel.wrapped(n, kernel.shift), circle, rtol=0, atol=1e-12)
        moved = circle.roll(3 - kernel.shift, 1)  # tap 0 at pixel 3
        torch.testing.assert_close(kernel.wrapped(n, 3), moved, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sigma", [None, 1.1])
@pytest.mark.parametrize(("k", "dilation"), [(3, 1), (4, 1), (5, 2), (4, 3)])
def test_gram_matrices_are_sums_over_pixels(k: int, dilation: int, sigma: float | None) -> None:
    kernel = axis_of("scaled", k, dilation, sigma)
    taps, t = kernel.pixels(-90, 90), lattice(-90, 90).double()
    zeroth, second = kernel.gram(1e-12, 1)
    torch.testing.assert_close(zeroth, torch.einsum("sti,stj->sij", taps, taps), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(second, torch.einsum("t,sti,stj->sij", t**2, taps, taps), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(kernel.column_energies(), zeroth.diagonal(dim1=-2, dim2=-1), rtol=1e-7, atol=0)


def test_a_window_bounds_tails_that_never_end() -> None:
    """A spline's fall like t⁻⁴; under a Gaussian of σ = 1.5 nothing is left after 9 of the widest σ."""
    bare, windowed = axis_of("spline", 5, 1), axis_of("spline", 5, 1, 1.0)
    assert bare.support(1e-12, 2)[1] > 10_000
    first, last = windowed.support(1e-12, 2)
    assert -first == last == math.ceil(9 * 2.0) + 5
    beyond = windowed.taps(lattice(last + 1, last + 400))
    assert float(beyond.abs().max()) < 1e-17


# --- learning the width ---


def build(name: str, window: float | tuple[float, float] = 1.5, **options: Any) -> FourierConv2d:
    return FourierConv2d(2, 6, 3, padding=1, dtype=torch.float64, parameterization=name, window=window, **options)


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("name", ["spatial", "scaled"])
def test_windows_learn_apart_along_every_axis(name: str, mode: str) -> None:
    """gradcheck of all that is learned, with other widths along the axes."""
    options: dict[str, Any] = {"window": 1.1, "per_axis": True, "scale_per": "channel"}
    layer = FourierConv2d(1, 2, 3, padding=1, padding_mode=mode, dtype=torch.float64, parameterization=name, **options)
    window = parameter(layer, "window")
    window.data = torch.tensor([[0.7, 1.9], [1.3, 0.9]], dtype=torch.float64)
    layer.refresh()
    parameters = dict(layer.named_parameters())
    x = torch.randn(1, 1, 4, 3, dtype=torch.float64)

    def forward(*values: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x,))

    if "scale" in parameters:
        parameters["scale"].data.copy_(torch.tensor([[1.2, 0.8], [0.7, 1.1]]))  # no knot of the cubic on a tap
    assert torch.autograd.gradcheck(forward, tuple(parameters.values()))
    assert torch.autograd.gradgradcheck(forward, tuple(parameters.values()))
    (gradient,) = torch.autograd.grad(layer(x).square().sum(), window)
    assert len(set(gradient.flatten().tolist())) == 4


def test_training_finds_the_window_of_every_axis() -> None:
    teacher, student = (build("spatial", bias=False, per_axis=True) for _ in range(2))
    student.coefficients.data.copy_(teacher.coefficients)
    parameter(teacher, "window").data.copy_(torch.tensor([[0.9, 2.2]]))
    teacher.refresh()
    optimizer = torch.optim.Adam([parameter(student, "window")], lr=0.03)
    for _ in range(200):
        loss = F.mse_loss(student.kernel(3), teacher.kernel(3).detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        student.refresh()
    torch.testing.assert_close(parameter(student, "window"), parameter(teacher, "window"), rtol=0, atol=0.02)
