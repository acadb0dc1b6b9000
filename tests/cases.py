"""Shapes on which a convolution is compared with torch's: odd, even, prime and mixed sizes, up to the padded image."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, product

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Layout:
    """The axes that a convolution does not run over; a batch of None is a single image without that axis."""

    batch: int | None
    channels: int
    out: int
    groups: int
    bias: bool


def padding_sides(padding: str | int | tuple[int, ...], kernel: tuple[int, ...]) -> list[tuple[int, int]]:
    """Pixels before and after the image, per axis; of 'same', the odd one comes after.

    >>> padding_sides("same", (4, 3))
    [(1, 2), (1, 1)]
    """
    if padding == "same":
        return [((k - 1) // 2, k // 2) for k in kernel]
    if padding == "valid":
        return [(0, 0) for _ in kernel]
    assert not isinstance(padding, str)
    pixels = (padding,) * len(kernel) if isinstance(padding, int) else padding
    return [(p, p) for p in pixels]


@dataclass(frozen=True)
class Conv:
    """One call of conv2d."""

    image: tuple[int, int]
    kernel: tuple[int, int]
    padding: str | int | tuple[int, int]
    mode: str
    layout: Layout

    def __str__(self) -> str:
        n, k = ("x".join(map(str, size)) for size in (self.image, self.kernel))
        return f"{self.mode}-image{n}-kernel{k}-padding{self.padding}-groups{self.layout.groups}"

    @property
    def is_defined(self) -> bool:
        """Whether torch computes it: the kernel fits the padded image, circular padding wraps once at most."""
        axes = list(zip(self.image, self.kernel, padding_sides(self.padding, self.kernel), strict=True))
        fits = all(k <= n + before + after for n, k, (before, after) in axes)
        return fits and (self.mode == "zeros" or all(max(sides) <= n for n, _, sides in axes))

    def operands(self) -> tuple[Tensor, Tensor, Tensor | None]:
        """Random images, weight and bias, float64."""
        batch = () if self.layout.batch is None else (self.layout.batch,)
        x = torch.randn(*batch, self.layout.channels, *self.image, dtype=torch.float64)
        inner = self.layout.channels // self.layout.groups
        weight = torch.randn(self.layout.out, inner, *self.kernel, dtype=torch.float64)
        return x, weight, torch.randn(self.layout.out, dtype=torch.float64) if self.layout.bias else None

    def reference(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """What torch computes, directly."""
        groups = self.layout.groups
        if self.mode == "zeros":
            return F.conv2d(x, weight, bias, padding=self.padding, groups=groups)
        rows, columns = padding_sides(self.padding, self.kernel)
        return F.conv2d(F.pad(x, (*columns, *rows), mode="circular"), weight, bias, groups=groups)


LAYOUTS = (
    Layout(batch=2, channels=3, out=4, groups=1, bias=True),  # dense
    Layout(batch=3, channels=4, out=6, groups=2, bias=False),  # grouped
    Layout(batch=2, channels=5, out=5, groups=5, bias=True),  # depthwise
    Layout(batch=None, channels=2, out=3, groups=1, bias=True),  # unbatched
    Layout(batch=1, channels=3, out=6, groups=3, bias=False),  # depthwise with a multiplier
    Layout(batch=2, channels=1, out=8, groups=1, bias=True),  # gray images
    Layout(batch=None, channels=4, out=4, groups=2, bias=False),
)
IMAGES = ((1, 1), (4, 5), (7, 7), (8, 8), (11, 13), (16, 9), (17, 32))
KERNELS = ((1, 1), (2, 2), (3, 3), (4, 3), (5, 5), (7, 6), (11, 1))
PADDINGS: tuple[str | int | tuple[int, int], ...] = (0, 1, (2, 1), 4, "same", "valid")


def _convs() -> Iterator[Conv]:
    layouts = cycle(LAYOUTS)
    for mode, image, padding in product(("zeros", "circular"), IMAGES, PADDINGS):
        kernels = [*KERNELS, image]  # k = n, too
        if not isinstance(padding, str):  # and k = the padded image
            rows, columns = (padding, padding) if isinstance(padding, int) else padding
            kernels.append((image[0] + 2 * rows, image[1] + 2 * columns))
        for kernel in dict.fromkeys(kernels):
            case = Conv(image, kernel, padding, mode, next(layouts))
            if case.is_defined:
                yield case


CONVS = tuple(_convs())
