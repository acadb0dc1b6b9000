"""Edges that were wrong once: runaway scales, deltas, a changed dtype, sizes from other libraries."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fourierconv import FourierConv2d
from fourierconv import functional as spectral
from fourierconv.extent import extent, mass_curve, spectral_roughness


@pytest.mark.parametrize("name", ["window", "scaled"])
@pytest.mark.parametrize("runaway", [1e7, 1e8, -1e8])
def test_a_runaway_scale_is_held_and_keeps_its_gradient(name: str, runaway: float) -> None:
    layer = FourierConv2d(1, 2, 5, padding=2, parameterization=name, scale=1.5)
    assert layer.scale is not None
    layer.scale.data.fill_(runaway)
    output = layer(torch.randn(1, 1, 9, 9))
    output.square().sum().backward()
    assert torch.isfinite(output).all()
    assert layer.scale.grad is not None
    assert torch.isfinite(layer.scale.grad).all()
    assert layer.scale.grad.abs().max() > 0


@pytest.mark.parametrize("seed", range(20))
def test_all_of_the_energy_lies_where_the_taps_are(seed: int) -> None:
    energy = torch.zeros(99)
    energy[47:52] = torch.rand(5, generator=torch.Generator().manual_seed(seed))
    assert float(extent(energy, 1.0)) == 5
    assert float(mass_curve(energy)[-1]) == 1


def test_the_default_tolerance_follows_the_dtype() -> None:
    layer = FourierConv2d(1, 1, 5)
    assert layer.tolerance == 1e-6
    assert layer.double().tolerance == 1e-12
    assert FourierConv2d(1, 1, 5, tolerance=1e-3).double().tolerance == 1e-3


@pytest.mark.parametrize("taps", [torch.zeros(1, 1, 3, 3), F.pad(torch.ones(1, 1, 1, 1), (1, 1, 1, 1))])
def test_roughness_has_a_gradient_where_it_is_zero(taps: torch.Tensor) -> None:
    taps.requires_grad_()
    spectral_roughness(taps, 2).sum().backward()
    assert taps.grad is not None
    assert torch.isfinite(taps.grad).all()


def test_the_default_kernel_has_no_empty_border() -> None:
    kernel = FourierConv2d(2, 2, 5, parameterization="scaled", scale=8.0).kernel()
    assert kernel.shape[-2:] == (63, 63)  # 2·(2·8 + 2·8) - 1
    assert kernel[..., 0, :].abs().max() > 0


def test_integers_of_numpy_are_integers() -> None:
    two: Any = np.int64(2)
    layer = FourierConv2d(two, two, two + 1, padding=two - 1, groups=two)
    images = torch.randn(1, 2, 6, 6)
    expected = F.conv2d(images, layer.weight, layer.bias, padding=1, groups=2)
    torch.testing.assert_close(layer(images), expected, rtol=1e-5, atol=1e-5)


def test_scales_may_be_numbers_of_numpy() -> None:
    two: Any = np.int64(2)
    options: dict[str, Any] = {"scale_per": two, "tolerance": np.float32(0.5), "window": np.float32(1.5)}
    layer = FourierConv2d(1, 4, 5, parameterization="scaled", scale=two, **options)
    assert layer.scale is not None
    assert layer.scale.tolist() == [[2.0]] * 2


def test_scales_may_be_a_list() -> None:
    layer = FourierConv2d(1, 4, 5, parameterization="scaled", scale=[1.0, 8.0], scale_per="channel")
    assert layer.scale is not None
    torch.testing.assert_close(layer.scale.flatten(), torch.tensor([1.0, 2.0, 4.0, 8.0]))


def test_a_bias_elsewhere_is_refused_by_name() -> None:
    images, taps = torch.zeros(1, 1, 5, 5), torch.zeros(2, 1, 3, 3)
    with pytest.raises(RuntimeError, match="bias is on meta, the input is on cpu"):
        spectral.conv2d(images, taps, torch.zeros(2, device="meta"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"groups": "2"}, TypeError, "groups must be an int, but got '2'"),
        ({"in_channels": 4.0}, TypeError, r"in_channels must be an int, but got 4\.0"),
        ({"tolerance": "x"}, ValueError, "tolerance='x' must be"),
        ({"parameterization": ["scaled"]}, ValueError, r"parameterization=\['scaled'\] is unknown"),
        ({"parameterization": "scaled", "scale": "2"}, ValueError, "scale='2' must be a number of pixels"),
        ({"parameterization": "scaled", "scale": float("nan")}, ValueError, "scale=nan must be"),
        ({"parameterization": "scaled", "scale": None}, ValueError, "scale=None must be a number of pixels"),
        ({"dtype": "float32"}, TypeError, "dtype='float32' must be a torch.dtype"),
        ({"dtype": torch.float8_e4m3fn}, RuntimeError, r"dtype is torch\.float8_e4m3fn, and must be real"),
    ],
)
def test_constructors_name_the_argument(arguments: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FourierConv2d(**({"in_channels": 4, "out_channels": 4, "kernel_size": 3} | arguments))  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch.func's own
def test_forward_mode_derivatives_follow_the_product_rule() -> None:
    """torch.func.jvp takes a custom op's derivative for zero, silently, unless it is told."""
    layer = FourierConv2d(2, 3, 3, stride=2, padding=1, dtype=torch.float64, parameterization="scaled", scale=1.3)
    parameters = dict(layer.named_parameters())

    def forward(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, dict(zip(parameters, values, strict=True)), (x,))

    x = torch.randn(1, 2, 5, 4, dtype=torch.float64, requires_grad=True)
    inputs = (x, *parameters.values())
    assert torch.autograd.gradcheck(forward, inputs, check_forward_ad=True, check_backward_ad=False)
    along = torch.func.jvp(layer, (x,), (torch.ones_like(x),))[1]
    torch.testing.assert_close(along, layer(torch.ones_like(x)) - layer(torch.zeros_like(x)))
    jacobian = torch.func.jacfwd(spectral.conv2d)(x[0], torch.randn(1, 2, 3, 3, dtype=torch.float64))
    assert float(jacobian.detach().abs().sum()) > 1


