"""How long a circular grid must be for zero padding: measured, grid by grid."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from fourierconv import spectral
from fourierconv.engines.tiles import Tiles
from fourierconv.separable import dft


def grid_errors(n: int, kernel_size: int, padding: tuple[int, int], grids: Sequence[int], seed: int) -> list[float]:
    """Error of a zero-padded correlation along one axis when it is computed on circular grids of given lengths.

    Args:
        n: pixels of the image.
        kernel_size: number of taps.
        padding: zeros (left, right).
        grids: lengths to try.
        seed: of image and kernel.

    Returns:
        Per grid the 2-norm of the difference from torch's conv1d in float64, relative to conv1d's result.

    Raises:
        ValueError: a grid that is shorter than the image or the output.

    >>> enough, too_short = grid_errors(16, 5, (2, 2), [18, 17], seed=0)
    >>> enough < 1e-14, too_short > 1e-3
    (True, True)
    """
    least = max(n, n + sum(padding) - kernel_size + 1)
    if min(grids) < least:
        raise ValueError(f"grids={list(grids)} must all have at least {least} points, as image and output do")
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, 1, n, dtype=torch.float64, generator=generator)
    kernel = torch.randn(1, 1, kernel_size, dtype=torch.float64, generator=generator)
    expected = F.conv1d(F.pad(image, padding), kernel)
    offsets = torch.arange(kernel_size) - padding[0]  # of the taps from the output pixel
    errors = []
    for grid in grids:
        spectrum = kernel.to(torch.complex128) @ dft(grid, offsets, grid // 2 + 1, torch.float64).T
        size = (expected.shape[-1],)
        got = spectral.correlate(image, spectrum, Tiles.whole((grid,), size), size)
        errors.append(float((got - expected).norm() / expected.norm()))
    return errors
