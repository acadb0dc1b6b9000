"""Bad input: torch's type of exception, one line that names the argument and the sizes, before any work is done."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

from fourierconv import FourierConv2d, functional
from fourierconv.functional import conv2d, spectral_conv
from fourierconv.parameterizations import NAMES, get
from tests.bad_input_cases import BAD_CALLS, BAD_IMAGES, BAD_KEYWORDS, BAD_LAYERS, BadCall, BadLayer
from tests.layer_cases import CLASSES
from tests.measures import count_ffts, refusal

CONVS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def check_message(error: Exception, says: tuple[str, ...]) -> None:
    message = str(error)
    assert "\n" not in message
    assert not [part for part in says if part not in message], message


@pytest.mark.parametrize("case", BAD_CALLS, ids=str)
def test_functions_refuse_what_torchs_refuse(case: BadCall) -> None:
    calls = [partial(getattr(of, case.function), *case.operands(), **dict(case.arguments)) for of in (F, functional)]
    theirs = refusal(calls[0])
    errors: list[Exception] = []
    ffts = count_ffts(lambda: errors.append(refusal(calls[1])))
    assert type(errors[0]) is type(theirs)
    check_message(errors[0], case.says)
    assert not ffts


@pytest.mark.parametrize("case", BAD_LAYERS, ids=str)
def test_the_layer_refuses_what_conv2d_refuses(case: BadLayer) -> None:
    x = torch.ones(2, 4, 8, 8)
    theirs = refusal(lambda: nn.Conv2d(**case.all_arguments())(x))
    ours = refusal(lambda: FourierConv2d(**case.all_arguments())(x))
    assert type(ours) is type(theirs)
    check_message(ours, case.says)


@pytest.mark.parametrize("case", BAD_KEYWORDS, ids=str)
def test_the_layer_refuses_values_of_its_own_arguments(case: BadLayer) -> None:
    error = refusal(lambda: FourierConv2d(**case.all_arguments()))
    assert type(error) is ValueError
    check_message(error, case.says)


@pytest.mark.parametrize("case", BAD_IMAGES, ids=str)
def test_layers_refuse_the_same_images(case: BadCall) -> None:
    images, _ = case.operands()
    theirs = CONVS[case.dims](4, 6, 3, **dict(case.arguments))
    ours = CLASSES[case.dims](4, 6, 3, **dict(case.arguments))
    error = refusal(lambda: ours(images))
    assert type(error) is type(refusal(lambda: theirs(images)))
    check_message(error, case.says)


@pytest.mark.parametrize(("dtype", "kind"), [(torch.complex64, "complex"), (torch.int64, "integer")], ids=str)
def test_complex_and_integer_input_is_refused_by_name(dtype: torch.dtype, kind: str) -> None:
    x, weight = torch.ones(2, 4, 8, 8, dtype=dtype), torch.ones(6, 4, 3, 3, dtype=dtype)
    for work, name in ((lambda: conv2d(x, weight), "input"), (lambda: FourierConv2d(4, 6, 3, dtype=dtype), "dtype")):
        error = refusal(work)
        assert type(error) is RuntimeError
        check_message(error, (f"{name} is {kind}, {dtype}", "float32"))


@pytest.mark.parametrize("engine", ["auto", "whole", "tiled", "direct"])
@pytest.mark.parametrize("shape", [(6, 4, 5, 5), (6, 4, 3, 1), (6, 2, 3, 3), (6, 4, 9)], ids=str)
def test_layers_refuse_coefficients_of_other_kernels(shape: tuple[int, ...], engine: str) -> None:
    layer = FourierConv2d(4, 6, 3, engine=engine)
    error = refusal(lambda: functional_call(layer, {"coefficients": torch.ones(shape)}, (torch.ones(2, 4, 8, 8),)))
    assert type(error) is RuntimeError
    check_message(error, ("coefficients", "[6, 4, 3, 3]", f"{list(shape)}"))


@pytest.mark.parametrize(
    ("bias", "says"),
    [
        (torch.ones(1), ("[6]", "[1]")),
        (torch.ones(6, 1), ("[6]", "[6, 1]")),
        (torch.ones(6, dtype=torch.float64), ("float64", "float32")),
        (torch.ones(6, dtype=torch.float16), ("float16", "float32")),
        (torch.ones(6, dtype=torch.complex64), ("complex64", "float32")),
    ],
)
def test_layers_refuse_the_same_biases(bias: torch.Tensor, says: tuple[str, ...]) -> None:
    x, errors = torch.ones(2, 4, 8, 8), []
    for layer in (nn.Conv2d(4, 6, 3), FourierConv2d(4, 6, 3)):
        layer.bias = nn.Parameter(bias)
        errors.append(refusal(partial(layer, x)))
    assert type(errors[1]) is type(errors[0])
    check_message(errors[1], ("bias", *says))


def test_autocast_takes_biases_of_any_dtype_as_torchs_does() -> None:
    x, layer = torch.ones(2, 4, 8, 8), FourierConv2d(4, 6, 3)
    layer.bias = nn.Parameter(torch.ones(6, dtype=torch.bfloat16))
    conv = nn.Conv2d(4, 6, 3)
    conv.load_state_dict({"weight": layer.weight, "bias": torch.ones(6)})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(layer(x), conv(x))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_circular_padding_wraps_once(dims: int) -> None:
    n = (2, 8, 8)[:dims]
    wide: dict[str, Any] = {"padding": 3, "padding_mode": "circular"}
    x, weight = torch.ones(1, 1, *n), torch.ones(1, 1, *[3] * dims)
    theirs = refusal(lambda: CONVS[dims](1, 1, 3, **wide)(x))
    function = getattr(functional, f"conv{dims}d")
    for work in (lambda: function(x, weight, **wide), lambda: CLASSES[dims](1, 1, 3, **wide)(x)):
        error = refusal(work)
        assert type(error) is type(theirs) is RuntimeError
        check_message(error, ("circular", "(3, 3)", "x".join(map(str, n))))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_functions_refuse_an_unknown_padding_mode(dims: int) -> None:
    with pytest.raises(ValueError, match="padding_mode='reflect' is not one of 'zeros', 'circular'"):
        getattr(functional, f"conv{dims}d")(
            torch.ones([1] * (dims + 2)), torch.ones([1] * (dims + 2)), padding_mode="reflect"
        )


def test_tensors_on_two_devices_are_refused() -> None:
    with pytest.raises(RuntimeError, match="input is on meta, the weights are on cpu"):
        conv2d(torch.ones(1, 1, 3, 3, device="meta"), torch.ones(1, 1, 1, 1))


@pytest.mark.parametrize(
    ("input", "spectrum", "groups", "says"),
    [
        ((1, 2, 8, 8), torch.ones(3, 2, 8, 5), 1, ("spectrum", "complex", "float32")),
        ((1, 2, 8, 8), torch.ones(3, 2) + 0j, 1, ("spectrum", "[3, 2]")),
        ((1, 2, 8, 8), torch.ones(3, 2, 8, 8) + 0j, 1, ("spectrum", "[8, 8]", "[8, 5]")),
        ((1, 2, 8, 9), torch.ones(3, 2, 9, 5) + 0j, 1, ("spectrum", "[9, 5]", "[8, 5]")),
        ((1, 2, 8, 8), torch.ones(3, 1, 8, 5) + 0j, 1, ("input", "[1, 2, 8, 8]", "1 channels")),
        ((1, 2, 8, 8), torch.ones(3, 1, 8, 5) + 0j, 2, ("groups=2", "3 output channels")),
        ((1, 2, 8, 8), torch.ones(3, 2, 8, 5) + 0j, 0, ("groups=0",)),
        ((2, 8), torch.ones(3, 2, 8, 5) + 0j, 1, ("input", "[2, 8]")),
        ((1, 2, 8, 8), (torch.ones(3, 2, 8, 5) + 0j).to_sparse(), 1, ("spectrum must be dense", "torch.sparse_coo")),
        ((1, 2, 8, 8), torch.ones(3, 2, 8, 5).to(torch.complex128), 1, ("input", "float32", "float64")),
    ],
)
def test_spectral_conv_refuses_what_does_not_match(
    input: tuple[int, ...], spectrum: torch.Tensor, groups: int, says: tuple[str, ...]
) -> None:
    error = refusal(lambda: spectral_conv(torch.ones(input), spectrum, groups=groups))
    assert type(error) is RuntimeError
    check_message(error, says)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda layer: layer.spectrum(0), "grid=(0, 0) must be at least 1"),
        (lambda layer: layer.kernel((3, 0)), "size=(3, 0) must be at least 1"),
        (lambda layer: layer.extent(0.0), "mass=0.0 must be a share"),
        (lambda layer: layer.extent(1.1), "mass=1.1 must be a share"),
    ],
)
def test_reading_a_layer_refuses_what_has_no_answer(work: Callable[[FourierConv2d], object], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        work(FourierConv2d(1, 1, 3))


def test_a_spline_has_no_short_window_at_a_tiny_tolerance() -> None:
    layer = FourierConv2d(1, 1, 5, parameterization="spline", dtype=torch.float64)
    with pytest.raises(ValueError, match=r"tolerance=1e-12 takes \d+ taps per axis; pass size="):
        layer.kernel()


def test_an_unknown_parameterization_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=f"'dct' is unknown; choose one of {', '.join(NAMES)}"):
        get("dct")
