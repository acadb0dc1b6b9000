"""The layers: what they compute is what their kernels and spectra say, on every border and size."""

import math
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F
from torch.nn.utils import parametrizations

import fourierconv
from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d, kernels, separable
from fourierconv.layers import fourier_layers
from fourierconv.parameterizations import NAMES
from fourierconv.remembered import _made as remembered
from tests.layer_cases import LAYERS, LayerCase, label
from tests.measures import relative_error
from tests.problems import SMALL, Problem

Size = tuple[int, int]


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize(
    ("case", "k"),
    [(case, k) for case in LAYERS for k in ((3,), (4,), (3, 3), (4, 4), (5, 2), (3, 4, 2)) if case.allows(k)],
    ids=label,
)
def test_circular_same_is_the_convolution_theorem(case: LayerCase, k: tuple[int, ...], dilation: int) -> None:
    options = {"groups": 2, "padding": "same", "padding_mode": "circular", "dilation": dilation}
    layer = case.build_in(len(k), 4, 6, k, **options)
    # circular padding goes around an image once, which holds half of the dilated kernel
    for size in ((12, 11, 9), (9, 16, 8), (7, 7, 10), (8, 8, 8), (5, 3, 4)):
        n = size[: len(k)]
        if any(d * (m - 1) // 2 + d * (m - 1) % 2 > pixels for m, d, pixels in zip(k, layer.dilation, n, strict=True)):
            continue
        axes = tuple(range(-len(k), 0))
        x = torch.randn(2, 4, *n, dtype=torch.float64)
        images = torch.fft.rfftn(x, dim=axes).unflatten(1, (2, 1, 2))
        spectrum = layer.spectrum(n).unflatten(0, (2, 3))
        expected = torch.fft.irfftn((images * spectrum.conj()).sum(3).flatten(1, 2), s=n, dim=axes)
        torch.testing.assert_close(layer(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize(("case", "k"), [(case, k) for case in LAYERS for k in (3, 4) if case.allows(k)], ids=str)
def test_circular_padding_repeats_the_image(case: LayerCase, k: int, padding: int) -> None:
    """Any other circular padding is the 'same' output, shifted and repeated."""
    layer = case.build(2, 3, k, padding=padding, padding_mode="circular", bias=True)
    same = case.build(2, 3, k, padding="same", padding_mode="circular", bias=True)
    same.load_state_dict(layer.state_dict())
    x = torch.randn(2, 2, 7, 8, dtype=torch.float64)
    left = padding - (k - 1) // 2
    rows, columns = (torch.arange(n + 2 * padding - k + 1).sub(left) % n for n in (7, 8))
    torch.testing.assert_close(layer(x), same(x)[..., rows, :][..., columns], rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", [(16, 16), (15, 16), (16, 15), (9, 7), (1, 8), (8, 1)], ids=str)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_spectra_are_hermitian(case: LayerCase, grid: Size) -> None:
    """An inverse real FFT and back reproduces them, the columns of DC and Nyquist included."""
    for k in filter(case.allows, (3, 4)):
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
    layer = FourierConv2d(2, 3, 5, padding=2, padding_mode=mode, bias=False, parameterization=name)
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


# 'spacings' looks for NaN among its positions; the nn.Linear of 'implicit' cannot be moved there by torch itself
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("spacings", "implicit")])
def test_layers_are_built_and_trained_where_tensors_are_fake(name: str) -> None:
    """As tools do that count memory and operations before anything is allocated."""
    with FakeTensorMode():
        layer = FourierConv2d(2, 3, 5, padding=2, parameterization=name)
        output = layer(torch.randn(4, 2, 9, 8))
        output.square().sum().backward()
        assert output.shape == (4, 3, 9, 8)
        assert layer.coefficients.grad is not None


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
    assert relative_error(layer(x).double(), exact(x.double())) < 2e-6


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize(
    "case",
    [case for case in LAYERS if case.name not in ("window", "scaled")]
    + [LayerCase("window", 0.8), LayerCase("scaled", 0.7), LayerCase("scaled", 1.37)],  # off the cubic's knots
    ids=str,
)
def test_first_and_second_derivatives(
    case: LayerCase, mode: str, check: Callable[..., bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fourierconv.parameterizations.implicit.HIDDEN", 3)  # numerical derivatives by every weight
    layer = case.build(1, 2, 3, padding=1, padding_mode=mode, bias=True)
    parameters = dict(layer.named_parameters())

    def forward(x: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x,))

    x = torch.randn(1, 1, 4, 3, dtype=torch.float64, requires_grad=True)
    assert ("scale" in parameters) == (case.scale is not None)
    assert any("coordinates" in name for name in parameters) == (case.name in ("spacings", "implicit"))
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
    nn.init.zeros_(layer.coefficients)
    layer.coefficients.data[..., 2, 1:4] = 1.0
    expected = (
        "FourierConv2d(4, 6, kernel_size=(5, 5), padding='same', groups=2, bias=False, "
        "padding_mode='circular', parameterization='spatial', extent=(1.0, 2.9))"
    )
    assert repr(layer) == expected
    assert math.prod(layer.coefficients.shape) == 4 // 2 * 6 * 25


def test_strides_dilations_and_scales_are_printed_where_there_are_some() -> None:
    layer = FourierConv1d(1, 2, 1, stride=2, dilation=3, parameterization="window", scale_per="channel")
    assert repr(layer) == (
        "FourierConv1d(1, 2, kernel_size=(1,), stride=(2,), padding=(0,), dilation=(3,), parameterization='window', "
        "scale_per='channel', extent=(1.0))"
    )
    windowed = FourierConv3d(1, 2, 3, dilation=(1, 2, 1), window=1.0, scale_per=2)
    assert "dilation=(1, 2, 1), parameterization='spatial', scale_per=2, extent=(" in repr(windowed)
    assert "scale_per" not in repr(FourierConv2d(1, 2, 3))
    free = FourierConv2d(1, 2, 3, parameterization="free", reference_grid=(9, 8))
    assert "parameterization='free', reference_grid=(9, 8), extent=(" in repr(free)
    assert "reference_grid=(32,)" in repr(FourierConv1d(1, 2, 3, parameterization="truncated"))


def extent_printed(layer: nn.Module) -> list[float]:
    return [float(side) for side in repr(layer).split("extent=(")[1].rstrip(")").split(", ")]


@pytest.mark.parametrize("name", ["window", "scaled"])
def test_printing_a_layer_shows_its_present_extent_and_does_not_refresh_it(name: str) -> None:
    layer = FourierConv2d(2, 4, 9, parameterization=name, scale=2.0, per_axis=True)
    before = extent_printed(layer)
    assert before == [pytest.approx(side, abs=0.05) for side in layer.extent().flatten(0, 1).median(0)[0].tolist()]
    assert layer.scale is not None
    assert layer._scale_bounds is not None
    layer.scale.data[0, 1] = 0.5
    reach = list(layer._scale_bounds.reach)
    after = extent_printed(layer)
    assert after[1] < before[1]
    assert layer._scale_bounds.reach == reach
    assert layer._scale_bounds.reach[1] > 0.5 * 2


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_without_values_prints_no_extent(name: str) -> None:
    text = repr(FourierConv2d(2, 4, 3, parameterization=name, device="meta"))
    assert f"parameterization={name!r}" in text
    assert "extent" not in text


# --- numbers of other kinds ---


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_half_precision_is_computed_in_float32(case: LayerCase, dtype: torch.dtype, mode: str) -> None:
    """Outputs and gradients are those of a float32 layer of the same numbers, rounded."""
    layer = case.build(2, 4, 3, padding=1, padding_mode=mode, bias=True, dtype=dtype)
    same = case.build(2, 4, 3, padding=1, padding_mode=mode, bias=True, dtype=torch.float32)
    same.load_state_dict(layer.state_dict())
    x = torch.randn(2, 2, 7, 8).to(dtype).requires_grad_()
    exact = x.detach().float().requires_grad_()
    y, expected = layer(x), same(exact)
    assert y.dtype == dtype
    ulp = float(torch.finfo(dtype).eps)  # a bias in half precision is added after rounding
    torch.testing.assert_close(y.float(), expected, rtol=ulp, atol=2 * ulp)
    g = torch.randn_like(y)
    y.backward(g)
    expected.backward(g.float())
    assert x.grad is not None
    assert exact.grad is not None
    assert x.grad.dtype == dtype
    torch.testing.assert_close(x.grad.float(), exact.grad, rtol=ulp, atol=ulp)
    for (name, parameter), other in zip(layer.named_parameters(), same.parameters(), strict=True):
        if other.grad is None:
            assert parameter.grad is None
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.dtype == dtype
        scale = float(other.grad.abs().max())
        torch.testing.assert_close(parameter.grad.float(), other.grad, rtol=4 * ulp, atol=4 * ulp * scale)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", NAMES)
def test_anomaly_mode_names_what_is_not_finite(name: str, value: float) -> None:
    layer = FourierConv2d(2, 4, 3, padding=1, parameterization=name)
    x = torch.randn(1, 2, 6, 6)
    x[0, 1, 2, 3] = value
    spread = layer(x)  # otherwise nothing is looked at
    assert not bool(spread.isfinite().all())
    with torch.autograd.set_detect_anomaly(True):
        with pytest.raises(
            RuntimeError, match=r"input has 1 values of 72 that are NaN or Inf, the first at \[0, 1, 2, 3\]"
        ):
            layer(x)
        layer.coefficients.data.view(-1)[0] = value
        with pytest.raises(
            RuntimeError, match=r"coefficients has 1 values of \d+ that are NaN or Inf, the first at \[0, 0"
        ):
            layer(torch.randn(1, 2, 6, 6))


@pytest.mark.parametrize("case", LAYERS, ids=label)
def test_the_default_dtype_changes_nothing(case: LayerCase) -> None:
    layer, x = case.build(2, 3, 4, padding=2, dtype=torch.float32), torch.randn(1, 2, 12, 12)
    expected = layer(x)
    remembered.cache_clear()
    torch.set_default_dtype(torch.bfloat16)
    try:
        assert torch.equal(layer(x), expected)
    finally:
        torch.set_default_dtype(torch.float32)
        remembered.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_the_default_device_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    expected = FourierConv2d(2, 3, 3, parameterization=name)
    torch.manual_seed(0)
    with torch.device("meta"):
        layer = FourierConv2d(2, 3, 3, parameterization=name, device="cpu")
    x = torch.randn(1, 2, 9, 8)
    assert torch.equal(layer(x), expected(x))


def test_frozen_weights_keep_no_spectra_of_images() -> None:
    def kept(layer: FourierConv2d) -> int:
        sizes: list[int] = []

        def pack(tensor: Tensor) -> Tensor:
            sizes.append(tensor.nbytes)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            layer(torch.randn(4, 8, 32, 32, requires_grad=True))
        return sum(sizes)

    layer = FourierConv2d(8, 2, 15, padding=7, engine="whole")
    trained = kept(layer)
    layer.requires_grad_(False)
    assert kept(layer) < trained - 4 * 8 * 32 * 32 * 4


def test_coefficients_that_are_parametrized_are_made_once_in_a_call_and_in_every_thread() -> None:
    layer, x = parametrizations.weight_norm(FourierConv2d(2, 3, 3), "coefficients"), torch.randn(1, 2, 8, 8)
    counted: list[int] = []
    made = layer.parametrizations["coefficients"]
    made.register_forward_hook(lambda *_: counted.append(threading.get_ident()))
    failures: list[Exception] = []

    def train() -> None:
        try:
            for _ in range(20):
                layer(x).square().sum().backward()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=train) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(Counter(counted).values()) == {20}


def test_a_weight_is_set_as_that_of_a_classic_layer() -> None:
    layer, taps = FourierConv2d(2, 3, 3), nn.Parameter(torch.randn(3, 2, 3, 3))
    layer.weight = taps
    assert layer.coefficients is taps
    assert layer.weight is taps
    scaled = FourierConv2d(2, 3, 3, parameterization="scaled")
    with pytest.raises(AttributeError, match="parameterization='scaled' has coefficients and no weight; "):
        scaled.weight = taps
    assert set(scaled.state_dict()) == {"coefficients", "bias", "scale"}


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_long_axes_are_transformed_to_the_same_spectra(
    case: LayerCase, stride: int, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = case.build(2, 2, 3, stride=stride, padding=1, padding_mode=mode, tolerance=1e-3)
    x = torch.randn(1, 2, *(11,) * layer.dims, dtype=torch.float64)

    def computed() -> list[Tensor]:
        remembered.cache_clear()
        spectrum = torch.view_as_real(layer.spectrum((9,) * layer.dims))
        with fourierconv.engine("whole"):
            y = layer(x)
        return [y, spectrum, *torch.autograd.grad(y.square().sum() + spectrum.square().sum(), [layer.coefficients])]

    expected = computed()
    for module in (kernels, separable):
        monkeypatch.setattr(module, "LONG", 0)
    torch.testing.assert_close(computed(), expected)
    remembered.cache_clear()


@pytest.mark.parametrize("padding", [(0, 0), (2, 1), "same"], ids=str)
def test_arguments_that_were_changed_later_are_those_of_the_next_call(padding: Any) -> None:
    conv = nn.Conv2d(2, 3, 3, padding=1, dtype=torch.float64)
    layer, x = fourierconv.from_conv(conv), torch.randn(1, 2, 12, 12, dtype=torch.float64)
    for own in (conv, layer):
        own.padding, own.dilation = padding, (2, 2)  # as segmentation networks do with trained ones
    torch.testing.assert_close(layer(x), conv(x))
    back, bound = fourierconv.to_conv(layer)
    torch.testing.assert_close(back(x), conv(x))
    assert back.padding == padding
    assert bound < 1e-12


@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
def test_replicas_of_parametrized_layers_compute_the_same(norm: str) -> None:
    layer = FourierConv2d(2, 3, 5, padding=2)
    getattr(nn.utils.parametrizations, norm)(layer, "coefficients")
    x = torch.randn(1, 2, 8, 8)
    expected = layer.eval()(x)
    torch.testing.assert_close(replica(layer)(x), expected)


def replica(module: nn.Module) -> nn.Module:
    """As nn.DataParallel makes one: parameters are attributes, and there are none."""
    own = module._replicate_for_data_parallel()
    for name, parameter in module._parameters.items():
        setattr(own, name, None if parameter is None else parameter.detach().clone())
    own._modules = {name: replica(child) for name, child in module._modules.items() if child is not None}
    return own
