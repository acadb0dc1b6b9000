"""Penalties: moments of the kernels, as sums over taps, as roughness of spectra, and as something to train with."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fourierconv import FourierConv1d, FourierConv2d
from fourierconv.extent import rms_radius
from fourierconv.layers import fourier_layers
from fourierconv.penalties import size, sobolev
from fourierconv.reading import Readable
from tests.layer_cases import LAYERS, Layer, LayerCase, full_spectrum, holding, label

Sizes = tuple[int, ...]
Penalty = Callable[[Readable], Tensor]
PENALTIES: dict[str, Penalty] = {"sobolev": sobolev, "size": size}
SHAPES: tuple[tuple[Sizes, dict[str, Any]], ...] = (
    ((5,), {}),
    ((4,), {"dilation": 3}),
    ((3, 4), {"window": 1.4}),
    ((4, 3), {"dilation": (1, 2), "groups": 2}),
    ((3, 3), {"window": (0.6, 2.0), "scale_per": "channel", "per_axis": True}),
    ((3, 4, 3), {"dilation": (2, 1, 1)}),
)
CASES = [
    (case, k, options)
    for case in LAYERS
    for k, options in SHAPES
    if case.allows(k) and not (case.name == "window" and "window" in options)
]


def written_out(layer: Layer) -> Tensor:
    """Taps of the kernels as far as they matter."""
    return layer.kernel(holding(layer, {1: 2001, 2: 401, 3: 61}[layer.dims])[0]).detach()


def build(case: LayerCase, k: Sizes, options: dict[str, Any]) -> Layer:
    """At a tolerance that kernels without an end reach within a few hundred taps: their tails count little."""
    return case.build_in(len(k), 2, 4, k, tolerance=1e-4 if len(k) < 3 else 1e-2, **options)


@pytest.mark.parametrize(("case", "k", "options"), CASES, ids=label)
def test_sobolev_is_the_second_moment_of_the_taps(case: LayerCase, k: Sizes, options: dict[str, Any]) -> None:
    layer = build(case, k, options)
    kernel = written_out(layer)
    moment = torch.zeros((), dtype=torch.float64)
    for axis, n in enumerate(kernel.shape[2:], start=2):
        t = torch.arange(n, dtype=torch.float64) - (n - 1) // 2
        moment = moment + (kernel.movedim(axis, -1).square() * t**2).sum()
    torch.testing.assert_close(sobolev(layer).detach(), (2 * math.pi) ** 2 * moment, rtol=1e-4, atol=0)


@pytest.mark.parametrize(("case", "k", "options"), CASES, ids=label)
def test_size_is_the_mean_radius_of_the_taps(case: LayerCase, k: Sizes, options: dict[str, Any]) -> None:
    layer = build(case, k, options)
    torch.testing.assert_close(size(layer).detach(), rms_radius(written_out(layer), len(k)).mean(), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("k", "options", "grid"),
    [((5,), {}, 4096), ((4,), {"dilation": 2}, 4096), ((3, 4), {"dilation": (2, 1), "window": 1.2}, 512)],
    ids=label,
)
@pytest.mark.parametrize("case", [LayerCase("spatial"), LayerCase("spline"), LayerCase("scaled", 1.5)], ids=str)
def test_sobolev_is_the_energy_of_the_spectrums_derivative(
    case: LayerCase, k: Sizes, options: dict[str, Any], grid: int
) -> None:
    """∫ |∇Ŵ|² du by central differences on a fine grid, where taps at t are off by (2πt/grid)²/6."""
    layer = case.build_in(len(k), 2, 2, k, tolerance=1e-6, **options)
    spectrum = full_spectrum(layer, [grid] * len(k))
    axes = range(2, 2 + len(k))
    rises = [(spectrum.roll(-1, axis) - spectrum.roll(1, axis)) * grid / 2 for axis in axes]
    integral = torch.stack([rise.abs().square().mean(tuple(axes)).sum() for rise in rises]).sum()
    torch.testing.assert_close(sobolev(layer).detach(), integral, rtol=3e-3, atol=0)


def test_the_integral_of_a_known_spectrum() -> None:
    """Ŵ = 3 + 2cos(2πu)·2 has Ŵ' = -8π sin(2πu), and ∫ Ŵ'² du = 32π²."""
    layer = FourierConv1d(1, 1, 3, bias=False, dtype=torch.float64)
    layer.coefficients.data[0, 0] = torch.tensor([2.0, 3.0, 2.0])
    assert float(sobolev(layer).detach()) == pytest.approx(32 * math.pi**2, rel=1e-14)
    assert float(size(layer).detach()) == pytest.approx(math.sqrt(8 / 17), rel=1e-14)


class Penalized(nn.Module):
    """The penalty as a function of a layer's parameters, for torch.func.functional_call."""

    def __init__(self, layer: Layer, penalty: Penalty) -> None:
        super().__init__()
        self.layer, self.penalty = layer, penalty

    def forward(self) -> Tensor:
        return self.penalty(self.layer)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck])
