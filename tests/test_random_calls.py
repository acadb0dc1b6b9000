"""Any call of any of the six functions is torch's, and has the algebra of a convolution."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.agreement import check_float64
from tests.call_strategies import RANDOM_CALLS, convs
from tests.cases import Call, Conv, ConvTranspose, Layout

# torch's own remark on even kernels, to which the comparison is not sensitive
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


@pytest.mark.parametrize("examples", [50, pytest.param(2000 // len(RANDOM_CALLS) + 1, marks=pytest.mark.full)])
@pytest.mark.parametrize("function", RANDOM_CALLS)
def test_any_call_is_torchs(function: str, examples: int) -> None:
    checked = []

    @settings(max_examples=examples)
    @given(RANDOM_CALLS[function])
    def check(call: Call) -> None:
        check_float64(call.ours, call.reference, call.operands())
        checked.append(call)

    check()
    assert len(checked) >= examples


@given(convs(1) | convs(2) | convs(3))
def test_the_transposed_convolution_is_the_adjoint(call: Conv) -> None:
    """<conv(x, w), g> = <x, conv_transpose(g, w)>, with the output_padding that leads back to the size of x."""
    padding = call.padding
    if isinstance(padding, str):
        reject()
    x, weight, _ = call.operands()
    y = replace(call, mode="zeros").ours(x, weight, None)
    g = torch.randn_like(y)
    rest = tuple((n + 2 * p - d * (k - 1) - 1) % s for n, k, s, d, p in call.axes(padding))
    layout = replace(call.layout, channels=call.layout.out, out=call.layout.channels)
    size = tuple(y.shape[-call.dims :])
    adjoint = ConvTranspose(layout, size, call.kernel, call.stride, call.dilation, padding, rest)
    torch.testing.assert_close((y * g).sum(), (x * adjoint.ours(g, weight, None)).sum())


@given(st.one_of(*RANDOM_CALLS.values()), st.floats(-1e3, 1e3))
def test_all_are_linear_in_the_images_and_in_the_weight(call: Call, scale: float) -> None:
    (x, weight, _), (other_x, other_weight, _) = call.operands(), call.operands()
    once = scale * call.ours(x, weight, None)
    mixed = call.ours(scale * x + other_x, weight, None)
    torch.testing.assert_close(mixed, once + call.ours(other_x, weight, None))
    mixed = call.ours(x, scale * weight + other_weight, None)
    torch.testing.assert_close(mixed, once + call.ours(x, other_weight, None))


@pytest.mark.parametrize("image", [(9,), (9, 8), (5, 4, 6)], ids=str)
@given(data=st.data())
def test_circular_convolutions_commute_with_shifts(image: tuple[int, ...], data: st.DataObject) -> None:
    kernel = data.draw(st.tuples(*(st.integers(1, n) for n in image)), label="kernel")
    shift = data.draw(st.tuples(*(st.integers(-n, n) for n in image)), label="shift")
    call = Conv(Layout(4, 6, 2, 2, bias=True), image, kernel, 1, 1, "same", "circular")
    x, weight, bias = call.operands()
    axes = tuple(range(-call.dims, 0))
    shifted = call.ours(x.roll(shift, axes), weight, bias)
    torch.testing.assert_close(shifted, call.ours(x, weight, bias).roll(shift, axes))
