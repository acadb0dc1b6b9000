"""How images and parameters lie in memory, and in which dtype, changes nothing but the rounding."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fourierconv import FourierConv2d, FourierConv3d, functional
from tests.layer_cases import LayerCase
from tests.measures import relative_error
from tests.tools.cases import assert_alike, of_every_kind, on_every_device, outcome

LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "transposed": lambda x: x.mT.contiguous().mT,
    "batch last": lambda x: x.movedim(0, -1).contiguous().movedim(-1, 0),
    "strided": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "cropped": lambda x: nn.functional.pad(x, (1, 2, 2, 1))[..., 2:-1, 1:-2],
    "expanded": lambda x: x[:1].expand(x.shape),
    "one channel": lambda x: x[:, :1].expand(x.shape),
}


@on_every_device
@pytest.mark.parametrize("mode", ["zeros", "reflect"])
@pytest.mark.parametrize("groups", [1, 4], ids=["dense", "depthwise"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_images_however_they_lie_in_memory(layout: str, groups: int, mode: str, device: str) -> None:
    layer = FourierConv2d(4, 4, 3, padding=1, groups=groups, padding_mode=mode, dtype=torch.float64, device=device)
    x = LAYOUTS[layout](torch.randn(3, 4, 6, 5, dtype=torch.float64, device=device))
    assert not x.is_contiguous()
    plain = outcome(layer, x.contiguous(), layer.parameters())
    assert_alike(outcome(layer, x, layer.parameters()), plain)
    along = LAYOUTS[layout](torch.randn(3, 4, 6, 5, dtype=torch.float64, device=device))
    gradients = [torch.autograd.grad(layer(x), list(layer.parameters()), own) for own in (along, along.contiguous())]
    assert_alike(list(gradients[0]), list(gradients[1]))


@on_every_device
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["conv2d", "conv_transpose2d"])
def test_weights_however_they_lie_in_memory(name: str, layout: str, device: str) -> None:
    convolve = getattr(functional, name)
    x = torch.randn(2, 4, 8, 7, dtype=torch.float64, device=device)
    weight = LAYOUTS[layout](torch.randn(4, 4, 3, 2, dtype=torch.float64, device=device))
    assert not weight.is_contiguous()
    actual, expected = (outcome(lambda w: convolve(x, w, stride=2), own, []) for own in (weight, weight.contiguous()))
    assert_alike(actual, expected)


@on_every_device
@pytest.mark.parametrize("groups", [1, 2, 4], ids=["dense", "grouped", "depthwise"])
def test_outputs_are_contiguous(groups: int, device: str) -> None:
    layer = FourierConv2d(4, 4, 3, padding=1, groups=groups, device=device)
    x = torch.randn(3, 4, 6, 5, device=device).contiguous(memory_format=torch.channels_last)
    assert layer(x).is_contiguous()


MEMORY_FORMATS: tuple[tuple[type[FourierConv2d | FourierConv3d], Any], ...] = (
    (FourierConv2d, torch.channels_last),
    (FourierConv3d, torch.channels_last_3d),
)


@on_every_device
@pytest.mark.parametrize(("cls", "memory_format"), MEMORY_FORMATS, ids=["2d", "3d"])
@pytest.mark.parametrize("name", ["spatial", "scaled", "implicit"])
def test_a_module_in_channels_last(
    name: str, cls: type[FourierConv2d | FourierConv3d], memory_format: Any, device: str
) -> None:
    layer = cls(2, 4, 3, padding=1, parameterization=name, dtype=torch.float64, device=device)
    x = torch.randn(2, 2, *[5] * layer.dims, dtype=torch.float64, device=device)
    expected = outcome(layer, x, layer.parameters())
    layer.to(memory_format=memory_format)  # type: ignore[call-overload]
    assert layer.coefficients.is_contiguous(memory_format=memory_format)
    x = x.contiguous(memory_format=memory_format)
    assert_alike(outcome(layer, x, layer.parameters()), expected)


@on_every_device
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
@of_every_kind
def test_a_module_in_another_dtype(case: LayerCase, dtype: torch.dtype, device: str) -> None:
    layer = case.build(2, 4, 3, padding=1, bias=True, dtype=torch.float32, device=device)
    x = torch.randn(2, 2, 7, 6, device=device)
    expected = outcome(layer, x, layer.parameters())
    layer.to(dtype)
    actual = outcome(layer, x.to(dtype), layer.parameters())
    assert all(value.dtype == dtype for value in actual)
    tolerance = 1e-5 if dtype == torch.float64 else 16 * torch.finfo(dtype).eps
    for own, other in zip(actual, expected, strict=True):
        assert relative_error(own.float(), other) <= tolerance
