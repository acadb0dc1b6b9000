"""Singular values and operator norms: those of the dense matrix that a layer is on images of one size."""

import math

import pytest
import torch
from torch import Tensor

from fourierconv import FourierConv1d, FourierConv2d, reading
from tests.layer_cases import CLASSES, LAYERS, Layer, LayerCase, full_spectrum, label

Sizes = tuple[int, ...]
MODES = ("zeros", "circular", "reflect", "replicate")


def dense(layer: Layer, size: Sizes) -> Tensor:
    """The layer without bias as a matrix, (out · pixels, in · pixels): its outputs for the unit vectors."""
    inputs = layer.in_channels * math.prod(size)
    with torch.no_grad():
        return layer(torch.eye(inputs, dtype=torch.float64).view(inputs, layer.in_channels, *size)).flatten(1).T


def norm(layer: Layer, size: Sizes) -> float:
    return float(torch.linalg.matrix_norm(dense(layer, size), 2))


# channels in, out, groups, kernel_size, stride, dilation, grid
SHAPES: tuple[tuple[int, int, int, Sizes, Sizes, Sizes, Sizes], ...] = (
    (2, 3, 1, (3,), (1,), (1,), (7,)),
    (3, 2, 1, (4,), (1,), (2,), (8,)),
    (2, 5, 1, (4,), (2,), (1,), (8,)),
    (1, 2, 1, (3,), (3,), (2,), (9,)),
    (4, 2, 2, (3,), (2,), (3,), (6,)),
    (3, 3, 3, (5,), (1,), (1,), (6,)),
    (2, 2, 1, (3, 4), (1, 1), (1, 1), (4, 5)),
    (1, 3, 1, (4, 3), (2, 1), (1, 2), (6, 5)),
    (2, 7, 1, (3, 3), (2, 3), (1, 1), (4, 6)),
    (2, 4, 2, (3, 4), (2, 2), (2, 1), (6, 4)),
    (2, 2, 2, (3, 3), (3, 3), (1, 1), (3, 9)),
    (1, 2, 1, (3, 3, 3), (1, 1, 1), (1, 1, 1), (3, 2, 4)),
    (2, 2, 2, (3, 4, 3), (2, 1, 3), (1, 2, 1), (4, 3, 3)),
)
CASES = [(case, *shape) for case in LAYERS for shape in SHAPES if case.allows(shape[3])]


def circular(
    case: LayerCase, channels: int, out: int, groups: int, k: Sizes, stride: Sizes, dilation: Sizes, grid: Sizes
) -> Layer:
    """A layer with as little padding as makes an output of grid/stride pixels."""
    options = {"groups": groups, "stride": stride, "dilation": dilation, "padding_mode": "circular"}
    if max(stride) == 1:
        return case.build_in(len(k), channels, out, k, padding="same", **options)
    padding = tuple(math.ceil(max(d * (n - 1) + 1 - s, 0) / 2) for n, d, s in zip(k, dilation, stride, strict=True))
    return case.build_in(len(k), channels, out, k, padding=padding, **options)