@pytest.mark.parametrize("name", ["scaled", "window", "hermite"])
def test_a_scale_that_is_no_number_shows(name: str) -> None:
    layer = FourierConv2d(1, 2, 3, padding=1, parameterization=name)
    assert layer.scale is not None
    layer.scale.data.fill_(float("nan"))
    assert bool(layer(torch.randn(1, 1, 6, 6)).isnan().all())
    assert "extent=(nan, nan)" in repr(layer)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_kernels_that_are_no_numbers_have_no_size_and_no_norm(value: float) -> None:
    layer = FourierConv2d(1, 2, 3)
    layer.coefficients.data[0, 0, 1, 1] = value
    assert layer.extent().isnan().all(-1).tolist() == [[True], [False]]
    with pytest.raises(ValueError, match="coefficients must be finite, but hold NaN or Inf"):
        layer.operator_norm()


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_sizes_do_not_depend_on_how_large_the_weights_are(factor: float) -> None:
    layer = FourierConv2d(2, 2, 5)
    before = layer.extent()
    layer.coefficients.data.mul_(factor)
    torch.testing.assert_close(layer.extent(), before)


def test_the_default_kernel_of_scaled_at_spacing_one_is_the_classic_one() -> None:
    assert FourierConv2d(1, 1, (5, 4), parameterization="scaled").kernel().shape[2:] == (5, 4)
    assert FourierConv2d(1, 1, 3, dilation=2, parameterization="scaled").kernel().shape[2:] == (5, 5)


def test_damaged_positions_can_be_replaced_and_far_ones_are_held() -> None:
    layer = FourierConv2d(2, 4, 3, parameterization="spacings")
    good = {name: value.clone() for name, value in layer.state_dict().items()}
    for value in layer.state_dict().values():
        value.fill_(float("nan"))
    layer.load_state_dict(good)
    assert all(torch.equal(value, good[name]) for name, value in layer.state_dict().items())
    layer.load_state_dict(good | {"coordinates.positions": torch.full_like(good["coordinates.positions"], 50.0)})
    assert layer.state_dict()["coordinates.positions"].unique().tolist() == [8.0]


def test_a_layer_made_for_inference_can_be_evaluated_elsewhere() -> None:
    with torch.inference_mode():
        layer = FourierConv2d(1, 1, 3, parameterization="scaled", window=2.0)
    layer.eval()


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_a_stride_beyond_the_image_takes_no_memory(mode: str) -> None:
    layer = FourierConv2d(1, 2, 3, stride=2**40, padding=1, padding_mode=mode)
    conv = torch.nn.Conv2d(1, 2, 3, stride=2**40, padding=1, padding_mode=mode)  # type: ignore[arg-type]
    layer.load_state_dict(conv.state_dict())
    x = torch.randn(1, 1, 7, 8)
    torch.testing.assert_close(layer(x), conv(x))
