"""First derivatives of all functions, in both modes, and second ones are those of finite differences in float64."""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from fourierconv import FourierConv2d
from fourierconv.functional import spectral_conv
from fourierconv.spectral import half
from tests.cases import FUNCTIONS, SMALL_CALLS, Call

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own, in forward mode

twice = pytest.mark.parametrize(
    "check",
    [partial(torch.autograd.gradcheck, check_forward_ad=True), torch.autograd.gradgradcheck],
    ids=["first", "second"],
)


def test_every_function_is_among_the_small_calls() -> None:
    assert all(call.is_defined for call in SMALL_CALLS)
    assert {call.function for call in SMALL_CALLS} == set(FUNCTIONS)


@twice
@pytest.mark.parametrize("call", SMALL_CALLS, ids=str)
def test_convolutions_have_first_and_second_derivatives(call: Call, check: Callable[..., bool]) -> None:
    assert check(call.ours, tuple(value.requires_grad_() for value in call.operands() if value is not None))


@twice
@pytest.mark.parametrize("grid", [(6,), (5,), (4, 3), (3, 4), (2, 3, 2), (2, 2, 3)], ids=str)
def test_spectral_conv_has_first_and_second_derivatives(grid: tuple[int, ...], check: Callable[..., bool]) -> None:
    x = torch.randn(2, 4, *grid, dtype=torch.float64, requires_grad=True)
    spectrum = torch.randn(2, 2, *half(grid), dtype=torch.complex128, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)
    assert check(partial(spectral_conv, groups=2), (x, spectrum, bias))


@pytest.mark.parametrize("name", ["whole", "tiled", "direct"])
@pytest.mark.parametrize("parameterization", ["spatial", "scaled"])
def test_many_derivatives_at_a_time_are_those_one_by_one(name: str, parameterization: str) -> None:
    """By the vmap of torch.autograd, which is older than that of torch.func."""
    layer = FourierConv2d(1, 2, 3, padding=1, parameterization=parameterization, engine=name, dtype=torch.float64)
    x = torch.randn(1, 1, 6, 5, dtype=torch.float64, requires_grad=True)
    given, along = [x, *layer.parameters()], torch.randn(3, 1, 2, 6, 5, dtype=torch.float64)
    y = layer(x)
    together = torch.autograd.grad(y, given, along, is_grads_batched=True, retain_graph=True)
    apart = [torch.autograd.grad(y, given, own, retain_graph=True) for own in along]
    for one, others in zip(together, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(one, torch.stack(others))

    def cubes(x: torch.Tensor) -> torch.Tensor:
        return layer(x).pow(3).sum()

    found, wanted = (torch.autograd.functional.hessian(cubes, x, vectorize=own) for own in (True, False))
    torch.testing.assert_close(found, wanted)
