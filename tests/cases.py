"""Calls in which convolutions are compared with torch's: every argument of all six functions, sizes from 1 on.

Values of the arguments are crossed; kernels and channels, which would multiply that by a hundred, take turns. What
torch does not compute, a kernel larger than the padded image, say, is no case.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import functional

FUNCTIONS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
Size = int | tuple[int, ...]
Operands = tuple[Tensor, Tensor, Tensor | None]


def dims_of(function: str) -> int:
    """Over how many axes it runs.

    >>> dims_of("conv2d")
    2
    """
    return int(function.removesuffix("d")[-1])


def per_axis(value: Size, dims: int) -> tuple[int, ...]:
    """A number for every axis.

    >>> per_axis(2, 3), per_axis((2,), 3), per_axis((2, 1), 2)
    ((2, 2, 2), (2, 2, 2), (2, 1))
    """
    values = (value,) if isinstance(value, int) else value
    return values * dims if len(values) == 1 else values


def padding_sides(padding: str | Size, kernel: tuple[int, ...], dilation: Size = 1) -> list[tuple[int, int]]:
    """Pixels before and after the image, per axis; of 'same', the odd one comes after.

    >>> padding_sides("same", (4, 3), dilation=(1, 2))
    [(1, 2), (2, 2)]
    """
    if padding == "same":
        reach = [d * (k - 1) for d, k in zip(per_axis(dilation, len(kernel)), kernel, strict=True)]
        return [(pixels // 2, pixels - pixels // 2) for pixels in reach]
    if padding == "valid":
        return [(0, 0) for _ in kernel]
    assert not isinstance(padding, str)
    return [(p, p) for p in per_axis(padding, len(kernel))]


@dataclass(frozen=True)
class Layout:
    """The axes that a convolution does not run over; a batch of None is a single image without that axis."""

    channels: int
    out: int
    groups: int
    batch: int | None
    bias: bool

    def __str__(self) -> str:
        batch = "unbatched" if self.batch is None else f"batch{self.batch}"
        return f"{self.channels}to{self.out}-groups{self.groups}-{batch}-{'bias' if self.bias else 'nobias'}"


@dataclass(frozen=True)
class Call:
    """What calls of conv and of conv_transpose share."""

    layout: Layout
    image: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: Size
    dilation: Size
    padding: str | Size

    @property
    def dims(self) -> int:
        return len(self.image)

    @property
    def function(self) -> str:
        """Its name, in torch.nn.functional and in fourierconv.functional."""
        raise NotImplementedError

    @property
    def weight_shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    @property
    def is_defined(self) -> bool:
        """Whether torch computes it."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """All but the operands."""
        names = ("stride", "padding", "dilation")
        return {name: getattr(self, name) for name in names} | {"groups": self.layout.groups}

    def operands(self) -> Operands:
        """Random images, weight and bias, float64."""
        batch = () if self.layout.batch is None else (self.layout.batch,)
        x = torch.randn(*batch, self.layout.channels, *self.image, dtype=torch.float64)
        weight = torch.randn(self.weight_shape, dtype=torch.float64)
        return x, weight, torch.randn(self.layout.out, dtype=torch.float64) if self.layout.bias else None

    def reference(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What torch computes, directly."""
        return getattr(F, self.function)(x, weight, bias, **self.arguments())

    def ours(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What fourierconv computes, on spectra."""
        return getattr(functional, self.function)(x, weight, bias, **self.arguments())

    def axes(self, *sizes: Size) -> Iterator[tuple[int, ...]]:
        """Image, kernel, stride, dilation and these sizes, axis by axis."""
        own = (self.image, self.kernel, self.stride, self.dilation, *sizes)
        return zip(*(per_axis(size, self.dims) for size in own), strict=True)

    def traits(self) -> frozenset[tuple[str, object]]:
        """The values of all of its arguments."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        layout = own.pop("layout")
        channels = (layout.channels, layout.out, layout.groups)
        own |= {"function": self.function, "channels": channels, "batch": layout.batch, "bias": layout.bias}
        return frozenset(own.items())

    def __str__(self) -> str:
        return f"{self.function}-" + "-".join(_label(field.name, getattr(self, field.name)) for field in fields(self))


def _label(name: str, value: object) -> str:
    text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if name in ("layout", "mode") else f"{name}{text}"


@dataclass(frozen=True)
class Conv(Call):
    """One call of conv1d, conv2d or conv3d."""

    mode: str

    @property
    def function(self) -> str:
        return f"conv{self.dims}d"

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.layout.out, self.layout.channels // self.layout.groups, *self.kernel)

    @property
    def is_defined(self) -> bool:
        """The dilated kernel fits the padded image, circular padding wraps once at most, and 'same' has no stride."""
        sides = padding_sides(self.padding, self.kernel, self.dilation)
        fits = all(d * (k - 1) < n + sum(pair) for (n, k, _, d), pair in zip(self.axes(), sides, strict=True))
        wraps = self.mode == "zeros" or all(max(pair) <= n for n, pair in zip(self.image, sides, strict=True))
        return fits and wraps and (self.padding != "same" or set(per_axis(self.stride, self.dims)) == {1})

    def reference(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.mode == "zeros":
            return super().reference(x, weight, bias)
        sides = padding_sides(self.padding, self.kernel, self.dilation)
        padded = F.pad(x, [pixels for pair in reversed(sides) for pixels in pair], mode="circular")
        return getattr(F, self.function)(padded, weight, bias, **self.arguments() | {"padding": 0})

    def ours(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return getattr(functional, self.function)(x, weight, bias, **self.arguments(), padding_mode=self.mode)


@dataclass(frozen=True)
class ConvTranspose(Call):
    """One call of conv_transpose1d, conv_transpose2d or conv_transpose3d."""

    output_padding: Size

    @property
    def function(self) -> str:
        return f"conv_transpose{self.dims}d"

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return (self.layout.channels, self.layout.out // self.layout.groups, *self.kernel)

    @property
    def is_defined(self) -> bool:
        """Padding leaves something of the output, output_padding is less than the stride or the dilation."""
        assert not isinstance(self.padding, str)
        return all(
            extra < max(s, d) and (n - 1) * s + d * (k - 1) + extra + 1 > 2 * p
            for n, k, s, d, p, extra in self.axes(self.padding, self.output_padding)
        )

    def arguments(self) -> dict[str, Any]:
        return super().arguments() | {"output_padding": self.output_padding}


# dense, gray images, grouped, depthwise, depthwise with a multiplier
CHANNELS = ((3, 4, 1), (1, 8, 1), (4, 6, 2), (5, 5, 5), (3, 6, 3))
LAYOUTS = tuple(Layout(*channels, batch, bias) for bias, batch, channels in product((True, False), (2, None), CHANNELS))

IMAGES: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((1,), (2,), (7,), (8,), (13,), (16,), (31,)),
    2: ((1, 1), (4, 5), (7, 7), (8, 6), (11, 13), (16, 9), (17, 32)),
    3: ((1, 1, 1), (2, 3, 4), (5, 4, 7), (6, 6, 6), (7, 5, 3), (8, 1, 9), (4, 11, 6)),
}
KERNELS: dict[int, tuple[tuple[int, ...], ...]] = {
    1: ((1,), (2,), (3,), (4,), (5,), (7,), (11,)),
    2: ((1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (7, 6), (11, 1)),
    3: ((1, 1, 1), (2, 2, 2), (3, 3, 3), (3, 1, 2), (4, 3, 5), (1, 5, 2), (2, 3, 7)),
}
MODES = ("zeros", "circular")
STRIDES: dict[int, tuple[Size, ...]] = {1: (1, 2, (3,)), 2: (1, 2, (3, 2)), 3: (1, 2, (2, 1, 3))}
DILATIONS: dict[int, tuple[Size, ...]] = {1: (1, 2, (3,)), 2: (1, 2, (1, 3)), 3: (1, 2, (3, 1, 2))}
PADDINGS: dict[int, tuple[Size, ...]] = {1: (0, 3, (2,)), 2: (0, 3, (2, 1)), 3: (0, 2, (0, 2, 1))}
OUTPUT_PADDINGS: dict[int, tuple[Size, ...]] = {1: (0, 1, (2,)), 2: (0, 1, (0, 2)), 3: (0, 1, (1, 0, 2))}


def _largest(image: tuple[int, ...], dilation: Size, padding: str | Size) -> tuple[int, ...]:
    """The kernel as large as the padded image."""
    dims = len(image)
    pixels = per_axis(0 if isinstance(padding, str) else padding, dims)
    axes = zip(image, per_axis(dilation, dims), pixels, strict=True)
    return tuple((n + 2 * p - 1) // d + 1 for n, d, p in axes)


def _convs() -> Iterator[Conv]:
    draw = random.Random(0).choice
    for dims in (1, 2, 3):
        values = (MODES, IMAGES[dims], STRIDES[dims], DILATIONS[dims], (*PADDINGS[dims], "same", "valid"))
        for mode, image, stride, dilation, padding in product(*values):
            layout, kernels = draw(LAYOUTS), (*KERNELS[dims], image, _largest(image, dilation, padding))
            calls = [Conv(layout, image, kernel, stride, dilation, padding, mode) for kernel in kernels]
            if defined := [call for call in calls if call.is_defined]:
                yield draw(defined)


def _conv_transposes() -> Iterator[ConvTranspose]:
    draw = random.Random(0).choice
    for dims in (1, 2, 3):
        values = (IMAGES[dims], STRIDES[dims], DILATIONS[dims], PADDINGS[dims], OUTPUT_PADDINGS[dims])
        for image, stride, dilation, padding, extra in product(*values):
            layout, kernels = draw(LAYOUTS), (*KERNELS[dims], image)
            calls = [ConvTranspose(layout, image, kernel, stride, dilation, padding, extra) for kernel in kernels]
            if defined := [call for call in calls if call.is_defined]:
                yield draw(defined)


def _small_calls() -> Iterator[Call]:
    """A few of every function, whose numerical derivatives are quick to take."""
    dense, grouped = Layout(2, 2, 1, 1, True), Layout(4, 2, 2, 1, True)
    for image, kernel in (((5,), (3,)), ((4, 3), (3, 2)), ((3, 2, 2), (2, 1, 2))):
        yield Conv(grouped, image, kernel, 1, 1, 1, "zeros")
        yield Conv(dense, image, kernel, 2, 1, 2, "zeros")
        yield Conv(dense, image, kernel, 1, 2, "same", "zeros")
        yield Conv(grouped, image, kernel, 2, 1, 1, "circular")
        yield Conv(dense, image, kernel, 1, 2, "same", "circular")
        yield ConvTranspose(grouped, image, kernel, 1, 1, 0, 0)
        yield ConvTranspose(dense, image, kernel, 2, 1, 1, 1)
        yield ConvTranspose(dense, image, kernel, 1, 2, 0, 1)
        yield ConvTranspose(grouped, image, kernel, 2, 2, 1, 0)


def pairs(call: Call) -> set[frozenset[tuple[str, object]]]:
    """Every two of the values of its arguments."""
    return {frozenset(pair) for pair in combinations(call.traits(), 2)}


def pairwise(calls: Iterable[Call]) -> tuple[Call, ...]:
    """Fewer calls, in which every two values meet that meet in any of these.

    >>> calls = [Conv(LAYOUTS[0], (4,), (k,), s, d, 0, "zeros") for k, s, d in product((1, 2), repeat=3)]
    >>> len(calls), len(pairwise(calls))
    (8, 5)
    """
    unseen = {call: pairs(call) for call in calls}
    seen: set[frozenset[tuple[str, object]]] = set()
    chosen = []
    for least in (20, 10, 5, 2, 1):  # first those that show much, so that fewer do
        for call, shown in unseen.items():
            if len(shown - seen) >= least:
                seen |= shown
                chosen.append(call)
    return tuple(chosen)


CONVS = tuple(_convs())
CONV_TRANSPOSES = tuple(_conv_transposes())
CALLS: tuple[Call, ...] = (*CONVS, *CONV_TRANSPOSES)
SOME_CALLS = pairwise(CALLS)
SMALL_CALLS = tuple(_small_calls())
