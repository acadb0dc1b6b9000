"""Images and spectra in phases: a strided convolution is a plain one of every s-th pixel, with s times the channels."""

import math
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv.grid import Axis
from fourierconv.remembered import remembered
from fourierconv.separable import by_fft, dft


def split(images: Tensor, strides: Sequence[int]) -> Tensor:
    """(batch, channels, *n) -> (batch, channels · phases, *ceil(n/s)): x_a[m] = x[s·m + a], zeros beyond the image.

    >>> split(torch.arange(5.0).view(1, 1, 5), (2,))
    tensor([[[0., 2., 4.],
             [1., 3., 0.]]])
    """
    if max(strides) == 1:
        return images
    sizes = images.shape[2:]
    missing = [-n % s for n, s in zip(sizes, strides, strict=True)]
    if any(missing):
        images = F.pad(images, [side for pixels in reversed(missing) for side in (0, pixels)])
    dims = len(strides)
    lengths = [-(-n // s) for n, s in zip(sizes, strides, strict=True)]
    apart = images.reshape(*images.shape[:2], *(part for pair in zip(lengths, strides, strict=True) for part in pair))
    apart = apart.permute(0, 1, *range(3, 3 + 2 * dims, 2), *range(2, 2 + 2 * dims, 2))
    return apart.reshape(images.shape[0], images.shape[1] * math.prod(strides), *lengths)


def join(images: Tensor, strides: Sequence[int]) -> Tensor:
    """(batch, channels · phases, *n) -> (batch, channels, *n·s), the inverse of `split`.

    >>> join(torch.tensor([[[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]]), (2,))
    tensor([[[0., 1., 2., 3., 4., 5.]]])
    """
    if max(strides) == 1:
        return images
    dims, batch, sizes = len(strides), images.shape[0], images.shape[2:]
    channels = images.shape[1] // math.prod(strides)
    apart = images.reshape(batch, channels, *strides, *sizes)
    apart = apart.permute(0, 1, *(part for axis in range(2, 2 + dims) for part in (axis + dims, axis)))
    return apart.reshape(batch, channels, *(n * s for n, s in zip(sizes, strides, strict=True)))


def fourier(axis: Axis, rows: int, count: int, like: Tensor, conjugate: bool = False) -> Tensor:
    """The Fourier matrix of one axis: from its taps to the spectra of their phases, stacked, (stride · rows, count).

    Do not write to it: it may be remembered.

    Args:
        axis: where the taps lie.
        rows: frequencies that are kept.
        count: of taps, from the axis' first one on.
        like: what has the real dtype of the result's parts, and its device.
        conjugate: of the mirrored taps, for a transposed convolution.

    >>> fourier(Axis(0, 2, grid=4, size=4, stride=2), 1, 3, torch.zeros(1)).real
    tensor([[1., 0., 1.],
            [0., 1., 0.]])
    """
    make = partial(_fourier, axis, rows, count, like.dtype, like.device, conjugate)
    return remembered(make, like, rows * count, "fourier", axis, rows, count, conjugate)


def _fourier(axis: Axis, rows: int, count: int, dtype: torch.dtype, device: torch.device, conjugate: bool) -> Tensor:
    whole, phase = _apart(axis, count, device)
    matrix = dft(axis.grid, (-whole if conjugate else whole) + axis.lead, rows, dtype)
    if axis.stride == 1:
        return matrix
    own = phase == torch.arange(axis.stride, device=device).unsqueeze(1)  # (stride, taps)
    return (matrix * own.unsqueeze(1)).flatten(0, 1)


def transform_line(axis: Axis, rows: int, taps: Tensor) -> Tensor:
    """`fourier` times taps, (scales, taps, columns) -> (scales, stride · rows, columns), without that matrix.

    >>> axis, taps = Axis(0, 2, grid=4, size=4, stride=2), torch.ones(1, 3, 1)
    >>> torch.equal(transform_line(axis, 1, taps).real, fourier(axis, 1, 3, taps).real @ taps)
    True
    """
    whole, phase = _apart(axis, taps.shape[1], taps.device)
    where = phase * axis.grid + (whole + axis.lead).remainder(axis.grid)
    circles = taps.new_zeros(taps.shape[0], axis.stride * axis.grid, taps.shape[2]).index_add(1, where, taps)
    return by_fft(circles.unflatten(1, (axis.stride, axis.grid)), rows).flatten(1, 2)


def _apart(axis: Axis, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where the taps lie in their phases, and in which phase each is, (taps,) each."""
    offsets = axis.offsets(torch.arange(axis.first, axis.first + count, device=device))
    whole = offsets.div(axis.stride, rounding_mode="floor")
    return whole, offsets - axis.stride * whole


def transform_circle(axis: Axis, rows: int, taps: Tensor) -> Tensor:
    """Spectra of the phases of taps that follow each other from pixel 0 on, stacked: (scales, stride · rows, columns).

    A Fourier matrix for as many taps as the image has pixels would be the largest thing in the layer; this is an FFT.

    >>> transform_circle(Axis(0, 2, grid=4, size=4, stride=2), 1, torch.ones(1, 3, 1)).real.flatten()
    tensor([2., 1.])
    """
    missing = -taps.shape[1] % axis.stride
    apart = F.pad(taps, (0, 0, 0, missing)).unflatten(1, (-1, axis.stride)).transpose(1, 2)
    return torch.fft.fft(apart, n=axis.grid, dim=2).narrow(2, 0, rows).flatten(1, 2)


def gather_input(spectrum: Tensor, strides: Sequence[int], last: bool = False) -> Tensor:
    """(out, in, *stride·rows) -> (out, in · phases, *rows), the frequencies first in memory, or last."""
    if max(strides) == 1:
        return spectrum
    if last:
        return _frequencies_last(spectrum, strides).flatten(1, 1 + len(strides)).contiguous()
    leading = _frequencies_first(spectrum, strides)  # (*rows, out, in, *strides)
    return leading.flatten(len(strides) + 1).movedim((-2, -1), (0, 1))


def gather_output(spectrum: Tensor, strides: Sequence[int], groups: int, last: bool = False) -> Tensor:
    """(in, out/groups, *stride·rows) -> (out · phases, in/groups, *rows), the frequencies first in memory, or last."""
    dims = len(strides)
    if last:
        apart = _frequencies_last(spectrum, strides).unflatten(0, (groups, -1))
        return apart.movedim(1, 2 + dims).flatten(0, 1 + dims).contiguous()
    leading = _frequencies_first(spectrum, strides).unflatten(dims, (groups, -1))
    leading = leading.movedim(dims + 1, -1)  # (*rows, groups, out/groups, *strides, in/groups)
    return leading.flatten(dims, -2).movedim((-2, -1), (0, 1))


def _frequencies_first(spectrum: Tensor, strides: Sequence[int]) -> Tensor:
    dims = len(strides)
    apart = spectrum.movedim((0, 1), (-2, -1))
    apart = apart.reshape(
        *(part for n, s in zip(apart.shape[:dims], strides, strict=True) for part in (s, n // s)), *apart.shape[dims:]
    )
    return apart.permute(*range(1, 2 * dims, 2), 2 * dims, 2 * dims + 1, *range(0, 2 * dims, 2)).contiguous()


def _frequencies_last(spectrum: Tensor, strides: Sequence[int]) -> Tensor:
    """(out, in, *stride·rows) -> (out, in, *strides, *rows), a view."""
    dims = len(strides)
    for axis, (length, stride) in enumerate(zip(spectrum.shape[2:], strides, strict=True)):
        spectrum = spectrum.unflatten(2 + 2 * axis, (stride, length // stride))
    return spectrum.permute(0, 1, *range(2, 2 + 2 * dims, 2), *range(3, 3 + 2 * dims, 2))
