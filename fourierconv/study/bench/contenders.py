"""What computes a convolution: torch, FFT packages, what one would write with torch.fft, and the engines."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import engine, functional
from fourierconv.grid import fast_length
from fourierconv.study.bench.cells import Cell

Convolution = Callable[[Tensor, Tensor], Tensor]  # images and taps -> images

OURS = ("auto", "whole", "tiled", "direct")
PACKAGES = ("fft-conv-pytorch", "torch-fftconv")
NAMES = ("torch", *PACKAGES, "einsum", *OURS)
SUBQUADRATIC = "nvSubquadratic"  # the fused kernel of subquadratic-ops-torch, on CUDA devices only
SUBQUADRATIC_SIZES = (8, 16, 32, 64, 128)  # of its grids, which are twice as large as the images


def takes_part(name: str, cell: Cell) -> bool:
    """Whether a contender is made for such a cell.

    >>> from fourierconv.study.bench.cells import Cell
    >>> depthwise, dense = Cell("depthwise", 1, 4, 4, 4, 64, 7), Cell("dense", 1, 4, 4, 1, 64, 7)
    >>> takes_part(SUBQUADRATIC, depthwise), takes_part(SUBQUADRATIC, dense)
    (True, False)
    """
    if name != SUBQUADRATIC:
        return True
    return (
        cell.dims == 2
        and cell.groups == cell.channels == cell.out
        and 2 * cell.size in SUBQUADRATIC_SIZES
        and cell.kernel % 2 == 1
    )


def contender(name: str, cell: Cell) -> Convolution:
    """The convolution of a cell by a contender.

    Raises:
        ImportError: a package that is not installed; `pip install 'fourierconv[bench]'`.

    >>> from fourierconv.study.bench.cells import Cell
    >>> cell = Cell("small", 1, 2, 2, 1, 8, 3)
    >>> contender("einsum", cell)(torch.ones(1, 2, 8, 8), torch.ones(2, 2, 3, 3))[0, 0, 1, 1].round()
    tensor(18.)
    """
    arguments: dict[str, Any] = {"padding": cell.padding, "groups": cell.groups}
    if name == "torch":
        return partial(F.conv1d if cell.dims == 1 else F.conv2d, **arguments)
    if name == "fft-conv-pytorch":
        return partial(import_module("fft_conv_pytorch").fft_conv, **arguments)
    if name == "torch-fftconv":
        return partial(getattr(import_module("torch_fftconv"), f"fft_conv{cell.dims}d"), **arguments)
    if name == "einsum":
        return partial(_einsum, **arguments)
    if name == SUBQUADRATIC:
        return partial(_fused, import_module("subquadratic_ops_torch.fused_fft_conv2d").fused_fft_conv2d)
    return partial(_by_engine, name, **arguments)


def _by_engine(name: str, images: Tensor, taps: Tensor, padding: int, groups: int) -> Tensor:
    own = functional.conv1d if images.ndim == 3 else functional.conv2d
    with engine(name):
        return own(images, taps, padding=padding, groups=groups)


def _fused(own: Callable[..., Tensor], images: Tensor, taps: Tensor) -> Tensor:
    """A depthwise convolution of which `own` returns what begins in the middle of its grid."""
    grid, k = 2 * images.shape[-1], taps.shape[-1]
    before = (grid - k + 1) // 2  # the middle tap, flipped, in the middle
    tile = F.pad(taps.flip(-2, -1).transpose(0, 1), (before, grid - k - before) * 2)
    return own(images, tile, fft_size=grid)


def _einsum(images: Tensor, taps: Tensor, padding: int, groups: int) -> Tensor:
    """rfftn, a product, irfftn, on a fast length, derivatives by autograd."""
    n, k, dims = images.shape[-1], taps.shape[-1], taps.ndim - 2
    grid = (2 * fast_length((n + 2 * padding + 1) // 2),) * dims
    axes = tuple(range(-dims, 0))
    spectra = torch.fft.rfftn(F.pad(images, (padding,) * 2 * dims), s=grid, dim=axes).unflatten(1, (groups, -1))
    kernels = torch.fft.rfftn(taps, s=grid, dim=axes).unflatten(0, (groups, -1))
    product = torch.einsum("bgi...,goi...->bgo...", spectra, kernels.conj()).flatten(1, 2)
    size = slice(n + 2 * padding - k + 1)
    return torch.fft.irfftn(product, s=grid, dim=axes)[(..., *(size,) * dims)]