@pytest.mark.parametrize(("case", "channels", "out", "groups", "k", "stride", "dilation", "grid"), CASES, ids=label)
def test_singular_values_are_those_of_the_dense_matrix(
    case: LayerCase, channels: int, out: int, groups: int, k: Sizes, stride: Sizes, dilation: Sizes, grid: Sizes
) -> None:
    layer = circular(case, channels, out, groups, k, stride, dilation, grid)
    values = layer.singular_values(grid)
    outputs = tuple(n // s for n, s in zip(grid, stride, strict=True))
    assert values.shape == (*outputs, min(out, channels * math.prod(stride)))
    assert bool((values.diff() <= 0).all())
    matrix = dense(layer, grid)
    assert matrix.shape[0] == out * math.prod(outputs)
    expected = torch.linalg.svdvals(matrix)
    torch.testing.assert_close(values.flatten().sort(descending=True).values, expected, rtol=0, atol=1e-12)
    assert float(layer.operator_norm(grid)) == float(values.max())


@pytest.mark.parametrize(("stride", "grid"), [((1, 1), (5, 6)), ((1, 1), (4, 5)), ((2, 3), (8, 9)), ((3, 2), (9, 6))])
@pytest.mark.parametrize("name", ["spatial", "scaled"])
def test_singular_values_stand_at_their_frequencies(name: str, stride: Sizes, grid: Sizes) -> None:
    """s^(-d/2)·[Ŵ(f + jN/s)]_j, the spectrum at every frequency that decimation folds onto f."""
    layer = LayerCase(name).build(2, 3, 3, stride=stride)
    spectrum = full_spectrum(layer, grid) / math.sqrt(math.prod(stride))
    rows, columns = (n // s for n, s in zip(grid, stride, strict=True))
    values = layer.singular_values(grid)
    for f in range(rows):
        for g in range(columns):
            expected = torch.linalg.svdvals(spectrum[..., f::rows, g::columns].flatten(1))
            torch.testing.assert_close(values[f, g], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2])
def test_their_squares_sum_to_the_energy(groups: int) -> None:
    """Parseval: every one of grid/stride output pixels has all taps."""
    layer = LayerCase("scaled", 1.5).build(4, 6, 3, stride=(2, 1), groups=groups)
    total = layer.singular_values((32, 27)).square().sum()
    torch.testing.assert_close(total, 16 * 27 * layer.kernel().detach().square().sum())


@pytest.mark.parametrize("groups", [1, 3])
def test_many_frequencies_are_decomposed_in_parts(groups: int, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LayerCase("spatial").build(3, 6, 4, stride=(2, 1), groups=groups)
    expected = layer.singular_values((12, 9))
    monkeypatch.setattr("fourierconv.reading.BATCH", 100)
    torch.testing.assert_close(layer.singular_values((12, 9)), expected)


@pytest.mark.parametrize("grid", [8, (8, 7), (0, 9), (-3, 9)], ids=str)
def test_grids_that_the_stride_does_not_divide_are_refused(grid: int | Sizes) -> None:
    layer = FourierConv2d(1, 1, 3, stride=(3, 1))
    for read in (layer.singular_values, layer.operator_norm):
        with pytest.raises(ValueError, match=r"grid=\(.*\) must be a positive multiple of stride=\(3, 1\)"):
            read(grid)


# --- the bound for images of every size ---


def known(*taps: float | list[float]) -> Layer:
    """A layer with one kernel."""
    weight = torch.tensor(taps, dtype=torch.float64)
    layer = CLASSES[weight.ndim](1, 1, tuple(weight.shape), bias=False, dtype=torch.float64)
    layer.coefficients.data[0, 0] = weight
    return layer


@pytest.mark.parametrize(
    ("layer", "supremum"),
    [
        (known(3.0), 3.0),
        (known(1.0, -1.0), 2.0),  # at frequency ½
        (known(1.0, 2.0, 1.0), 4.0),
        (known(-1.0, 0.0, 1.0), 2.0),  # at ¼
        (known(0.0, 0.0, 0.0, -5.0), 5.0),
        (known([-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]), 8.0),  # Sobel's: |2 sin| · (2 + 2 cos)
        (known([0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]), 8.0),  # the Laplacian
        (known([0.0, 0.0], [0.0, 0.0]), 0.0),
    ],
    ids=lambda value: "x".join(map(str, value.kernel_size)) if isinstance(value, CLASSES[1] | CLASSES[2]) else None,
)
def test_norms_of_known_kernels(layer: Layer, supremum: float) -> None:
    bound = float(layer.operator_norm())
    assert (1 - 1e-12) * supremum <= bound <= 1.05 * supremum
    dilated = CLASSES[layer.dims](1, 1, layer.kernel_size, dilation=3, bias=False, dtype=torch.float64)
    dilated.load_state_dict(layer.state_dict())
    assert (1 - 1e-12) * supremum <= float(dilated.operator_norm()) <= 1.05 * supremum


def test_channels_that_are_rotated_keep_their_length() -> None:
    layer = FourierConv2d(4, 4, 1, bias=False, dtype=torch.float64)
    layer.coefficients.data[:, :, 0, 0] = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))[0]
    assert float(layer.operator_norm()) == pytest.approx(1.0, rel=1e-12)
    torch.testing.assert_close(layer.singular_values(3), torch.ones(3, 3, 4, dtype=torch.float64))


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_no_image_is_amplified_by_more(case: LayerCase, mode: str, stride: int, dilation: int) -> None:
    """Of any size, whatever the stride does not divide, with padding far beyond 'same'."""
    k = next(k for k in (3, 4, 2) if case.allows(k))
    for padding, ones in ((0, False), (1, True), (1, False), (4, True), (7, False)):
        layer = case.build_in(1, 2, 2, k, stride=stride, dilation=dilation, padding=padding, padding_mode=mode)
        if ones:  # a kernel that takes most from the edges
            torch.nn.init.ones_(layer.coefficients)
        bound = float(layer.operator_norm()) * (1 + 1e-12)
        for n in (1, 2, 3, 5, 8, 9):
            taken = n + 2 * padding >= dilation * (k - 1) + 1
            if taken and (mode not in ("circular", "reflect") or padding <= n - (mode == "reflect")):
                assert norm(layer, (n,)) <= bound


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_no_image_of_two_axes_is_amplified_by_more(case: LayerCase, mode: str) -> None:
    for stride, padding in (((1, 1), (1, 2)), ((2, 1), (2, 1)), ((2, 3), (1, 0))):
        layer = case.build(1, 2, 3, stride=stride, padding=padding, padding_mode=mode)
        bound = float(layer.operator_norm()) * (1 + 1e-12)
        for size in ((3, 3), (4, 5), (7, 6)):
            assert norm(layer, size) <= bound