@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize(
    ("case", "dims", "options"),
    [
        (LayerCase("spatial"), 2, {}),
        (LayerCase("spline"), 1, {"tolerance": 1e-3}),
        (LayerCase("spatial"), 1, {"window": 0.9, "dilation": 2}),
        (LayerCase("window", 0.8), 3, {}),
        (LayerCase("scaled", 1.37), 2, {"window": 1.2, "per_axis": True}),
        (LayerCase("scaled", 0.7), 1, {"window": (0.7, 1.3), "scale_per": "channel"}),
    ],
    ids=label,
)
def test_first_and_second_derivatives(
    case: LayerCase, dims: int, options: dict[str, Any], penalty: Penalty, check: Callable[..., bool]
) -> None:
    module = Penalized(case.build_in(dims, 1, 2, 2, **options), penalty)
    parameters = dict(module.named_parameters())
    assert set(parameters) >= {"layer.coefficients"} | ({"layer.window"} if "window" in options else set())
    assert ("layer.scale" in parameters) == (case.scale is not None)

    def penalized(*values: Tensor) -> Tensor:
        return torch.func.functional_call(module, dict(zip(parameters, values, strict=True)), ())

    assert check(penalized, tuple(parameters.values()))


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_penalties_of_zero_kernels_are_zero_and_have_gradients(case: LayerCase, dilation: int) -> None:
    layer = case.build(2, 3, 3, dilation=dilation)
    nn.init.zeros_(layer.coefficients)
    for penalty in PENALTIES.values():
        value = penalty(layer)
        assert float(value.detach()) == 0
        for gradient in torch.autograd.grad(value, list(layer.parameters()), allow_unused=True):
            assert gradient is None or bool(gradient.isfinite().all())


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
def test_a_single_tap_on_the_output_pixel_has_no_size_and_a_gradient(penalty: Penalty) -> None:
    layer = FourierConv2d(1, 1, 3, bias=False)
    nn.init.zeros_(layer.coefficients)
    layer.coefficients.data[0, 0, 1, 1] = 2.0
    value = penalty(layer)
    value.backward()
    assert float(value.detach()) == 0
    assert layer.coefficients.grad is not None
    assert bool(layer.coefficients.grad.isfinite().all())


def test_the_mean_size_leaves_out_zero_kernels() -> None:
    layer = FourierConv1d(2, 2, 5, bias=False, dtype=torch.float64)
    nn.init.zeros_(layer.coefficients)
    layer.coefficients.data[0, 0] = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0])  # two pixels away
    layer.coefficients.data[1, 1] = torch.tensor([0.0, 0.0, 7.0, 0.0, 0.0])  # none
    assert float(size(layer).detach()) == 1.0


@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_size_does_not_depend_on_how_large_the_weights_are(case: LayerCase) -> None:
    layer = case.build(2, 3, 4 if case.allows(4) else 3, tolerance=1e-3)
    sizes, roughness = size(layer).detach(), sobolev(layer).detach()
    layer.coefficients.data.mul_(-5)
    torch.testing.assert_close(size(layer).detach(), sizes, rtol=1e-12, atol=0)
    torch.testing.assert_close(sobolev(layer).detach(), 25 * roughness, rtol=1e-12, atol=0)


