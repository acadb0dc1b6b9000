"""FourierConv2d: what it computes is what its kernels and spectra say, on every border and size."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fourierconv import FourierConv2d
from fourierconv.layers import fourier_layers
from fourierconv.parameterizations import NAMES
from tests.layer_cases import LAYERS, LayerCase
from tests.measures import relative_error
from tests.problems import SMALL, Problem

Size = tuple[int, int]
SIZES: tuple[Size, ...] = ((12, 11), (9, 16), (7, 7), (8, 8), (5, 3))


@pytest.mark.parametrize("k", [3, 4, (5, 2)], ids=str)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_circular_same_is_the_convolution_theorem(case: LayerCase, k: int | Size) -> None:
    layer = case.build(4, 6, k, groups=2, padding="same", padding_mode="circular")
    for size in SIZES:
        x = torch.randn(2, 4, *size, dtype=torch.float64)
        images = torch.fft.rfft2(x).view(2, 2, 1, 2, size[0], -1)
        spectrum = layer.spectrum(size).view(2, 3, 2, size[0], -1)
        expected = torch.fft.irfft2((images * spectrum.conj()).sum(3).flatten(1, 2), s=size)
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("k", [3, 4])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_circular_padding_repeats_the_image(case: LayerCase, k: int, padding: int) -> None:
    """Any other circular padding is the 'same' output, shifted and repeated."""
    layer = case.build(2, 3, k, padding=padding, padding_mode="circular", bias=True)
    same = case.build(2, 3, k, padding="same", padding_mode="circular", bias=True)
    same.load_state_dict(layer.state_dict())
    x = torch.randn(2, 2, 7, 8, dtype=torch.float64)
    left = padding - (k - 1) // 2
    rows, columns = (torch.arange(n + 2 * padding - k + 1).sub(left) % n for n in (7, 8))
    torch.testing.assert_close(layer(x), same(x)[..., rows, :][..., columns], rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", [(32, 32), (31, 33), (5, 4), (1, 7)], ids=str)
@pytest.mark.parametrize("k", [3, (5, 4)], ids=str)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_the_spectrum_is_the_dft_of_the_taps_wrapped_onto_the_grid(case: LayerCase, k: int | Size, grid: Size) -> None:
    layer = case.build(2, 3, k)
    # finite supports against tails of t⁻⁴: what lies beyond T = 500 pixels sums to 2(k/π)⁴/T³
    size, atol = (1001, 1e-7) if case.name == "spline" else (101, 1e-12)
    kernel = layer.kernel(size)
    for axis, n in zip((-2, -1), grid, strict=True):
        position = (torch.arange(size) - (size - 1) // 2).remainder(n)
        shape = [*kernel.shape]
        shape[axis] = n
        kernel = torch.zeros(shape, dtype=torch.float64).index_add(axis, position, kernel)
    expected = torch.fft.rfft2(kernel)
    torch.testing.assert_close(layer.spectrum(grid), expected, rtol=0, atol=atol)


@pytest.mark.parametrize("grid", [(16, 16), (15, 16), (16, 15), (9, 7), (1, 8), (8, 1)], ids=str)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_spectra_are_hermitian(case: LayerCase, grid: Size) -> None:
    """An inverse real FFT and back reproduces them, the columns of DC and Nyquist included."""
    for k in (3, 4):
        spectrum = case.build(2, 3, k).spectrum(grid)
        taps = torch.fft.irfft2(spectrum, s=grid)
        torch.testing.assert_close(torch.fft.rfft2(taps), spectrum, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", [16, 15])
@pytest.mark.parametrize("row", SMALL, ids=str)
@pytest.mark.parametrize("column", SMALL[-2:], ids=str)
def test_spectra_of_known_kernels(row: Problem, column: Problem, grid: int) -> None:
    kernel = torch.outer(row.taps, column.taps)
    layer = FourierConv2d(1, 1, (kernel.shape[0], kernel.shape[1]), dtype=torch.float64)
    layer.coefficients.data.copy_(kernel)
    u = torch.arange(grid, dtype=torch.float64) / grid
    expected = torch.outer(row.spectrum(u), column.spectrum(u[: grid // 2 + 1]))
    torch.testing.assert_close(layer.spectrum(grid)[0, 0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_images_without_a_batch_axis(name: str) -> None:
    layer = FourierConv2d(2, 3, 5, padding=1, parameterization=name)
    x = torch.randn(2, 9, 8)
    torch.testing.assert_close(layer(x), layer(x[None])[0])


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_contiguous(name: str, mode: str) -> None:
    layer = FourierConv2d(2, 3, 4, padding=2, padding_mode=mode, bias=False, parameterization=name)
    assert layer(torch.randn(2, 2, 9, 8)).is_contiguous()


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("name", NAMES)
def test_no_step_needs_a_value(name: str, mode: str) -> None:
    """Tensors on 'meta' have shapes and no values: reading one, as a wait for the device does, would raise."""
    layer = FourierConv2d(2, 3, 5, padding=2, padding_mode=mode, parameterization=name, device="meta")
    x = torch.randn(4, 2, 9, 8, device="meta", requires_grad=True)
    layer(x).square().sum().backward()
    assert x.grad is not None
    assert layer.coefficients.grad is not None
    assert layer.coefficients.grad.is_meta


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_parameters_are_real_and_outputs_have_their_dtype(case: LayerCase, dtype: torch.dtype) -> None:
    layer = case.build(2, 3, 5, bias=True, dtype=dtype)
    assert {p.dtype for p in layer.state_dict().values()} == {dtype}
    assert layer(torch.randn(1, 2, 9, 8, dtype=dtype)).dtype == dtype
    assert layer.spectrum(9).dtype == dtype.to_complex()
    assert layer.kernel(9).dtype == layer.extent().dtype == dtype


@pytest.mark.parametrize("case", LAYERS, ids=str)
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_float32_is_as_accurate_as_conv2d(case: LayerCase, mode: str) -> None:
    layer = case.build(8, 16, 5, padding=2, padding_mode=mode, dtype=torch.float32)
    exact = case.build(8, 16, 5, padding=2, padding_mode=mode, tolerance=1e-6)
    exact.load_state_dict(layer.state_dict())
    x = torch.randn(2, 8, 33, 32)
    assert relative_error(layer(x).double(), exact(x.double())) < 1e-6


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize(
    "case",
    [LayerCase(name) for name in ("spatial", "spectral", "spline")]
    + [LayerCase("window", 0.8), LayerCase("scaled", 0.7), LayerCase("scaled", 1.37)],  # off the cubic's knots
    ids=str,
)
def test_first_and_second_derivatives(case: LayerCase, mode: str, check: Callable[..., bool]) -> None:
    layer = case.build(1, 2, 3, padding=1, padding_mode=mode, bias=True)
    parameters = dict(layer.named_parameters())

    def forward(x: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x,))

    x = torch.randn(1, 1, 4, 3, dtype=torch.float64, requires_grad=True)
    assert ("scale" in parameters) == (case.scale is not None)
    assert check(forward, (x, *parameters.values()))


def test_learned_scales_move_towards_the_kernel_that_made_the_data() -> None:
    teacher = LayerCase("scaled", 2.0).build(1, 1, 3, padding="same")
    student = LayerCase("scaled", 1.5).build(1, 1, 3, padding="same")
    student.coefficients.data.copy_(teacher.coefficients)
    assert student.scale is not None
    optimizer = torch.optim.SGD([student.scale], lr=0.05)
    x = torch.randn(8, 1, 24, 24, dtype=torch.float64)
    target = teacher(x).detach() / teacher.coefficients.detach().norm()
    for _ in range(200):
        optimizer.zero_grad()
        F.mse_loss(student(x) / teacher.coefficients.detach().norm(), target).backward()
        optimizer.step()
        student.refresh()
    assert student.scale.item() == pytest.approx(2.0, abs=1e-3)


def test_fourier_layers_of_a_model_come_in_order() -> None:
    first, second = FourierConv2d(1, 2, 3), FourierConv2d(2, 3, 5, parameterization="spline")
    model = nn.Sequential(first, nn.ReLU(), nn.Conv2d(2, 2, 3), nn.Sequential(second))
    assert list(fourier_layers(model)) == [first, second]


def test_a_layer_prints_its_arguments() -> None:
    layer = FourierConv2d(4, 6, 5, padding="same", groups=2, bias=False, padding_mode="circular")
    expected = (
        "FourierConv2d(4, 6, kernel_size=(5, 5), padding='same', groups=2, bias=False, "
        "padding_mode='circular', parameterization='spatial')"
    )
    assert repr(layer) == expected
    assert math.prod(layer.coefficients.shape) == 4 // 2 * 6 * 25
