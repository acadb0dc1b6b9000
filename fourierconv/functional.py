"""Convolutions with the signature and the results of torch.nn.functional, computed on spectra.

The work on the images does not grow with the kernel. All functions take batched and unbatched images and are
differentiable to any order. They compute float16 and bfloat16 in float32, and so they do under torch.autocast;
`spectral_conv` takes float32 and float64. An FFT mixes all pixels: a NaN or Inf anywhere in an image may spread over
that whole image and its gradients. Under torch.autograd.detect_anomaly() it is refused by name instead. For the same
reason rounding errors are relative to the largest pixel of an image, not to each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from fourierconv import arguments, phases, spectral
from fourierconv.autocast import beyond_autocast
from fourierconv.engines.choice import Plan
from fourierconv.engines.dispatch import case_of, correlate, finish, kernel_spectrum, select
from fourierconv.engines.tiles import Tiles
from fourierconv.grid import Axis, circular_axis, extended_axis, linear_axis

Size = int | Sequence[int]


def conv1d(
    input: Tensor,  # (batch, in, n) or (in, n)
    weight: Tensor,  # (out, in/groups, k)
    bias: Tensor | None = None,  # (out,)
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
) -> Tensor:
    """torch.nn.functional.conv1d by the convolution theorem; see `conv2d`.

    >>> x, w = torch.randn(2, 3, 500), torch.randn(4, 3, 101)
    >>> torch.allclose(conv1d(x, w, stride=3), torch.nn.functional.conv1d(x, w, stride=3), atol=1e-4)
    True
    """
    work = partial(_conv, 1, stride, padding, dilation, groups, padding_mode)
    return beyond_autocast(work, input, weight, bias)


def conv2d(
    input: Tensor,  # (batch, in, y, x) or (in, y, x)
    weight: Tensor,  # (out, in/groups, ky, kx)
    bias: Tensor | None = None,  # (out,)
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
) -> Tensor:
    """torch.nn.functional.conv2d by the convolution theorem; the work on the images does not grow with the kernel.

    y_g[r] = b_g + Σ_f Σ_t w_gf[t] x_f[stride·r + dilation·t - padding], draft equation (1). A stride is a plain
    convolution of the image's phases, which is the sum over the spectrum's aliases before a shorter inverse FFT.

    Args:
        input: real images, (batch, in, y, x) or (in, y, x); the batch may be empty.
        weight: taps, (out, in/groups, ky, kx), up to the size of the padded image.
        bias: (out,).
        stride, dilation: pixels, an int or one per axis.
        padding: pixels per side, an int or one per axis, or 'same' or 'valid'.
        groups: number of channel groups; as many as channels is a depthwise convolution.
        padding_mode: 'zeros' or 'circular'; circular padding continues the image periodically.

    Returns:
        (batch, out, y', x') or (out, y', x'), y' = (y + 2·padding - dilation·(ky - 1) - 1)//stride + 1.

    Raises:
        RuntimeError, TypeError: what torch.nn.functional.conv2d refuses, with the sizes; complex and integer images.
        ValueError: an unknown padding_mode.

    >>> x, w = torch.randn(2, 3, 32, 32), torch.randn(4, 3, 7, 7)
    >>> torch.allclose(conv2d(x, w, padding=3), torch.nn.functional.conv2d(x, w, padding=3), atol=1e-4)
    True
    """
    work = partial(_conv, 2, stride, padding, dilation, groups, padding_mode)
    return beyond_autocast(work, input, weight, bias)


def conv3d(
    input: Tensor,  # (batch, in, z, y, x) or (in, z, y, x)
    weight: Tensor,  # (out, in/groups, kz, ky, kx)
    bias: Tensor | None = None,  # (out,)
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
) -> Tensor:
    """torch.nn.functional.conv3d by the convolution theorem; see `conv2d`.

    >>> x, w = torch.randn(1, 2, 9, 8, 7), torch.randn(4, 2, 3, 3, 3)
    >>> torch.allclose(conv3d(x, w, dilation=2), torch.nn.functional.conv3d(x, w, dilation=2), atol=1e-4)
    True
    """
    work = partial(_conv, 3, stride, padding, dilation, groups, padding_mode)
    return beyond_autocast(work, input, weight, bias)


def conv_transpose1d(
    input: Tensor,  # (batch, in, n) or (in, n)
    weight: Tensor,  # (in, out/groups, k)
    bias: Tensor | None = None,  # (out,)
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """torch.nn.functional.conv_transpose1d by the convolution theorem; see `conv_transpose2d`.

    >>> x, w = torch.randn(2, 3, 50), torch.randn(3, 4, 11)
    >>> y = torch.nn.functional.conv_transpose1d(x, w, stride=3)
    >>> torch.allclose(conv_transpose1d(x, w, stride=3), y, atol=1e-4)
    True
    """
    work = partial(_conv_transpose, 1, stride, padding, output_padding, groups, dilation)
    return beyond_autocast(work, input, weight, bias)


def conv_transpose2d(
    input: Tensor,  # (batch, in, y, x) or (in, y, x)
    weight: Tensor,  # (in, out/groups, ky, kx)
    bias: Tensor | None = None,  # (out,)
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """torch.nn.functional.conv_transpose2d by the convolution theorem: draft equation (2) as a layer of its own.

    y_f[stride·r + dilation·t - padding] sums w_gf[t] x_g[r] over g, r and t: the gradient of `conv2d` with respect to
    its input. So it is the same product per frequency, without the conjugate.

    Args:
        input: real images, (batch, in, y, x) or (in, y, x); the batch may be empty.
        weight: taps, (in, out/groups, ky, kx).
        bias: (out,).
        stride, dilation: pixels, an int or one per axis.
        padding: pixels cut off per side, an int or one per axis.
        output_padding: pixels added on the far side, less than stride or dilation.
        groups: number of channel groups.

    Returns:
        (batch, out, y', x') or (out, y', x'),
        y' = (y - 1)·stride - 2·padding + dilation·(ky - 1) + output_padding + 1.

    Raises:
        RuntimeError, TypeError, ValueError: what torch.nn.functional.conv_transpose2d refuses, with the sizes.

    >>> x, w = torch.randn(2, 3, 16, 16), torch.randn(3, 4, 5, 5)
    >>> y = torch.nn.functional.conv_transpose2d(x, w, stride=2, padding=2, output_padding=1)
    >>> torch.allclose(conv_transpose2d(x, w, stride=2, padding=2, output_padding=1), y, atol=1e-4)
    True
    """
    work = partial(_conv_transpose, 2, stride, padding, output_padding, groups, dilation)
    return beyond_autocast(work, input, weight, bias)


def conv_transpose3d(
    input: Tensor,  # (batch, in, z, y, x) or (in, z, y, x)
    weight: Tensor,  # (in, out/groups, kz, ky, kx)
    bias: Tensor | None = None,  # (out,)
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """torch.nn.functional.conv_transpose3d by the convolution theorem; see `conv_transpose2d`.

    >>> x, w = torch.randn(1, 2, 4, 5, 6), torch.randn(2, 3, 3, 3, 3)
    >>> torch.allclose(conv_transpose3d(x, w), torch.nn.functional.conv_transpose3d(x, w), atol=1e-4)
    True
    """
    work = partial(_conv_transpose, 3, stride, padding, output_padding, groups, dilation)
    return beyond_autocast(work, input, weight, bias)


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
    return beyond_autocast(partial(_spectral_conv, groups), input, spectrum, bias)


def _spectral_conv(groups: int, input: Tensor, spectrum: Tensor, bias: Tensor | None) -> Tensor:
    if not isinstance(spectrum, Tensor):
        raise TypeError(f"spectrum must be a Tensor, but got {type(spectrum).__name__}")
    arguments.check_dense("spectrum", spectrum)
    dims = spectrum.ndim - 2
    if dims < 1 or not spectrum.is_complex():
        raise RuntimeError(
            f"spectrum must be complex, (out, in/groups, *half grid), but got {spectrum.dtype} {list(spectrum.shape)}"
        )
    arguments.check_groups(groups, spectrum.shape[0])
    arguments.check_input(input, dims, groups * spectrum.shape[1], spectrum.real.dtype, spectrum.device)
    if input.dtype not in (torch.float32, torch.float64):
        raise RuntimeError(f"input must be float32 or float64, but is {input.dtype}; convert it")
    arguments.check_bias(bias, spectrum.shape[0], input.dtype, input.device)
    arguments.check_finite(input=input, spectrum=spectrum)
    grid = arguments.image_size(input, dims)
    arguments.check_pixels(grid)
    if tuple(spectrum.shape[2:]) != spectral.half(grid):
        raise RuntimeError(
            f"spectrum has grid {list(spectrum.shape[2:])}, but images of {list(grid)} pixels need "
            f"{list(spectral.half(grid))}"
        )
    if spectrum.shape[1] == 0:
        raise RuntimeError(f"spectrum must have input channels, but got {list(spectrum.shape)}")
    images = input if input.ndim == dims + 2 else input.unsqueeze(0)
    tiles = Tiles.whole(grid, grid)
    output = spectral.correlate(images, spectral.hermitian(spectrum, grid), tiles, grid, groups)
    return finish(output, bias, input.dtype, batched=input.ndim == dims + 2)


def _conv(
    dims: int,
    stride: Size,
    padding: str | Size,
    dilation: Size,
    groups: int,
    padding_mode: str,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
) -> Tensor:
    if padding_mode not in ("zeros", "circular"):
        raise ValueError(f"padding_mode={padding_mode!r} is not one of 'zeros', 'circular'")
    arguments.check_weight(weight, dims, "(out, in/groups, ...)")
    arguments.check_groups(groups, weight.shape[0])
    arguments.check_input(input, dims, groups * weight.shape[1], weight.dtype, weight.device)
    arguments.check_real("input", input.dtype)
    arguments.check_bias(bias, weight.shape[0], input.dtype, input.device)
    strides = arguments.positive("stride", stride, dims)
    dilations = arguments.positive("dilation", dilation, dims)
    kernel_size, n = arguments.image_size(weight, dims), arguments.image_size(input, dims)
    if weight.numel() == 0:
        raise RuntimeError(f"weight must have input channels and taps, but got {list(weight.shape)}")
    pairs = arguments.padding_pairs(padding, kernel_size, dilations, strides)
    size = arguments.output_size(n, kernel_size, pairs, strides, dilations)
    if padding_mode == "circular":
        arguments.check_border(padding_mode, n, pairs)
    arguments.check_finite(input=input, weight=weight, bias=bias)
    strides = tuple(s if m > 1 else 1 for s, m in zip(strides, size, strict=True))  # no matter to a single output
    filters = _filters(n, size, kernel_size, [-left for left, _ in pairs], dilations, strides, padding_mode)
    return correlate(input, _meeting(weight, filters), filters, bias, groups, padding_mode)


def _conv_transpose(
    dims: int,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
) -> Tensor:
    arguments.check_weight(weight, dims, "(in, out/groups, ...)")
    arguments.check_groups(groups, weight.shape[0], "input")
    arguments.check_input(input, dims, weight.shape[0], weight.dtype, weight.device)
    arguments.check_real("input", input.dtype)
    arguments.check_bias(bias, groups * weight.shape[1], input.dtype, input.device)
    strides = arguments.positive("stride", stride, dims)
    dilations = arguments.positive("dilation", dilation, dims)
    if weight.numel() == 0:
        raise RuntimeError(f"weight must have output channels and taps, but got {list(weight.shape)}")
    kernel_size, n = arguments.image_size(weight, dims), arguments.image_size(input, dims)
    cut = arguments.padding_pixels(padding, dims)
    extra = arguments.output_padding(output_padding, strides, dilations)
    least = min(1, input.shape[0]) if input.ndim == dims + 2 else 1  # of no images, torch allows empty outputs
    size = arguments.transposed_size(n, kernel_size, cut, extra, strides, dilations, least)
    arguments.check_finite(input=input, weight=weight, bias=bias)
    # the convolution whose adjoint this is: from images of `size` to outputs of n
    steps = tuple(s if m > 1 else 1 for s, m in zip(strides, n, strict=True))  # no matter to a single pixel
    outputs = tuple(max(m, 1) for m in size)
    filters = _filters(outputs, n, kernel_size, [-left for left in cut], dilations, steps, "zeros", mirrored=True)
    taps = _meeting(weight, filters)
    images = (input if input.ndim == dims + 2 else input.unsqueeze(0)).to(taps.dtype)
    kept = tuple(-(-m // s) for m, s in zip(size, steps, strict=True))

    def run(chosen: Plan, images: Tensor, taps: Tensor) -> Tensor:
        if chosen.tiles is None:
            whole = _widened(taps, filters, kernel_size)
            return _TRANSPOSED[dims](images, whole, None, strides, cut, extra, groups, dilations)
        kernels = kernel_spectrum(taps, filters, chosen, mirrored=True)
        kernels = phases.gather_output(kernels, steps, groups, chosen.last)
        output = spectral.correlate(images, kernels, chosen.tiles, kept, groups, triton=chosen.last)
        output = phases.join(output, steps)
        for number, length in enumerate(size, 2):
            if length < output.shape[number]:
                output = output.narrow(number, 0, length)
        return output.contiguous()

    chosen = select(case_of(images, taps, filters, groups, kept), "auto", run, images, taps)
    return finish(run(chosen, images, taps), bias, input.dtype, batched=input.ndim == dims + 2)


_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@dataclass(frozen=True)
class Taps:
    """A filter whose coefficients are the taps.

    Attributes:
        whole, linear: as `engines.dispatch.Filter` says.
        mirrored: whether they are mirrored, for a transposed convolution.
    """

    whole: Axis
    linear: Axis | None
    mirrored: bool = False

    @property
    def columns(self) -> int:
        """Taps that meet the image."""
        return max(self.whole.last - self.whole.first + 1, 0)

    def spectra(self, axis: Axis, rows: int, like: Tensor) -> Tensor:
        """Fourier matrix of the taps, (1, stride · rows, taps)."""
        return phases.fourier(axis, rows, self.columns, like, self.mirrored).unsqueeze(0)

    def taps(self) -> None:
        """The coefficients are the taps."""

    @property
    def scales(self) -> int:
        """There is no matrix of taps."""
        return 0


def _filters(
    n: tuple[int, ...],
    size: tuple[int, ...],
    kernel_size: tuple[int, ...],
    starts: Sequence[int],
    dilation: Sequence[int],
    stride: Sequence[int],
    padding_mode: str,
    mirrored: bool = False,
) -> list[Taps]:
    """How taps lie along every axis, tap 0 lying `start` pixels from stride times the output pixel."""
    filters = []
    for m, k, out, start, step, s in zip(n, kernel_size, size, starts, dilation, stride, strict=True):
        if padding_mode == "zeros":
            axis = linear_axis(m, 0, k - 1, out, start, step, s)
            filters.append(Taps(axis, axis, mirrored))
            continue
        axis = circular_axis(m, 0, k - 1, out, start, step, s)
        linear = extended_axis("circular", m, 0, k - 1, out, start, step, s)
        filters.append(Taps(axis, None if axis.size > axis.grid else linear))
    return filters


def _widened(taps: Tensor, filters: Sequence[Taps], kernel_size: tuple[int, ...]) -> Tensor:
    """All taps from those that meet the image; the others may as well be zero."""
    pads = [(own.whole.first, k - 1 - own.whole.last) for own, k in zip(filters, kernel_size, strict=True)]
    return F.pad(taps, [side for pair in reversed(pads) for side in pair]) if any(map(any, pads)) else taps


def _meeting(weight: Tensor, filters: Sequence[Taps]) -> Tensor:
    """The taps that meet the image, in the dtype in which to compute."""
    for number, own in enumerate(filters, 2):
        if own.columns < weight.shape[number]:
            weight = weight.narrow(number, own.whole.first if own.columns else 0, own.columns)
    return weight.to(arguments.computed_in(weight.dtype))
