"""Convolutions with the signature and the results of torch.nn.functional, computed on spectra."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fourierconv import arguments, spectral
from fourierconv.grid import Axis, circular_axis, linear_axis
from fourierconv.separable import combine, dft


def conv2d(
    input: Tensor,  # (batch, in, y, x) or (in, y, x)
    weight: Tensor,  # (out, in/groups, ky, kx)
    bias: Tensor | None = None,  # (out,)
    stride: int | Sequence[int] = 1,
    padding: str | int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
) -> Tensor:
    """torch.nn.functional.conv2d by the convolution theorem; the work on the images does not grow with the kernel.

    y_g[r] = b_g + Σ_f Σ_t w_gf[t] x_f[r + t - padding], draft equation (1). Differentiable to any order. An FFT mixes
    all pixels: a NaN or Inf anywhere in an image spreads over all of it.

    Args:
        input: real images, (batch, in, y, x) or (in, y, x); float32 or float64.
        weight: taps, (out, in/groups, ky, kx), up to the size of the padded image.
        bias: (out,).
        stride, dilation: 1.
        padding: pixels per side, an int or one per axis, or 'same' or 'valid'.
        groups: number of channel groups.
        padding_mode: 'zeros' or 'circular'; circular padding continues the image periodically.

    Returns:
        (batch, out, y', x') or (out, y', x'), y' = y + 2·padding - ky + 1.

    Raises:
        RuntimeError, TypeError: what torch.nn.functional.conv2d refuses, with the sizes; stride or dilation above 1.
        ValueError: an unknown padding_mode.

    >>> x, w = torch.randn(2, 3, 32, 32), torch.randn(4, 3, 7, 7)
    >>> torch.allclose(conv2d(x, w, padding=3), torch.nn.functional.conv2d(x, w, padding=3), atol=1e-4)
    True
    """
    return _conv(2, input, weight, bias, stride, padding, dilation, groups, padding_mode)


def spectral_conv(
    input: Tensor,  # (batch, in, *grid) or (in, *grid)
    spectrum: Tensor,  # (out, in/groups, *half(grid))
    bias: Tensor | None = None,
    groups: int = 1,
) -> Tensor:
    """Circular cross-correlation with kernels given by their half spectrum: y = irfft(rfft(x) · conj(spectrum)) + b.

    Args:
        input: real images, (batch, in, *grid) or (in, *grid).
        spectrum: complex, (out, in/groups, *grid[:-1], grid[-1]//2 + 1): the FFT of each kernel, its origin at pixel 0.
            What no real kernel has, a DC or Nyquist column that is not Hermitian, is projected away.
        bias: (out,).
        groups: number of channel groups.

    Returns:
        (batch, out, *grid) or (out, *grid).

    Raises:
        TypeError: what is no tensor.
        RuntimeError: a spectrum that is real or whose grid is not the image's; channels or groups that do not fit.

    >>> x = torch.randn(1, 2, 8, 9)
    >>> identity = torch.eye(2)[:, :, None, None].expand(2, 2, 8, 5) + 0j
    >>> torch.allclose(spectral_conv(x, identity), x, atol=1e-6)
    True
    """
    if not isinstance(spectrum, Tensor):
        raise TypeError(f"spectrum must be a Tensor, but got {type(spectrum).__name__}")
    dims = spectrum.ndim - 2
    if dims < 1 or not spectrum.is_complex():
        raise RuntimeError(
            f"spectrum must be complex, (out, in/groups, *half grid), but got {spectrum.dtype} {list(spectrum.shape)}"
        )
    arguments.check_groups(groups, spectrum.shape[0])
    arguments.check_input(input, dims, groups * spectrum.shape[1], spectrum.real.dtype, spectrum.device)
    arguments.check_real("input", input.dtype)
    arguments.check_bias(bias, spectrum.shape[0], input.dtype, input.device)
    grid = tuple(input.shape[-dims:])
    if tuple(spectrum.shape[2:]) != spectral.half(grid):
        raise RuntimeError(
            f"spectrum has grid {list(spectrum.shape[2:])}, but images of {list(grid)} pixels need "
            f"{list(spectral.half(grid))}"
        )
    axes = tuple(circular_axis(n, 0, 0, n) for n in grid)
    return correlate(input, spectral.hermitian(spectrum, grid), axes, bias, groups)


def correlate(
    input: Tensor,  # (batch, in, *n) or (in, *n)
    spectrum: Tensor,  # (out, in/groups, *half(grid))
    axes: tuple[Axis, ...],
    bias: Tensor | None,
    groups: int,
) -> Tensor:
    """Correlate as laid out by `axes`; the last step that functions and layers share. Arguments are trusted."""
    batched = input if input.ndim == len(axes) + 2 else input.unsqueeze(0)
    grid = tuple(axis.grid for axis in axes)
    kept = tuple(min(axis.size, axis.grid) for axis in axes)
    output = spectral.correlate(batched, spectrum, grid, kept, groups)
    for number, axis in enumerate(axes):
        if axis.size > axis.grid:  # more output than image: circular padding beyond 'same' shows pixels twice
            index = torch.arange(axis.size, device=output.device) % axis.grid
            output = output.index_select(number + 2, index)
    output = output.contiguous() if bias is None else output + bias.view(-1, *[1] * len(axes))
    return output if input.ndim == len(axes) + 2 else output.squeeze(0)


def lay_out(
    n: tuple[int, ...], size: tuple[int, ...], offsets: Sequence[tuple[int, int]], circular: bool
) -> tuple[Axis, ...]:
    """The grid of every axis for taps at the given first and last offsets from the output pixel."""
    axis = circular_axis if circular else linear_axis
    return tuple(axis(a, first, last, b) for a, b, (first, last) in zip(n, size, offsets, strict=True))


def _conv(
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int | Sequence[int],
    padding: str | int | Sequence[int],
    dilation: int | Sequence[int],
    groups: int,
    padding_mode: str,
) -> Tensor:
    if padding_mode not in ("zeros", "circular"):
        raise ValueError(f"padding_mode={padding_mode!r} is not one of 'zeros', 'circular'")
    if not isinstance(weight, Tensor):
        raise TypeError(f"weight must be a Tensor, but got {type(weight).__name__}")
    if weight.ndim != dims + 2:
        raise RuntimeError(
            f"weight must have {dims + 2} dimensions (out, in/groups, ...), but got {list(weight.shape)}"
        )
    arguments.check_groups(groups, weight.shape[0])
    arguments.check_input(input, dims, groups * weight.shape[1], weight.dtype, weight.device)
    arguments.check_real("input", input.dtype)
    arguments.check_bias(bias, weight.shape[0], input.dtype, input.device)
    arguments.check_ones(stride=stride, dilation=dilation, dims=dims)
    kernel_size, n = tuple(weight.shape[2:]), tuple(input.shape[-dims:])
    if weight.numel() == 0:
        raise RuntimeError(f"weight must have input channels and taps, but got {list(weight.shape)}")
    pairs = arguments.padding_pairs(padding, kernel_size, dims)
    size = arguments.output_size(n, kernel_size, pairs)
    circular = padding_mode == "circular"
    if circular:
        arguments.check_circular(n, pairs)
    offsets = [(-left, k - 1 - left) for k, (left, _) in zip(kernel_size, pairs, strict=True)]
    axes = lay_out(n, size, offsets, circular)
    return correlate(input, _spectrum(weight, axes, offsets), axes, bias, groups)


def _spectrum(weight: Tensor, axes: tuple[Axis, ...], offsets: Sequence[tuple[int, int]]) -> Tensor:
    """Half spectrum, on the axes' grid, of taps whose first lies at the given offset from the output pixel."""
    rows = spectral.half(tuple(axis.grid for axis in axes))
    matrices = []
    for number, (axis, (first, _)) in enumerate(zip(axes, offsets, strict=True)):
        weight = weight.narrow(number + 2, axis.first - first, axis.last - axis.first + 1)
        positions = torch.arange(axis.first, axis.last + 1, device=weight.device)
        matrices.append(dft(axis.grid, positions, rows[number], weight.dtype).unsqueeze(0))
    return combine(weight, matrices)
