"""What is refused, and what the message must name: the argument, the value or the sizes."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class BadCall:
    """A call of conv2d on images (2, 4, 8, 8) and a weight (6, 4, 3, 3), unless told otherwise, that torch refuses."""

    name: str
    says: tuple[str, ...]
    input: Any = (2, 4, 8, 8)
    weight: Any = (6, 4, 3, 3)
    arguments: tuple[tuple[str, Any], ...] = ()

    def operands(self) -> tuple[Any, Any]:
        """Shapes become tensors; what is no shape is passed on as it is."""
        made = (torch.ones(value) if isinstance(value, tuple) else value for value in (self.input, self.weight))
        return next(made), next(made)

    def __str__(self) -> str:
        return self.name


def _with(**arguments: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(arguments.items())


def _double(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=torch.float64)


BAD_CALLS = (
    BadCall("input of rank 2", ("input", "3 dimensions", "[8, 8]"), input=(8, 8)),
    BadCall("input of rank 5", ("input", "4 (batch", "[1, 2, 4, 8, 8]"), input=(1, 2, 4, 8, 8)),
    BadCall("weight of rank 3", ("weight", "4 dimensions", "[6, 4, 3]"), weight=(6, 4, 3)),
    BadCall("channels", ("input", "[2, 3, 8, 8]", "4 channels"), input=(2, 3, 8, 8)),
    BadCall("channels without a batch", ("input", "[3, 8, 8]", "4 channels"), input=(3, 8, 8)),
    BadCall("channels for groups", ("input", "8 channels", "has 4"), arguments=_with(groups=2)),
    BadCall("out for groups", ("groups=4", "6 output channels"), weight=(6, 1, 3, 3), arguments=_with(groups=4)),
    BadCall("no groups", ("groups=0",), arguments=_with(groups=0)),
    BadCall("negative groups", ("groups=-1",), arguments=_with(groups=-1)),
    BadCall("groups of no integer", ("groups", "1.0"), arguments=_with(groups=1.0)),
    BadCall("kernel larger than the image", ("9x3", "8x8"), weight=(6, 4, 9, 3)),
    BadCall(
        "kernel larger than the padded image", ("13x3", "12x8"), weight=(6, 4, 13, 3), arguments=_with(padding=(2, 0))
    ),
    BadCall("empty image", ("0x8",), input=(2, 4, 0, 8), weight=(6, 4, 1, 1)),
    BadCall("empty image, padded", ("0x8",), input=(2, 4, 0, 8), weight=(6, 4, 1, 1), arguments=_with(padding=1)),
    BadCall("empty kernel", ("weight", "[6, 4, 0, 3]"), weight=(6, 4, 0, 3)),
    BadCall("no output channels", ("0 output channels",), weight=(0, 4, 3, 3)),
    BadCall("negative padding", ("padding=(-1, -1)",), arguments=_with(padding=-1)),
    BadCall("padding of three axes", ("padding", "(1, 1, 1)"), arguments=_with(padding=(1, 1, 1))),
    BadCall("padding of no axes", ("padding", "()"), arguments=_with(padding=())),
    BadCall("padding of half a pixel", ("padding", "0.5"), arguments=_with(padding=0.5)),
    BadCall("padding of None", ("padding", "None"), arguments=_with(padding=None)),
    BadCall("padding of a bool", ("padding", "True"), arguments=_with(padding=True)),
    BadCall("padding of an unknown name", ("padding='full'", "'same'"), arguments=_with(padding="full")),
    BadCall("stride 0", ("stride=(0, 0)",), arguments=_with(stride=0)),
    BadCall("stride of three axes", ("stride", "(1, 1, 1)"), arguments=_with(stride=(1, 1, 1))),
    BadCall("stride of half a pixel", ("stride", "0.5"), arguments=_with(stride=0.5)),
    BadCall("dilation 0", ("dilation=(0, 0)",), arguments=_with(dilation=0)),
    BadCall("bias of another size", ("bias", "[6]", "[4]"), arguments=_with(bias=torch.ones(4))),
    BadCall("bias of rank 2", ("bias", "[6]", "[6, 1]"), arguments=_with(bias=torch.ones(6, 1))),
    BadCall("bias of another dtype", ("bias", "float64", "float32"), arguments=_with(bias=_double(6))),
    BadCall("bias of a number", ("bias", "float"), arguments=_with(bias=1.0)),
    BadCall("input of another dtype", ("input", "float64", "float32"), input=_double(2, 4, 8, 8)),
    BadCall("input of a list", ("input", "list"), input=[1.0]),
    BadCall("input of None", ("input", "NoneType"), input=None),
    BadCall("weight of a list", ("weight", "list"), weight=[1.0]),
)


@dataclass(frozen=True)
class BadLayer:
    """Arguments of a layer from 4 to 6 channels with 3x3 kernels, unless told otherwise."""

    name: str
    says: tuple[str, ...]
    arguments: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        return self.name

    def all_arguments(self) -> dict[str, Any]:
        return {"in_channels": 4, "out_channels": 6, "kernel_size": 3} | dict(self.arguments)


# nn.Conv2d refuses these, some of them only when it is called
BAD_LAYERS = (
    BadLayer("input channels for groups", ("in_channels=4", "groups=3"), _with(groups=3)),
    BadLayer("output channels for groups", ("out_channels=6", "groups=4"), _with(groups=4)),
    BadLayer("no groups", ("groups=0",), _with(groups=0)),
    BadLayer("negative groups", ("groups=-2",), _with(groups=-2)),
    BadLayer("kernel of three axes", ("kernel_size", "(3, 3, 3)"), _with(kernel_size=(3, 3, 3))),
    BadLayer("kernel of half a tap", ("kernel_size", "2.5"), _with(kernel_size=2.5)),
    BadLayer("kernel of a string", ("kernel_size", "'3'"), _with(kernel_size="3")),
    BadLayer("padding of an unknown name", ("padding='full'", "'same'"), _with(padding="full")),
    BadLayer("negative padding", ("padding=(-1, -1)",), _with(padding=-1)),
    BadLayer("padding of three axes", ("padding", "(1, 1, 1)"), _with(padding=(1, 1, 1))),
    BadLayer("padding of half a pixel", ("padding", "0.5"), _with(padding=0.5)),
    BadLayer("unknown padding mode", ("padding_mode='mirror'", "'circular'"), _with(padding_mode="mirror")),
    BadLayer("stride 0", ("stride=(0, 0)",), _with(stride=0)),
    BadLayer("dilation 0", ("dilation=(0, 0)",), _with(dilation=0)),
    BadLayer("dtype of integers", ("dtype", "int64"), _with(dtype=torch.int64)),
    BadLayer("kernel larger than the image", ("9x9", "8x8"), _with(kernel_size=9)),
    BadLayer("unknown argument", ("kernel",), _with(kernel=3)),
)


def _scaled(says: tuple[str, ...], **arguments: Any) -> BadLayer:
    name = ", ".join(f"{key} {value}" for key, value in arguments.items())
    return BadLayer(name, says, _with(**({"parameterization": "scaled"} | arguments)))


# nn.Conv2d has no such arguments: the exception is a ValueError
BAD_KEYWORDS = (
    BadLayer("unknown parameterization", ("'fourier'", "spatial", "scaled"), _with(parameterization="fourier")),
    *(_scaled((f"scale={scale}", "0.25", "64"), scale=scale) for scale in (math.nan, math.inf, 0.0, -1.0, 0.1, 65.0)),
    _scaled(("scale=0.1", "0.2", "64"), scale=0.1, parameterization="window"),
    _scaled(("scale=(1.0, nan)",), scale=(1.0, math.nan), scale_per="channel"),
    _scaled(("scale=(1.0, 2.0, 3.0)",), scale=(1.0, 2.0, 3.0), scale_per="channel"),
    _scaled(("scale=(1.0, 2.0)", "scale_per"), scale=(1.0, 2.0)),
    *(_scaled((f"scale_per={per!r}", "out_channels=6"), scale_per=per) for per in ("group", 0, -1, 4, 7, 1.5)),
    BadLayer("scale of 'spatial'", ("'spatial'", "no scale"), _with(scale=2.0)),
    BadLayer("scales of 'spline'", ("'spline'", "no scale"), _with(parameterization="spline", scale_per="channel")),
    *(
        BadLayer(f"tolerance {tolerance}", (f"tolerance={tolerance}",), _with(tolerance=tolerance))
        for tolerance in (0.0, 1.0, -1e-6, math.nan)
    ),
    BadLayer("no input channels", ("in_channels=0",), _with(in_channels=0)),
    BadLayer("no output channels", ("out_channels=0",), _with(out_channels=0)),
    BadLayer("no taps", ("kernel_size=(3, 0)",), _with(kernel_size=(3, 0))),
)