def test_edges_that_are_read_again_and_again_are_counted() -> None:
    """A box that reads nothing but the edge multiplies a single pixel by its taps, in every output."""
    layer = FourierConv1d(1, 1, 9, padding=8, padding_mode="replicate", bias=False, dtype=torch.float64)
    torch.nn.init.ones_(layer.coefficients)
    assert norm(layer, (1,)) == pytest.approx(9 * 3)  # 9 outputs of 9
    assert 27 <= float(layer.operator_norm()) <= 1.05 * 9 * math.sqrt(17)
    layer = FourierConv1d(1, 1, 9, padding=0, padding_mode="replicate", bias=False, dtype=torch.float64)
    torch.nn.init.ones_(layer.coefficients)
    assert 9 <= float(layer.operator_norm()) <= 1.05 * 9  # nothing beyond the image is read


@pytest.mark.parametrize("mode", ["circular", "reflect"])
def test_strides_that_the_image_is_no_multiple_of_fold_no_frequencies(mode: str) -> None:
    """Outputs 0 and 2 of a circle of 3 pixels each read all of it: √6, above the √5 of images without end."""
    layer = FourierConv1d(1, 1, 3, stride=2, padding=1, padding_mode=mode, bias=False, dtype=torch.float64)
    torch.nn.init.ones_(layer.coefficients)
    if mode == "circular":
        assert norm(layer, (3,)) == pytest.approx(math.sqrt(6))
    assert norm(layer, (3,)) <= float(layer.operator_norm()) <= 1.05 * 3 * math.sqrt(2)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_with_zeros_the_bound_is_the_supremum_over_frequency(case: LayerCase, stride: int, dims: int) -> None:
    layer = case.build_in(dims, 2, 3, 3, stride=stride, padding=1)
    fine = float(layer.operator_norm(stride * {1: 2048, 2: 128, 3: 24}[dims]))
    exact = all(kernel.extent(0.0, dims) == kernel.extent(0.5, dims) for kernel in layer._kernels())
    # 1/cos(π/16) per axis, 1/cos(π/8) in 3-D, and more for tails that never end
    slack = (1.02**dims if dims < 3 else 1.083**3) * (1 if exact else {1: 1.003, 2: 1.03, 3: 1.25}[dims])
    assert (1 - 1e-12) * fine <= float(layer.operator_norm()) <= slack * fine * {1: 1.001, 2: 1.005, 3: 1.02}[dims]


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_large_images_come_close_to_the_bound(case: LayerCase) -> None:
    layer = case.build_in(1, 1, 1, 3, padding=1)
    assert norm(layer, (200,)) <= float(layer.operator_norm()) <= 1.03 * norm(layer, (200,))


def test_what_the_layer_cuts_off_is_counted() -> None:
    """At a tolerance of 0.6 the kernel that is applied amplifies 19 % more than the one that is asked for."""
    layer = LayerCase("spline").build_in(1, 1, 1, 5, padding=2, tolerance=0.6)
    layer.coefficients.data[0, 0] = torch.tensor([-1.335, 1.759, -0.133, -1.082, 0.524])
    assert 1.15 * float(layer.operator_norm(1000)) < norm(layer, (100,)) <= float(layer.operator_norm())


def test_what_is_not_looked_at_of_long_kernels_is_allowed_for(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LayerCase("dyadic").build_in(1, 1, 1, 7, padding=3)
    first, last = layer._kernels()[0].extent(0.1, 1)
    monkeypatch.setattr(reading, "FREQUENCIES", reading.OVERSAMPLING * (last - first + 1))  # a tenth may lie beyond
    assert 1.15 * float(layer.operator_norm(4096)) <= float(layer.operator_norm())


def test_kernels_too_long_for_a_bound_are_refused() -> None:
    layer = FourierConv2d(1, 1, 7, parameterization="scaled", scale=64.0)
    with pytest.raises(ValueError, match=r"kernels of \[\d+, \d+\] pixels are too long .* pass grid="):
        layer.operator_norm()
    assert float(layer.operator_norm(16)) > 0


def test_bounds_follow_the_coefficients_and_leave_out_the_bias() -> None:
    layer = FourierConv2d(2, 3, 5, dtype=torch.float64)
    before = float(layer.operator_norm())
    torch.nn.init.constant_(layer.bias, 1e3)  # type: ignore[arg-type]
    layer.coefficients.data.mul_(-3)
    assert float(layer.operator_norm()) == pytest.approx(3 * before, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_norms_come_in_the_dtype_of_the_layer(dtype: torch.dtype) -> None:
    layer = FourierConv2d(2, 3, 3, dtype=dtype)
    assert layer.operator_norm().dtype == layer.singular_values(8).dtype == dtype
    assert layer.operator_norm().shape == layer.operator_norm(8).shape == ()


def test_sizes_are_read_without_values() -> None:
    layer = FourierConv2d(2, 6, 3, stride=2, parameterization="scaled", device="meta")
    assert layer.singular_values((8, 12)).shape == (4, 6, 6)
    assert layer.operator_norm().is_meta
