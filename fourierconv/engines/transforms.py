"""Spectra of tiles as torch's FFT leaves them, frequencies last, and back, by Triton's kernels on both ends."""

import math

import torch
from torch import Tensor

from fourierconv.engines.contraction import evenly
from fourierconv.engines.launch import Layout, assemble, cut

SYNTHESISED = 2**26  # bytes of spectra that are transformed back at a time: cuFFT copies them and needs as much again


def analyse(images: Tensor, layout: Layout) -> Tensor:
    """(batch, channels, *n) -> (batch, channels, *count, *half)."""
    tiles = layout.tiles
    if images.shape[0] == 0:  # which torch's FFT refuses
        return images.new_empty(*images.shape[:2], *tiles.count, *tiles.half, dtype=torch.complex64)
    return torch.fft.rfftn(cut(images, layout), dim=_axes(layout)).contiguous()


def synthesise(spectra: Tensor, layout: Layout) -> Tensor:
    """(batch, channels, *count, *half) -> (batch, channels, *n), its tiles added where they overlap."""
    images = spectra.new_empty(*spectra.shape[:2], *layout.n, dtype=torch.float32)
    size = spectra.element_size() * math.prod(spectra.shape[1:])
    most = SYNTHESISED // max(size, 1)
    if 0 < spectra.shape[0] <= most:
        _synthesise(spectra, layout, images)
        return images
    for part in evenly(spectra.shape[0], most):
        _synthesise(spectra[part], layout, images[part])
    return images


def _synthesise(spectra: Tensor, layout: Layout, images: Tensor) -> None:
    grid = layout.tiles.grid
    grids = torch.fft.irfftn(spectra, s=grid, dim=_axes(layout), norm="forward")  # `assemble` divides
    assemble(grids, layout, 1 / math.prod(grid), images)


def _axes(layout: Layout) -> tuple[int, ...]:
    """Of the transforms, the last ones."""
    return tuple(range(-len(layout.n), 0))
