"""Reading a layer: `spectrum` and `kernel` are one kernel, dilated, on any grid, in 1-D, 2-D and 3-D."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import fourierconv
from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d, kernels, penalties, separable
from fourierconv.extent import axis_energies, extent, mass_curve
from fourierconv.parameterizations import base, get, implicit
from fourierconv.remembered import _made
from tests.layer_cases import LAYERS, Layer, LayerCase, full_spectrum, holding, label

Sizes = tuple[int, ...]
LARGEST = {1: 3001, 2: 301, 3: 61}  # pixels per axis of kernels that never end

# kernel_size, dilation, and a grid that is larger, another that is smaller than the dilated kernel
SHAPES: tuple[tuple[Sizes, Sizes, Sizes, Sizes], ...] = (
    ((5,), (1,), (32,), (3,)),
    ((4,), (1,), (31,), (4,)),
    ((3,), (4,), (33,), (5,)),
    ((4,), (3,), (32,), (7,)),
    ((2,), (5,), (16,), (1,)),
    ((3, 4), (1, 1), (16, 15), (2, 3)),
    ((4, 3), (2, 3), (15, 16), (5, 4)),
    ((2, 4), (3, 2), (16, 16), (1, 6)),
    ((3, 3, 3), (1, 1, 1), (8, 7, 8), (3, 2, 4)),
    ((2, 3, 4), (2, 1, 2), (8, 7, 10), (4, 5, 3)),
)
CASES = [(case, *shape) for case in LAYERS for shape in SHAPES if case.allows(shape[0])]


def wrap(kernel: Tensor, grid: Sequence[int]) -> Tensor:
    """Taps of `kernel`, its origin at (size - 1)//2, added up where they fall on a circular grid."""
    for axis, n in enumerate(grid, start=2):
        position = (torch.arange(kernel.shape[axis]) - (kernel.shape[axis] - 1) // 2).remainder(n)
        shape = [*kernel.shape]
        shape[axis] = n
        kernel = kernel.new_zeros(shape).index_add(axis, position, kernel)
    return kernel


@pytest.mark.parametrize(("case", "k", "dilation", "large", "small"), CASES, ids=label)
def test_the_spectrum_is_the_dft_of_the_kernel_wrapped_onto_the_grid(
    case: LayerCase, k: Sizes, dilation: Sizes, large: Sizes, small: Sizes
) -> None:
    layer = case.build_in(len(k), 2, 2, k, dilation=dilation)
    sizes, missing = holding(layer, LARGEST[len(k)])
    kernel = layer.kernel(sizes).detach()
    supremum = float(full_spectrum(layer, [4 * n for n in large]).abs().amax())
    for grid in (large, small):
        expected = torch.fft.rfftn(wrap(kernel, grid), dim=tuple(range(2, 2 + len(k))))
        torch.testing.assert_close(layer.spectrum(grid), expected, rtol=0, atol=1.1 * missing * supremum + 1e-13)


@pytest.mark.parametrize("dilation", [1, 2, 3, 4])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_the_origin_lies_where_left_same_padding_ends(k: int, dilation: int) -> None:
    """Tap i is i·d - d(k - 1)//2 pixels from it: for an even number of taps half a step beside the middle."""
    layer = FourierConv1d(1, 1, k, dilation=dilation, bias=False, dtype=torch.float64)
    kernel = layer.kernel(41)[0, 0]
    expected = torch.zeros(41, dtype=torch.float64)
    for tap in range(k):
        expected[20 + tap * dilation - dilation * (k - 1) // 2] = layer.coefficients[0, 0, tap].detach()
    assert torch.equal(kernel, expected)


@pytest.mark.parametrize(
    ("case", "k", "dilation", "large", "small"),
    [entry for entry in CASES if max(entry[2]) > 1 and len(entry[1]) < 3],
    ids=label,
)
def test_a_dilated_kernel_has_the_taps_of_the_plain_one_farther_apart(
    case: LayerCase, k: Sizes, dilation: Sizes, large: Sizes, small: Sizes
) -> None:
    dilated = case.build_in(len(k), 2, 3, k, dilation=dilation)
    plain = case.build_in(len(k), 2, 3, k)
    plain.load_state_dict(dilated.state_dict())
    kernel, taps = dilated.kernel(61), plain.kernel(61)
    for axis, (n, d) in enumerate(zip(k, dilation, strict=True), start=2):
        first = d * ((n - 1) // 2) - d * (n - 1) // 2  # of tap 0 from the origin
        places = torch.tensor([i for i in range(61) if (i - 30 - first) % d == 0])
        numbers = torch.div(places - 30 - first, d, rounding_mode="floor") + 30
        spread = torch.zeros_like(taps.index_select(axis, torch.zeros(61, dtype=torch.int64)))
        taps = spread.index_copy(axis, places, taps.index_select(axis, numbers))
    torch.testing.assert_close(kernel, taps, rtol=0, atol=1e-14)


def ends(layer: Layer) -> bool:
    """Whether its kernels are exactly zero beyond some tap near them."""
    windows = [[kernel.extent(tolerance, layer.dims) for kernel in layer._kernels()] for tolerance in (0.0, 0.1)]
    return windows[0] == windows[1]


COMPACT = [case for case in LAYERS if ends(case.build(1, 1, 3))]


def test_most_kernels_end() -> None:
    """So that the tests of those that do are not empty."""
    assert {case.name for case in COMPACT} >= {"spatial", "spectral", "window", "scaled"}
    assert LayerCase("spline") not in COMPACT


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize(
    ("case", "k"), [(case, k) for case in COMPACT for k in ((3,), (4,), (3, 4)) if case.allows(k)], ids=label
)
def test_the_default_kernel_is_the_smallest_that_holds_all(case: LayerCase, k: Sizes, dilation: int) -> None:
    layer = case.build_in(len(k), 1, 2, k, dilation=dilation)
    kernel = layer.kernel().detach()
    sizes = kernel.shape[2:]
    around = layer.kernel([size + 20 for size in sizes]).detach()
    torch.testing.assert_close(kernel.square().sum(), around.square().sum(), rtol=1e-14, atol=0)
    for axis, size in enumerate(sizes):
        # the next smaller window, its origin at (size - 2)//2, lacks the first pixel of an odd one, the last of an even
        lost = kernel.select(axis + 2, 0 if size % 2 else -1)
        assert float(lost.abs().max()) > 0
        smaller = [n - (i == axis) for i, n in enumerate(sizes)]
        assert layer.kernel(smaller).square().sum() < kernel.square().sum()


@pytest.mark.parametrize("case", [case for case in LAYERS if case not in COMPACT], ids=str)
@pytest.mark.parametrize("tolerance", [1e-1, 1e-2, 1e-3])
def test_the_default_kernel_of_one_that_never_ends_misses_less_than_the_tolerance(
    case: LayerCase, tolerance: float
) -> None:
    layer = case.build_in(1, 1, 4, 5, tolerance=tolerance)
    kernel = layer.kernel().detach()
    missing = (full_spectrum(layer, [2048]) - torch.fft.fft(wrap(kernel, [2048]))).abs().amax(-1)
    supremum = full_spectrum(layer, [2048]).abs().amax(-1)
    assert bool((missing <= tolerance * supremum).all())
    assert bool((missing > 0).all())


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_kernels_of_any_size_are_cut_from_the_same_taps(case: LayerCase) -> None:
    layer = case.build(2, 3, 3, dilation=(1, 2))
    large = layer.kernel((31, 32))  # origins at 15
    for rows, columns in ((1, 1), (2, 3), (5, 4), (30, 31)):
        top, left = 15 - (rows - 1) // 2, 15 - (columns - 1) // 2
        torch.testing.assert_close(layer.kernel((rows, columns)), large[..., top : top + rows, left : left + columns])


@pytest.mark.parametrize("case", LAYERS, ids=str)
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_extents_and_mass_curves_are_those_of_the_taps(case: LayerCase, dims: int) -> None:
    layer = case.build_in(dims, 2, 3, 3, dilation=(1, 2, 3)[:dims], tolerance=1e-3)
    curves = layer.mass_curve()
    sizes = 2 * curves.shape[-1] - 1
    energies = axis_energies(layer.kernel(min(sizes, {1: 3001, 2: 301, 3: 61}[dims])).detach(), dims)
    assert curves.shape[:-1] == (3, 2, dims)
    for axis, energy in enumerate(energies):
        own = mass_curve(energy)
        torch.testing.assert_close(curves[..., axis, : own.shape[-1]], own, rtol=0, atol=1e-5)
        for mass in (0.5, 0.95):
            torch.testing.assert_close(layer.extent(mass)[..., axis], extent(energy, mass), rtol=1e-3, atol=0)
    torch.testing.assert_close(curves[..., -1], torch.ones(3, 2, dims, dtype=torch.float64), rtol=0, atol=1e-15)
    assert bool((curves.diff() >= 0).all())


def test_mass_curves_of_zero_kernels_are_zero() -> None:
    layer = FourierConv2d(1, 2, 3, parameterization="scaled")
    torch.nn.init.zeros_(layer.coefficients[0])
    curves = layer.mass_curve()
    assert float(curves[0].abs().max()) == 0
    assert curves[1, ..., -1].tolist() == [[1.0, 1.0]]


READINGS: dict[str, Callable[[Layer], Tensor]] = {
    "spectrum": lambda layer: layer.spectrum(8),
    "kernel": lambda layer: layer.kernel(9),
    "extent": lambda layer: layer.extent(),
    "mass_curve": lambda layer: layer.mass_curve(),
    "singular_values": lambda layer: layer.singular_values(8),
    "operator_norm": lambda layer: layer.operator_norm(),
}


@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS)
def test_reading_looks_at_the_scale_again(read: Callable[[Layer], Tensor]) -> None:
    layer, fresh = (LayerCase("scaled", scale).build(1, 2, 3, window=3.0) for scale in (1.0, 4.0))
    fresh.coefficients.data.copy_(layer.coefficients)
    assert layer.scale is not None
    layer.scale.data.fill_(4.0)  # beyond the bound of the first look
    torch.testing.assert_close(read(layer), read(fresh), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("read", READINGS.values(), ids=READINGS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_half_precision_layers_are_read_in_float32(
    case: LayerCase, dtype: torch.dtype, read: Callable[[Layer], Tensor]
) -> None:
    layer = case.build(2, 3, 3, dtype=dtype, tolerance=1e-2)
    same = case.build(2, 3, 3, dtype=torch.float32, tolerance=1e-2)
    same.load_state_dict(layer.state_dict())
    assert read(layer).dtype in (torch.float32, torch.complex64)
    torch.testing.assert_close(read(layer), read(same))


@pytest.mark.parametrize("parameterization", ["spatial", "scaled"])
def test_what_the_spectrum_and_the_kernel_say_can_be_learned_from(parameterization: str) -> None:
    layer = FourierConv2d(1, 2, 3, bias=False, parameterization=parameterization, window=2.0)
    for read in (lambda: layer.spectrum(8).abs(), lambda: layer.kernel(5)):
        gradients = torch.autograd.grad(read().square().sum(), list(layer.parameters()))
        assert min(float(gradient.abs().max()) for gradient in gradients) > 0


@pytest.mark.parametrize("grid", [0, (8, -1)])
def test_empty_grids_are_refused(grid: int | Sizes) -> None:
    with pytest.raises(ValueError, match=r"grid=\(.*\) must be at least 1 per axis"):
        FourierConv2d(1, 1, 3).spectrum(grid)


def test_empty_windows_are_refused() -> None:
    with pytest.raises(ValueError, match=r"size=\(0, 3\) must be at least 1 per axis"):
        FourierConv2d(1, 1, 3).kernel((0, 3))


def test_kernels_that_take_too_many_taps_are_refused() -> None:
    """A spline's tails fall like t⁻⁴."""
    layer = FourierConv1d(1, 1, 5, parameterization="spline", dtype=torch.float64)
    with pytest.raises(ValueError, match=r"tolerance=1e-12 takes \d+ taps per axis; pass size= or use a larger"):
        layer.kernel()
    assert layer.kernel(9).shape == (1, 1, 9)


def test_kernels_that_end_are_written_out_however_long_they_are() -> None:
    layer = FourierConv1d(1, 1, 3, dilation=4001, bias=False)
    kernel = layer.kernel().detach()
    assert kernel.shape == (1, 1, 8003)
    torch.testing.assert_close(kernel[..., ::4001], layer.weight.detach())


@pytest.mark.parametrize("mass", [0.0, 1.1, math.nan])
def test_shares_of_more_than_all_or_nothing_are_refused(mass: float) -> None:
    with pytest.raises(ValueError, match=f"mass={mass} must be a share"):
        FourierConv3d(1, 1, 3).extent(mass)


BY_LINES = [
    (case, k, dilation, window)
    for case in LAYERS
    if get(case.name).has_lines
    for window in ((None,) if case.name == "window" else (None, 1.3))
    for k, dilation, _, _ in SHAPES
    if case.allows(k)
]


@pytest.mark.parametrize("largest", [0, 8], ids=["all axes", "axes of 3 and more"])
@pytest.mark.parametrize(("case", "k", "dilation", "window"), BY_LINES, ids=label)
def test_long_axes_are_the_same_without_matrices(
    case: LayerCase, k: Sizes, dilation: Sizes, window: float | None, largest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {} if window is None else {"window": window}
    if options or get(case.name).scale_limits is not None:
        options["scale_per"] = "channel"
    layer = case.build_in(len(k), 2, 4, k, dilation=dilation, stride=2, groups=2, tolerance=1e-6, **options)
    with torch.no_grad():
        for parameter in (layer.scale, layer.window):
            if parameter is not None:
                parameter.mul_(torch.tensor([[0.5], [1.1], [0.9], [1.2]]))
    x = torch.randn(2, 2, *(3 * n for n in k), dtype=torch.float64)

    def read() -> list[Tensor]:
        _made.cache_clear()
        differentiable = [
            layer(F.pad(x, (8, 8) * len(k))),
            *(layer.kernel(size) for size in (None, 1, 2, 7)),
            *(torch.view_as_real(layer.spectrum(grid)) for grid in (3, 4, 9)),
            penalties.sobolev(layer),
            penalties.size(layer),
        ]
        learned = list(layer.parameters())
        gradients = [own for y in differentiable for own in torch.autograd.grad(y.square().sum(), learned)]
        others = [layer.extent(), layer.mass_curve(), layer.singular_values(4), layer.operator_norm()]
        if len(k) < 3:
            others.append(fourierconv.to_conv(layer)[0].weight)
        return [*differentiable, *gradients, *others]

    expected = read()
    _make_long(monkeypatch, largest)
    torch.testing.assert_close(read(), expected)
    _made.cache_clear()


@pytest.mark.parametrize(("case", "k", "dilation", "window"), BY_LINES, ids=label)
def test_long_axes_start_alike(
    case: LayerCase, k: Sizes, dilation: Sizes, window: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def coefficients() -> Tensor:
        torch.manual_seed(0)
        return case.build_in(len(k), 2, 4, k, dilation=dilation, window=window).coefficients.detach()

    expected = coefficients()
    _make_long(monkeypatch, 0)
    torch.testing.assert_close(coefficients(), expected, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", ["free", "truncated", "implicit"])
def test_a_window_cuts_long_kernels_as_it_cuts_others(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = FourierConv1d(1, 2, 4, parameterization=name, reference_grid=1024, window=20.0, dtype=torch.float64)
    cut = layer.kernel().detach(), layer.mass_curve()
    monkeypatch.setattr(kernels, "LONG", 2**40)
    torch.testing.assert_close(cut, (layer.kernel().detach(), layer.mass_curve()))
    assert cut[0].shape[-1] < 1024


def _make_long(monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    for module in (kernels, separable, base, implicit):
        monkeypatch.setattr(module, "LONG", largest)


def test_kernels_as_long_as_recordings() -> None:
    """2^17 + 1 taps, whose matrices would have 2^34 numbers: a tap at either end and one on the output pixel."""
    reach = 2**16
    layer = FourierConv1d(1, 1, 2 * reach + 1, padding="same", bias=False)
    with torch.no_grad():
        layer.coefficients.zero_()
        layer.coefficients[..., [0, reach, -1]] = torch.tensor([1.0, 3.0, 2.0])
    torch.testing.assert_close(layer.kernel(), layer.coefficients)
    assert layer.kernel(3).tolist() == [[[0.0, 3.0, 0.0]]]
    assert layer.extent().item() == pytest.approx(2 * reach + 1, abs=0.5)
    assert layer.mass_curve()[0, 0, 0, [0, -2, -1]].tolist() == pytest.approx([9 / 14, 9 / 14, 1])
    assert 6 <= float(layer.operator_norm()) < 6.13
    assert layer.spectrum(4)[0, 0].tolist() == pytest.approx([6.0, 6.0, 6.0], abs=1e-5)
    assert float(penalties.size(layer).detach()) == pytest.approx(reach * math.sqrt(5 / 14))
    x = torch.zeros(1, 1, reach + 5)
    x[..., 2] = 1
    y = layer(x)[0, 0]  # the tap on the output pixel, and the last of those before it
    assert (y.abs() > 1e-3).nonzero().flatten().tolist() == [2, reach + 2]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["spatial", "spectral", "free", "window"])
def test_long_layers_of_half_precision_start_and_compute(name: str, dtype: torch.dtype) -> None:
    layer = FourierConv1d(1, 2, 1001, padding="same", parameterization=name, dtype=dtype)
    x = torch.randn(1, 1, 1100, dtype=dtype)
    expected = copy.deepcopy(layer).double()(x.double())
    y = layer(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), expected, rtol=0, atol=0.02 * float(expected.detach().abs().max()))
