"""Bad input: torch's type of exception, one line that names the argument and the sizes, before any work is done."""

import re
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fourierconv import FourierConv2d
from fourierconv.functional import conv2d, spectral_conv
from fourierconv.parameterizations import get
from tests.bad_input_cases import BAD_CALLS, BAD_KEYWORDS, BAD_LAYERS, BadCall, BadLayer
from tests.measures import count_ffts


def refusal(work: Callable[[], object]) -> Exception:
    """What `work` raises; it has to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, on its way to an error
        try:
            work()
        except Exception as error:
            return error
    raise AssertionError("was not refused")


def check_message(error: Exception, says: tuple[str, ...]) -> None:
    message = str(error)
    assert "\n" not in message
    assert not [part for part in says if part not in message], message


@pytest.mark.parametrize("case", BAD_CALLS, ids=str)
def test_conv2d_refuses_what_torchs_refuses(case: BadCall) -> None:
    input, weight = case.operands()
    theirs = refusal(lambda: F.conv2d(input, weight, **dict(case.arguments)))
    errors = []
    ffts = count_ffts(lambda: errors.append(refusal(lambda: conv2d(input, weight, **dict(case.arguments)))))
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


BAD_IMAGES = [case for case in BAD_CALLS if case.weight == (6, 4, 3, 3) and not case.arguments]


@pytest.mark.parametrize("case", BAD_IMAGES, ids=str)
def test_the_layer_refuses_the_same_images(case: BadCall) -> None:
    error = refusal(lambda: FourierConv2d(4, 6, 3)(case.operands()[0]))
    assert type(error) is type(refusal(lambda: nn.Conv2d(4, 6, 3)(case.operands()[0])))
    check_message(error, case.says)


@pytest.mark.parametrize(("dtype", "kind"), [(torch.complex64, "complex"), (torch.int64, "integer")], ids=str)
def test_complex_and_integer_input_is_refused_by_name(dtype: torch.dtype, kind: str) -> None:
    x, weight = torch.ones(2, 4, 8, 8, dtype=dtype), torch.ones(6, 4, 3, 3, dtype=dtype)
    for work, name in ((lambda: conv2d(x, weight), "input"), (lambda: FourierConv2d(4, 6, 3, dtype=dtype), "dtype")):
        error = refusal(work)
        assert type(error) is RuntimeError
        check_message(error, (f"{name} is {kind}, {dtype}", "float32"))


@pytest.mark.parametrize("circular", ["conv2d", "layer"])
def test_circular_padding_wraps_once(circular: str) -> None:
    x = torch.ones(1, 1, 2, 8)
    if circular == "conv2d":
        error = refusal(lambda: conv2d(x, torch.ones(1, 1, 3, 3), padding=3, padding_mode="circular"))
    else:
        error = refusal(lambda: FourierConv2d(1, 1, 3, padding=3, padding_mode="circular")(x))
    theirs = refusal(lambda: nn.Conv2d(1, 1, 3, padding=3, padding_mode="circular")(x))
    assert type(error) is type(theirs) is RuntimeError
    check_message(error, ("(3, 3)", "2x8"))


def test_conv2d_refuses_an_unknown_padding_mode() -> None:
    with pytest.raises(ValueError, match="padding_mode='reflect' is not one of 'zeros', 'circular'"):
        conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 1, 1), padding_mode="reflect")


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
    with pytest.raises(ValueError, match="'dct' is unknown; choose one of spatial, spectral, spline, window, scaled"):
        get("dct")
