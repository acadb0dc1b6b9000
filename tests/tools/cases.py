"""What goes through torch's tools: a layer of every parameterization, on every device, and the gradients that count."""

from collections.abc import Callable, Iterable, Sequence

import pytest
import torch
from torch import Tensor

from tests.layer_cases import LAYERS
from tests.measures import relative_error

DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available()
KINDS = tuple({case.name: case for case in LAYERS}.values())

on_every_device = pytest.mark.parametrize("device", DEVICES)
of_every_kind = pytest.mark.parametrize("case", KINDS, ids=str)


def outcome(work: Callable[[Tensor], Tensor], x: Tensor, parameters: Iterable[Tensor]) -> list[Tensor]:
    """The output, and the gradients of its energy with respect to images and parameters."""
    x = x.detach().requires_grad_()
    output = work(x)
    return [output.detach(), *torch.autograd.grad(output.square().sum(), [x, *parameters])]


def assert_alike(actual: Sequence[Tensor], expected: Sequence[Tensor], tolerance: float = 1e-12) -> None:
    """One by one the same, dtypes included, relative to the largest error that `tolerance` allows."""
    for own, other in zip(actual, expected, strict=True):
        assert own.dtype == other.dtype
        assert relative_error(own, other) <= tolerance
