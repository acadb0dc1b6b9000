"""How two ways to compute a convolution are compared: by their output and all of their gradients, one by one."""

from collections.abc import Callable

import torch
from torch import Tensor

from tests.measures import relative_error

Operands = tuple[Tensor, Tensor, Tensor | None]  # images, weight and bias
Convolution = Callable[[Tensor, Tensor, Tensor | None], Tensor]
CPU = torch.device("cpu")


def outcomes(
    convolution: Convolution, operands: Operands, along: Tensor, dtype: torch.dtype, device: torch.device = CPU
) -> dict[str, Tensor]:
    """The output and the gradient of <output, along> with respect to every operand, as float64 on the CPU."""
    named = zip(("input", "weight", "bias"), operands, strict=True)
    leaves = {name: value.to(device, dtype).requires_grad_() for name, value in named if value is not None}
    output = convolution(leaves["input"], leaves["weight"], leaves.get("bias"))
    gradients = torch.autograd.grad(output, list(leaves.values()), along.to(device, dtype))
    assert all(value.dtype == dtype for value in (output, *gradients))
    results = {"output": output.detach(), **dict(zip(leaves, gradients, strict=True))}
    return {name: value.cpu().double() for name, value in results.items()}


def _each(change: Callable[[Tensor], Tensor], operands: Operands) -> Operands:
    images, weight, bias = operands
    return change(images), change(weight), None if bias is None else change(bias)


def _rounded(operands: Operands, dtype: torch.dtype) -> Operands:
    return _each(lambda value: value.to(dtype).double(), operands)


def check_float64(ours: Convolution, theirs: Convolution, operands: Operands, device: torch.device = CPU) -> None:
    """All of ours are within 1e-9 of theirs, in float64."""
    along = torch.randn_like(theirs(*operands))
    expected = outcomes(theirs, operands, along, torch.float64)
    actual = outcomes(ours, operands, along, torch.float64, device)
    errors = {name: relative_error(actual[name], expected[name]) for name in expected}
    assert max(errors.values()) <= 1e-9, errors


def check_float32(ours: Convolution, theirs: Convolution, operands: Operands, device: torch.device = CPU) -> None:
    """In float32 ours are as accurate as theirs, up to a factor of 3, or to a few roundings.

    Those are eight of the result, or one of the products that it is the sum of: these may cancel.
    """
    operands = _rounded(operands, torch.float32)
    along = torch.randn_like(theirs(*operands)).float().double()
    exact = outcomes(theirs, operands, along, torch.float64)
    summed = outcomes(theirs, _each(torch.abs, operands), along.abs(), torch.float64)
    direct = outcomes(theirs, operands, along, torch.float32, device)
    actual = outcomes(ours, operands, along, torch.float32, device)
    rounding = 2.0**-24
    for name, value in exact.items():
        allowed = max(3 * (direct[name] - value).norm(), 8 * rounding * value.norm(), rounding * summed[name].norm())
        assert (actual[name] - value).norm() <= allowed, name


def check_half(ours: Convolution, operands: Operands, dtype: torch.dtype) -> None:
    """In float16 and bfloat16 ours are those in float32, rounded once."""
    operands = _rounded(operands, dtype)
    along = torch.randn_like(ours(*operands)).to(dtype).double()
    single = outcomes(ours, operands, along, torch.float32)
    actual = outcomes(ours, operands, along, dtype)
    for name, value in single.items():
        assert torch.equal(actual[name], value.to(dtype).double()), name
