"""Convolutions are torch's, forward and backward, to rounding; spectral_conv is the convolution theorem."""

from collections.abc import Sequence
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import functional, spectral
from fourierconv.functional import conv2d, spectral_conv
from fourierconv.spectral import half
from tests.agreement import check_float32, check_float64, check_half, outcomes
from tests.cases import CALLS, FUNCTIONS, SOME_CALLS, Call, dims_of, pairs

# torch's own remark on even kernels, to which the comparison is not sensitive
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

some = set(SOME_CALLS)
on_the_grid = pytest.mark.parametrize(
    "call", [call if call in some else pytest.param(call, marks=pytest.mark.full) for call in CALLS], ids=str
)


def test_the_grid_is_large_and_its_part_shows_every_two_values_together() -> None:
    assert len(set(CALLS)) == len(CALLS) >= 2000
    assert len(SOME_CALLS) <= 500
    assert {call.function for call in SOME_CALLS} == set(FUNCTIONS)
    assert set().union(*map(pairs, SOME_CALLS)) == set().union(*map(pairs, CALLS))


@on_the_grid
def test_convolutions_are_torchs_in_float64(call: Call) -> None:
    check_float64(call.ours, call.reference, call.operands())


@on_the_grid
def test_convolutions_are_as_accurate_as_torchs_in_float32(call: Call) -> None:
    check_float32(call.ours, call.reference, call.operands())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@on_the_grid
def test_half_precision_goes_through_float32(call: Call, dtype: torch.dtype) -> None:
    check_half(call.ours, call.operands(), dtype)


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


def test_of_no_images_an_output_may_have_no_pixels_as_torch_has_it() -> None:
    images, weight = torch.ones(0, 1, 2), torch.ones(1, 1, 1)
    expected = F.conv_transpose1d(images, weight, padding=1)
    assert expected.shape == functional.conv_transpose1d(images, weight, padding=1).shape == (0, 1, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_stride_beyond_the_image_takes_no_memory(function: str) -> None:
    dims, n = dims_of(function), 1 if function.startswith("conv_transpose") else 7
    x, weight = torch.randn(2, 3, *[n] * dims), torch.randn(3, 3, *[3] * dims)
    ours, theirs = (getattr(module, function)(x, weight, stride=2**40) for module in (functional, F))
    torch.testing.assert_close(ours, theirs)


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


def test_tensors_of_one_integer_are_integers() -> None:
    x, w = torch.randn(1, 2, 9, 9), torch.randn(2, 2, 3, 3)
    one, two = torch.tensor([1]), torch.tensor(2, dtype=torch.int32)
    for arguments in ({"padding": two}, {"stride": two, "padding": one}, {"dilation": (two, one), "padding": (1, two)}):
        torch.testing.assert_close(functional.conv2d(x, w, **arguments), F.conv2d(x, w, **arguments))
    for padding in (torch.tensor([1, 2]), torch.tensor(1.0)):
        with pytest.raises(TypeError, match="padding must be an int or 2 ints"):
            functional.conv2d(x, w, padding=padding)  # type: ignore[arg-type]


def test_spectral_conv_takes_a_lazily_conjugated_spectrum() -> None:
    x = torch.randn(1, 1, 6, 5, dtype=torch.float64)
    spectrum = torch.fft.rfft2(torch.randn(2, 1, 6, 5, dtype=torch.float64))
    torch.testing.assert_close(spectral_conv(x, spectrum.conj()), spectral_conv(x, spectrum.conj().resolve_conj()))


@pytest.mark.parametrize(
    ("images", "spectrum", "message"),
    [
        ((1, 2, 0), (3, 2, 1), "at least one pixel"),
        ((1, 2, 0, 4), (3, 2, 0, 3), "at least one pixel"),
        ((1, 0, 4), (3, 0, 3), "input channels"),
    ],
)
def test_spectra_of_nothing_are_refused(images: Sequence[int], spectrum: Sequence[int], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        spectral_conv(torch.zeros(images), torch.zeros(spectrum, dtype=torch.complex64))