@pytest.mark.parametrize("factor", [2.0**-140, 2.0**-100, 2.0**-70, 2.0**60, 2.0**100])
def test_the_size_of_kernels_near_the_ends_of_float32_has_gradients(factor: float) -> None:
    layer = FourierConv2d(2, 3, 3, parameterization="scaled", scale=2.0, scale_per="channel")
    layer.coefficients.data.copy_(torch.randint(-7, 8, layer.coefficients.shape))  # of which no bit is lost
    parameters: Any = (layer.coefficients, layer.scale)
    expected, gradients = size(layer), torch.autograd.grad(size(layer), parameters)
    layer.coefficients.data[1] *= factor
    found = size(layer)
    own = torch.autograd.grad(found, parameters)
    assert torch.equal(found, expected)
    assert torch.equal(own[1], gradients[1])
    gradients[0][1] /= factor  # beyond the largest number where kernels are below the smallest normal one
    if factor > 2.0**-126:
        assert torch.equal(own[0], gradients[0])


def test_dilated_kernels_are_as_much_larger() -> None:
    plain, dilated = (FourierConv2d(2, 3, 5, dilation=d, dtype=torch.float64) for d in (1, 3))
    dilated.load_state_dict(plain.state_dict())
    torch.testing.assert_close(size(dilated), 3 * size(plain))
    torch.testing.assert_close(sobolev(dilated), 9 * sobolev(plain))


@pytest.mark.parametrize("learned", ["scale", "window"])
def test_a_penalty_on_size_shrinks_what_is_learned(learned: str) -> None:
    options: dict[str, Any] = {"scale": 3.0} if learned == "scale" else {"window": 3.0}
    layer = FourierConv2d(2, 4, 5, parameterization="scaled", **options)
    optimizer = torch.optim.SGD([getattr(layer, learned)], lr=0.5)
    before, extents = size(layer).item(), layer.extent()
    for _ in range(20):
        optimizer.zero_grad()
        size(layer).backward()
        optimizer.step()
        layer.refresh()
    assert float(getattr(layer, learned).detach()) < 2.5
    assert size(layer).item() < 0.8 * before
    assert bool((layer.extent() < extents).all())


def test_a_penalty_on_roughness_shrinks_kernels() -> None:
    layer = FourierConv2d(2, 4, 7)
    optimizer = torch.optim.SGD([layer.coefficients], lr=1e-4)
    before = rms_radius(layer.kernel().detach(), 2)
    for _ in range(30):
        optimizer.zero_grad()
        sobolev(layer).backward()
        optimizer.step()
    assert bool((rms_radius(layer.kernel().detach(), 2) < before).all())


def test_penalties_of_a_model_are_added_up() -> None:
    model = nn.Sequential(FourierConv2d(1, 2, 3), nn.ReLU(), FourierConv2d(2, 3, 5, parameterization="scaled"))
    total = torch.stack([sobolev(layer) for layer in fourier_layers(model)]).sum()
    total.backward()
    for layer in fourier_layers(model):
        assert layer.coefficients.grad is not None
        assert float(layer.coefficients.grad.abs().max()) > 0


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_penalties_of_lower_precision(dtype: torch.dtype, penalty: Penalty) -> None:
    """Computed in float32, whatever the layer's dtype, and as in float64."""
    layer = FourierConv2d(2, 3, 5, parameterization="scaled", scale=8.0, dtype=dtype)
    exact = FourierConv2d(2, 3, 5, parameterization="scaled", scale=8.0, dtype=torch.float64)
    exact.load_state_dict(layer.state_dict())
    value = penalty(layer)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value.double(), penalty(exact), rtol=1e-5, atol=0)
    value.backward()
    assert layer.coefficients.grad is not None
    assert layer.coefficients.grad.dtype == dtype


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize("case", LAYERS, ids=str)
def test_no_penalty_needs_a_value(case: LayerCase, penalty: Penalty) -> None:
    layer = case.build(2, 3, 3, device="meta")
    value = penalty(layer)
    value.backward()
    assert value.is_meta
    assert value.shape == ()


def test_all_taps_of_kernels_that_end_count() -> None:
    layer = FourierConv1d(1, 1, 8301, bias=False)
    with torch.no_grad():
        layer.coefficients.zero_()[..., [0, 4150]] = 1.0  # 4150 pixels from the origin, and on it
    torch.testing.assert_close(size(layer).detach(), torch.tensor(4150 / math.sqrt(2)))


@pytest.mark.parametrize("penalty", [sobolev, size])
def test_what_is_no_fourier_layer_is_refused(penalty: Callable[[Any], Tensor]) -> None:
    with pytest.raises(TypeError, match="layer must be a Fourier layer, but got Sequential; of a model, sum over"):
        penalty(nn.Sequential(FourierConv2d(1, 2, 3)))
