"""What is refused, and what the message must name: the argument, the value or the sizes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from tests.cases import FUNCTIONS, dims_of


def _with(**arguments: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(arguments.items())


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


@dataclass(frozen=True)
class BadCall:
    """A call that torch refuses; an operand given by its shape is of ones, any other is passed on as it is."""

    function: str
    name: str
    says: tuple[str, ...]
    input: Any
    weight: Any
    arguments: tuple[tuple[str, Any], ...]

    @property
    def dims(self) -> int:
        return dims_of(self.function)

    def operands(self) -> tuple[Any, Any]:
        made = (torch.ones(value) if isinstance(value, tuple) else value for value in (self.input, self.weight))
        return next(made), next(made)

    def __str__(self) -> str:
        return f"{self.function}-{self.name}"


class _Usual:
    """What a call has unless told otherwise: images (2, 4, 8, ...), kernels 3x... from 4 to 6 channels."""

    def __init__(self, function: str) -> None:
        self.function, self.dims = function, dims_of(function)
        self.is_transposed = function.startswith("conv_transpose")
        self.channels = (4, 6) if self.is_transposed else (6, 4)
        self.image, self.kernel = (8,) * self.dims, (3,) * self.dims
        self.input, self.weight = (2, 4, *self.image), (*self.channels, *self.kernel)

    def but(self, name: str, *says: str, **changes: Any) -> BadCall:
        input, weight = changes.pop("input", self.input), changes.pop("weight", self.weight)
        return BadCall(self.function, name, says, input, weight, _with(**changes))


def _bad_images(usual: _Usual) -> Iterator[BadCall]:
    image, dims = usual.image, usual.dims
    yield usual.but("input of too low rank", "input", f"{dims + 1} dimensions", f"{list(image)}", input=image)
    long = (1, *usual.input)
    yield usual.but("input of too high rank", "input", f"{dims + 2} (batch", f"{list(long)}", input=long)
    for name, shape in (("channels", (2, 3, *image)), ("channels without a batch", (3, *image))):
        yield usual.but(name, "input", f"{list(shape)}", "4 channels", "has 3", input=shape)
    empty = (0, *image[1:])
    yield usual.but("empty image", f"input of {_by(empty)}", "at least one pixel", input=(2, 4, *empty))
    yield usual.but("empty image, padded", f"input of {_by(empty)}", input=(2, 4, *empty), padding=1)
    yield usual.but("input of another dtype", "input", "float64", "float32", input=torch.ones(usual.input).double())
    sparse = torch.ones(usual.input).to_sparse()
    yield usual.but("sparse input", "input must be dense", "torch.sparse_coo", "input.to_dense()", input=sparse)
    yield usual.but("input of a list", "input", "Tensor", "list", input=[1.0])
    yield usual.but("input of None", "input", "Tensor", "NoneType", input=None)


def _bad_weights(usual: _Usual) -> Iterator[BadCall]:
    flat, empty, none = usual.weight[:-1], (*usual.channels, 0, *usual.kernel[1:]), (0, *usual.weight[1:])
    yield usual.but("weight of too low rank", "weight", f"{usual.dims + 2} dimensions", f"{list(flat)}", weight=flat)
    yield usual.but("weight without taps", "weight", "taps", f"{list(empty)}", weight=empty)
    side = "input" if usual.is_transposed else "output"
    yield usual.but("weight without kernels", f"0 {side} channels", "groups=1", weight=none)
    yield usual.but(
        "weight of another dtype", "weights", "float64", "float32", weight=torch.ones(usual.weight).double()
    )
    yield usual.but("weight of a list", "weight", "Tensor", "list", weight=[1.0])
    yield usual.but("bias of another size", "bias", "[6]", "[4]", bias=torch.ones(4))
    yield usual.but("bias of rank 2", "bias", "[6]", "[6, 1]", bias=torch.ones(6, 1))
    yield usual.but("bias of another dtype", "bias", "float64", "float32", bias=torch.ones(6).double())
    sparse = torch.ones(usual.weight).to_sparse()
    yield usual.but("sparse weight", "weight must be dense", "torch.sparse_coo", "weight.to_dense()", weight=sparse)
    yield usual.but("sparse bias", "bias must be dense", "torch.sparse_coo", bias=torch.ones(6).to_sparse())
    yield usual.but("bias of a number", "bias", "Tensor", "float", bias=1.0)


def _bad_groups(usual: _Usual) -> Iterator[BadCall]:
    for groups in (0, -1):
        yield usual.but(f"groups {groups}", f"groups={groups}", "at least 1", groups=groups)
    yield usual.but("groups of no integer", "groups", "an int", "1.0", groups=1.0)
    yield usual.but("groups beyond 64 bits", f"groups={2**64}", "64 bits", groups=2**64)
    if usual.is_transposed:
        yield usual.but("channels for groups", "4 input channels", "multiple of groups=3", groups=3)
    else:
        yield usual.but("channels for groups", "input", "8 channels", "has 4", groups=2)
        few = (6, 1, *usual.kernel)
        yield usual.but("kernels for groups", "6 output channels", "multiple of groups=4", weight=few, groups=4)


def _bad_numbers(usual: _Usual) -> Iterator[BadCall]:
    """What takes a number, or one for every axis."""
    numbers = f"an int or {usual.dims} ints"
    for name in ("stride", "dilation", "padding", *["output_padding"] * usual.is_transposed):
        for value in ((1,) * (usual.dims + 1), (), 0.5, None, True, (0.5,), (True,), (2**64,)):
            yield usual.but(f"{name} of {value}", name, numbers, repr(value), **{name: value})
        yield usual.but(f"{name} beyond 64 bits", f"{name}={2**64}", "64 bits", **{name: 2**64})
    for name in ("stride", "dilation"):
        yield usual.but(f"{name} of a string", name, numbers, "'1'", **{name: "1"})
        for value in (0, -1):
            yield usual.but(f"{name} {value}", f"{name}={(value,) * usual.dims}", "at least 1", **{name: value})
    yield usual.but("negative padding", f"padding={(-1,) * usual.dims}", "not be negative", padding=-1)


def _bad_sizes(usual: _Usual) -> Iterator[BadCall]:
    """Of a convolution: kernel, padding, stride and dilation that do not fit."""
    image, rest = _by(usual.image), usual.kernel[1:]
    yield usual.but("kernel beyond the image", _by((9, *rest)), image, "smaller kernel", weight=(6, 4, 9, *rest))
    padded = _by((12, *usual.image[1:]))
    says, sides = (_by((13, *rest)), padded, image, "more padding"), (2, *(0 for _ in rest))
    yield usual.but("kernel beyond the padded image", *says, weight=(6, 4, 13, *rest), padding=sides)
    reach, dilation = _by((9,) * usual.dims), f"dilation={(4,) * usual.dims}"
    yield usual.but("dilated kernel beyond the image", reach, _by(usual.kernel), dilation, image, dilation=4)
    huge = f"padding={((2**40,) * 2,) * usual.dims}", _by((2**41 + 6,) * usual.dims)
    yield usual.but("more output than memory", image, *huge, "no memory holds", padding=2**40)
    yield usual.but("padding of an unknown name", "padding='full'", "'same'", "'valid'", padding="full")
    strides = f"stride={(2,) * usual.dims}"
    yield usual.but("'same' with a stride", "padding='same'", "stride=1", strides, padding="same", stride=2)


def _bad_transposed_sizes(usual: _Usual) -> Iterator[BadCall]:
    """Of a transposed convolution: padding and output_padding that do not fit."""
    huge = f"stride={(2**40,) * usual.dims}", _by((7 * 2**40 + 3,) * usual.dims)
    yield usual.but("more output than memory", _by(usual.image), *huge, "no memory holds", stride=2**40)
    yield usual.but("padding of a name", "padding", "an int or", "'same'", padding="same")
    padding = f"padding={(6,) * usual.dims}"
    yield usual.but("padding beyond it", _by(usual.image), _by(usual.kernel), padding, "less padding", padding=6)
    for extra, stride, dilation in ((1, 1, 1), (-1, 2, 1), (2, 2, 1), (3, 1, 3)):
        sizes = {"output_padding": extra, "stride": stride, "dilation": dilation}
        says = (f"{name}={(value,) * usual.dims}" for name, value in sizes.items())
        yield usual.but(f"output_padding {extra}, stride {stride}, dilation {dilation}", *says, **sizes)


def _bad_calls() -> Iterator[BadCall]:
    for usual in map(_Usual, FUNCTIONS):
        sizes = _bad_transposed_sizes if usual.is_transposed else _bad_sizes
        for kind in (_bad_images, _bad_weights, _bad_groups, _bad_numbers, sizes):
            yield from kind(usual)
        yield usual.but("unknown argument", "kernel", kernel=3)


BAD_CALLS = tuple(_bad_calls())
BAD_IMAGES = tuple(case for function in FUNCTIONS[:3] for case in _bad_images(_Usual(function)))  # for layers, too


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
    BadLayer("no input channels", ("in_channels=0",), _with(in_channels=0)),
    BadLayer("negative input channels", ("in_channels=-4",), _with(in_channels=-4)),
    BadLayer("no output channels", ("out_channels=0",), _with(out_channels=0)),
    BadLayer("no taps", ("kernel_size=(3, 0)",), _with(kernel_size=(3, 0))),
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
)
