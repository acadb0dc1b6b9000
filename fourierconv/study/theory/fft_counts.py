"""How many fast Fourier transforms one training step of a layer takes, counted as torch runs them."""

import os
from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from fourierconv import FourierConv2d, engine, functional, parameterizations

BATCH, IN, OUT = 2, 3, 4  # all different: the leading dimension tells images from kernels
KINDS = {"aten::_fft_r2c": "real forward", "aten::_fft_c2r": "real inverse", "aten::_fft_c2c": "complex"}

Layer = Callable[[Tensor, Tensor], Tensor]  # images (batch, in, n, n), taps (out, in, k, k) -> images


def by_torch_fft(images: Tensor, taps: Tensor) -> Tensor:
    """A circular correlation as one would write it with torch.fft, its gradients left to autograd.

    >>> by_torch_fft(torch.ones(1, 1, 4, 4), torch.ones(1, 1, 3, 3))[0, 0, 0]
    tensor([9., 9., 9., 9.])
    """
    grid = images.shape[-2:]
    kernels = torch.fft.rfft2(taps, s=grid)
    product = torch.einsum("gfab,sfab->sgab", kernels.conj(), torch.fft.rfft2(images))
    return torch.fft.irfft2(product, s=grid)


def by_package(images: Tensor, taps: Tensor) -> Tensor:
    """The same by `fourierconv.functional.conv2d`, up to the place of the origin."""
    return functional.conv2d(images, taps, padding="same", padding_mode="circular")


def step_counts(n: int, kernel_size: int) -> list[dict[str, str | int]]:
    """Transforms of one training step: forward, and the gradients of images and kernels.

    Args:
        n: side of the images, in pixels.
        kernel_size: taps or coefficients per axis.

    Returns:
        Per way to do it the number of transforms of images and of kernels, by kind. A call that transforms a whole
        batch counts once.

    >>> step_counts(16, 3)[1]["images: real forward"]
    2
    """
    ways: dict[str, Layer] = {"autograd through torch.fft": by_torch_fft, "functional.conv2d": by_package}
    for name in parameterizations.NAMES:
        layer = FourierConv2d(IN, OUT, kernel_size, padding="same", bias=False, parameterization=name)
        ways[f"FourierConv2d, {name}"] = lambda images, taps, layer=layer: layer(images)  # type: ignore[misc]
    return [{"one training step by": label, **_count(way, n, kernel_size)} for label, way in ways.items()]


def counts_by_kernel_size(n: int, sizes: Sequence[int]) -> list[dict[str, int]]:
    """`step_counts` of `fourierconv.functional.conv2d` for several numbers of taps per axis.

    >>> [row["images: real inverse"] for row in counts_by_kernel_size(16, [3, 15])]
    [2, 2]
    """
    return [{"k": k, **_count(by_package, n, k)} for k in sizes]


def _count(way: Layer, n: int, kernel_size: int) -> dict[str, int]:
    images = torch.ones(BATCH, IN, n, n, requires_grad=True)
    taps = torch.ones(OUT, IN, kernel_size, kernel_size, requires_grad=True)
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # below it, the profiler announces itself on the terminal
    with engine("whole"), profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        way(images, taps).square().sum().backward()
    counts = Counter(
        f"{'images' if event.input_shapes[0][0] == BATCH else 'kernels'}: {KINDS[event.name]}"
        for event in profiler.events()
        if event.name in KINDS
    )
    columns = [f"{what}: {kind}" for what in ("images", "kernels") for kind in KINDS.values()]
    return {column: counts[column] for column in columns}
