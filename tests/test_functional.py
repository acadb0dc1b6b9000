"""conv2d is torch's, forward and backward, to rounding; spectral_conv is the convolution theorem."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from fourierconv import spectral
from fourierconv.functional import conv2d, spectral_conv
from fourierconv.spectral import half
from tests.cases import CONVS, LAYOUTS, Conv
from tests.measures import relative_error

# torch's own remark on even kernels, to which the comparison is not sensitive
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


def outcomes(
    convolve: Callable[..., Tensor], operands: tuple[Tensor, Tensor, Tensor | None], along: Tensor, dtype: torch.dtype
) -> dict[str, Tensor]:
    """The output and the gradient of <output, along> with respect to every operand, as float64."""
    named = zip(("input", "weight", "bias"), operands, strict=True)
    leaves = {name: value.to(dtype).requires_grad_() for name, value in named if value is not None}
    output = convolve(leaves["input"], leaves["weight"], leaves.get("bias"))
    gradients = torch.autograd.grad(output, list(leaves.values()), along.to(dtype))
    results = {"output": output.detach(), **dict(zip(leaves, gradients, strict=True))}
    return {name: value.double() for name, value in results.items()}


def ours(case: Conv) -> Callable[..., Tensor]:
    return partial(conv2d, padding=case.padding, groups=case.layout.groups, padding_mode=case.mode)


def test_the_grid_of_cases_is_large() -> None:
    assert len(CONVS) >= 200


@pytest.mark.parametrize("case", CONVS, ids=str)
def test_conv2d_is_torchs_in_float64(case: Conv) -> None:
    operands = case.operands()
    along = torch.randn_like(case.reference(*operands))
    expected = outcomes(case.reference, operands, along, torch.float64)
    actual = outcomes(ours(case), operands, along, torch.float64)
    errors = {name: relative_error(actual[name], expected[name]) for name in expected}
    assert max(errors.values()) <= 1e-10, errors


@pytest.mark.parametrize("case", CONVS, ids=str)
def test_conv2d_is_as_accurate_as_torchs_in_float32(case: Conv) -> None:
    x, weight, bias = (None if t is None else t.float().double() for t in case.operands())
    assert x is not None
    assert weight is not None
    along = torch.randn_like(case.reference(x, weight, bias)).float().double()
    exact = outcomes(case.reference, (x, weight, bias), along, torch.float64)
    direct = outcomes(case.reference, (x, weight, bias), along, torch.float32)
    actual = outcomes(ours(case), (x, weight, bias), along, torch.float32)
    for name, value in exact.items():
        allowed = max(3 * relative_error(direct[name], value), 5e-7)
        assert relative_error(actual[name], value) <= allowed, name


@given(
    image=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    kernel=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    padding=st.tuples(st.integers(0, 8), st.integers(0, 8)) | st.sampled_from(["same", "valid"]),
    mode=st.sampled_from(["zeros", "circular"]),
    layout=st.sampled_from(LAYOUTS),
)
def test_conv2d_is_torchs_for_any_shape(
    image: tuple[int, int], kernel: tuple[int, int], padding: str | tuple[int, int], mode: str, layout: object
) -> None:
    case = Conv(image, kernel, padding, mode, layout)  # type: ignore[arg-type]
    assume(case.is_defined)
    operands = case.operands()
    assert relative_error(ours(case)(*operands), case.reference(*operands)) <= 1e-10


@given(scale=st.floats(-1e3, 1e3), shift=st.tuples(st.integers(-9, 9), st.integers(-9, 9)))
def test_circular_convolution_is_linear_and_commutes_with_shifts(scale: float, shift: tuple[int, int]) -> None:
    x, other, weight = torch.randn(2, 3, 9, 8), torch.randn(2, 3, 9, 8), torch.randn(4, 3, 5, 4)
    x, other, weight = x.double(), other.double(), weight.double()
    circular = partial(conv2d, weight=weight, padding="same", padding_mode="circular")
    mixed = circular(scale * x + other.roll(shift, (-2, -1)))
    torch.testing.assert_close(mixed, scale * circular(x) + circular(other).roll(shift, (-2, -1)))


@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_an_empty_batch_gives_an_empty_output_and_zero_gradients(mode: str) -> None:
    x = torch.randn(0, 3, 8, 7, requires_grad=True)
    weight, bias = torch.randn(4, 3, 3, 2, requires_grad=True), torch.randn(4, requires_grad=True)
    output = conv2d(x, weight, bias, padding=1, padding_mode=mode)
    output.sum().backward()
    assert output.shape == (0, 4, 8, 8)
    assert x.grad is not None
    assert x.grad.shape == x.shape
    assert weight.grad is not None
    assert weight.grad.abs().sum() == 0


def test_strided_operands_and_gradients_are_read_in_their_own_order() -> None:
    x = torch.randn(5, 6, 2, 4, dtype=torch.float64).permute(2, 3, 0, 1)
    weight = torch.randn(3, 4, 3, 6, dtype=torch.float64)[..., ::2].flip(-1)
    along = torch.randn(2, 3, dtype=torch.float64)[..., None, None].expand(2, 3, 5, 6)
    dense = outcomes(partial(conv2d, padding=1), (x.contiguous(), weight.contiguous(), None), along, torch.float64)
    strided = outcomes(partial(conv2d, padding=1), (x, weight, None), along, torch.float64)
    for name, value in dense.items():
        torch.testing.assert_close(strided[name], value)


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_outputs_are_contiguous(mode: str, bias: bool) -> None:
    x, weight = torch.randn(2, 3, 9, 8), torch.randn(4, 3, 5, 4)
    assert conv2d(x, weight, torch.randn(4) if bias else None, padding=2, padding_mode=mode).is_contiguous()


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("groups", [1, 2], ids=["dense", "grouped"])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
def test_conv2d_has_first_and_second_derivatives(check: Callable[..., bool], groups: int, mode: str) -> None:
    shapes = ((2, 2, 4, 3), (4, 2 // groups, 3, 2), (4,))
    operands = tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    assert check(partial(conv2d, padding=(1, 0), groups=groups, padding_mode=mode), operands)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("grid", [(4, 3), (3, 4)], ids=str)
def test_spectral_conv_has_first_and_second_derivatives(check: Callable[..., bool], grid: tuple[int, int]) -> None:
    x = torch.randn(2, 4, *grid, dtype=torch.float64, requires_grad=True)
    spectrum = torch.randn(2, 2, *half(grid), dtype=torch.complex128, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)
    assert check(partial(spectral_conv, groups=2), (x, spectrum, bias))


@pytest.mark.parametrize("grid", [(8,), (7,), (8, 6), (5, 7), (4, 1), (4, 3, 5), (2, 3, 4)], ids=str)
def test_spectral_conv_multiplies_by_the_conjugate_spectrum(grid: tuple[int, ...]) -> None:
    axes = tuple(range(-len(grid), 0))
    x = torch.randn(3, *grid, dtype=torch.float64)
    spectrum = torch.fft.rfftn(torch.randn(2, 3, *grid, dtype=torch.float64), dim=axes)
    bias = torch.randn(2, dtype=torch.float64)
    product = (torch.fft.rfftn(x, dim=axes) * spectrum.conj()).sum(1)
    expected = torch.fft.irfftn(product, s=grid, dim=axes) + bias.view(-1, *[1] * len(grid))
    torch.testing.assert_close(spectral_conv(x, spectrum, bias), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(spectral_conv(x[None], spectrum, bias), expected[None], rtol=0, atol=1e-12)


def test_spectral_conv_projects_what_no_real_kernel_has_away() -> None:
    x = torch.randn(1, 1, 6, 4, dtype=torch.float64)
    spectrum = torch.randn(1, 1, 6, 3, dtype=torch.complex128)
    full = torch.cat([spectrum, spectrum[..., 1:2].conj().flip(-2).roll(1, -2)], -1)
    kernel = torch.fft.ifft2(full).real  # the nearest real kernel
    expected = spectral_conv(x, torch.fft.rfft2(kernel))
    torch.testing.assert_close(spectral_conv(x, spectrum), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", [(6, 4), (5, 7)], ids=str)
def test_no_inverse_fft_ever_gets_what_no_real_kernel_has(
    grid: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The CPU's projects by itself, so what it is given is looked at, not what comes out."""
    given_spectra = []

    def correlate(input: Tensor, spectrum: Tensor, *rest: object) -> Tensor:
        given_spectra.append(spectrum)
        return input

    monkeypatch.setattr(spectral, "correlate", correlate)
    spectral_conv(torch.ones(1, 1, *grid).double(), torch.randn(1, 1, *half(grid), dtype=torch.complex128))
    (given_spectrum,) = given_spectra
    kernel = torch.fft.irfft2(given_spectrum, s=grid)
    torch.testing.assert_close(torch.fft.rfft2(kernel), given_spectrum, rtol=0, atol=1e-12)


def test_spectral_conv_takes_a_lazily_conjugated_spectrum() -> None:
    x = torch.randn(1, 1, 6, 5, dtype=torch.float64)
    spectrum = torch.fft.rfft2(torch.randn(2, 1, 6, 5, dtype=torch.float64))
    torch.testing.assert_close(spectral_conv(x, spectrum.conj()), spectral_conv(x, spectrum.conj().resolve_conj()))
