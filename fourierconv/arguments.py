"""Checks of arguments: what torch.nn.functional refuses is refused with the same type of exception, before any work."""

import math
import operator
from collections.abc import Sequence
from numbers import Integral
from typing import TypeGuard

import torch
from torch import Tensor

from fourierconv.eager import eager

MOST = 2**40  # pixels of an output


def per_axis(name: str, value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """One integer per axis from an integer or a sequence of 1 or `dims` of them, as plain numbers.

    A tensor of one integer is taken for it, as torch does.

    Raises:
        TypeError: not integers, or among several one beyond 64 bits.
        ValueError: an integer beyond 64 bits.
        RuntimeError: a sequence of another length.

    >>> per_axis("padding", 1, 2)
    (1, 1)
    """
    if type(value) is int and -(2**63) <= value < 2**63:  # as it mostly is
        return (operator.index(value),) * dims
    if _is_index(value):
        value = operator.index(value)
    elif isinstance(value, tuple | list) and any(map(_is_index, value)):
        value = tuple(operator.index(own) if _is_index(own) else own for own in value)
    if _is_int(value):
        check_integer(name, value)
        value = (value,)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not all(map(_is_word, value)):
        raise TypeError(f"{name} must be an int or {dims} ints, but got {value!r}")
    if len(value) not in (1, dims):
        raise RuntimeError(f"{name} must be an int or {dims} ints, but got {len(value)}: {tuple(value)}")
    return tuple(map(operator.index, value)) * (dims if len(value) == 1 else 1)


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_index(value: object) -> TypeGuard[Tensor]:
    """A tensor of one integer, which torch takes for it."""
    if not isinstance(value, Tensor) or value.numel() != 1 or value.dtype == torch.bool:
        return False
    return not (value.is_floating_point() or value.is_complex())


def _is_word(value: object) -> bool:
    return _is_int(value) and -(2**63) <= value < 2**63


def check_integer(name: str, value: object) -> None:
    """Refuse what is no whole number that a tensor's size can be.

    Raises:
        TypeError: no integer.
        ValueError: an integer beyond 64 bits.

    >>> check_integer("groups", 2)
    """
    if not _is_int(value):
        raise TypeError(f"{name} must be an int, but got {value!r}")
    if not _is_word(value):
        raise ValueError(f"{name}={value} does not fit into 64 bits")


def positive(name: str, value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """One integer of at least 1 per axis.

    Raises:
        TypeError: not integers.
        RuntimeError: a sequence of another length, or a number below 1.

    >>> positive("stride", (2, 1), 2)
    (2, 1)
    """
    values = per_axis(name, value, dims)
    if min(values) < 1:
        raise RuntimeError(f"{name}={values} must be at least 1")
    return values


def padding_pixels(padding: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """Pixels per axis and side.

    Raises:
        RuntimeError: a negative number.
    """
    pixels = per_axis("padding", padding, dims)
    if min(pixels) < 0:
        raise RuntimeError(f"padding={pixels} must not be negative")
    return pixels


def padding_pairs(
    padding: str | int | Sequence[int],
    kernel_size: tuple[int, ...],
    dilation: tuple[int, ...],
    stride: tuple[int, ...],
) -> tuple[tuple[int, int], ...]:
    """Pixels (left, right) per axis; 'same' puts the odd one on the right, as torch does.

    Raises:
        RuntimeError: an unknown string, a negative number, or 'same' with a stride.

    >>> padding_pairs("same", (4, 3), (1, 2), (1, 1))
    ((1, 2), (2, 2))
    """
    dims = len(kernel_size)
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * dims
        if padding == "same":
            if max(stride) > 1:
                raise RuntimeError(f"padding='same' needs stride=1, but stride={stride}; pass padding in pixels")
            total = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
            return tuple((pixels // 2, pixels - pixels // 2) for pixels in total)
        raise RuntimeError(f"padding={padding!r} is not one of 'same', 'valid' or a number of pixels")
    return tuple((p, p) for p in padding_pixels(padding, dims))


def output_padding(value: int | Sequence[int], stride: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """Pixels added on the far side per axis.

    Raises:
        RuntimeError: a negative number, or one that is neither below the stride nor below the dilation.

    >>> output_padding(1, (2, 2), (1, 1))
    (1, 1)
    """
    pixels = per_axis("output_padding", value, len(stride))
    if any(p < 0 or p >= max(s, d) for p, s, d in zip(pixels, stride, dilation, strict=True)):
        raise RuntimeError(
            f"output_padding={pixels} must be at least 0 and less than stride={stride} or dilation={dilation}"
        )
    return pixels


def check_weight(weight: Tensor, dims: int, shape: str) -> None:
    """Refuse what is no tensor of taps for this many axes.

    Raises:
        TypeError: not a tensor.
        RuntimeError: another rank, or a sparse one.
    """
    if not isinstance(weight, Tensor):
        raise TypeError(f"weight must be a Tensor, but got {type(weight).__name__}")
    check_dense("weight", weight)
    if weight.ndim != dims + 2:
        raise RuntimeError(f"weight must have {dims + 2} dimensions {shape}, but got {list(weight.shape)}")


def check_dense(name: str, tensor: Tensor) -> None:
    """Refuse tensors whose numbers do not simply lie in memory.

    Raises:
        RuntimeError: a sparse one.

    >>> check_dense("weight", torch.ones(2))
    """
    if tensor.layout != torch.strided:
        raise RuntimeError(f"{name} must be dense, but its layout is {tensor.layout}; pass {name}.to_dense()")


def check_input(input: Tensor, dims: int, channels: int, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse images of the wrong kind, rank, number of channels, dtype or device.

    Raises:
        TypeError: not a tensor.
        RuntimeError: everything else.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"input must be a Tensor, but got {type(input).__name__}")
    check_dense("input", input)
    if input.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"input must have {dims + 1} dimensions (channels, ...) or {dims + 2} (batch, channels, ...), "
            f"but got {list(input.shape)}"
        )
    if input.shape[-dims - 1] != channels:
        raise RuntimeError(f"input {list(input.shape)} must have {channels} channels, but has {input.shape[-dims - 1]}")
    if input.dtype != dtype:
        raise RuntimeError(f"input has dtype {input.dtype}, the weights have {dtype}; convert one of them")
    if input.device != device:
        raise RuntimeError(f"input is on {input.device}, the weights are on {device}; move one of them")


def image_size(input: Tensor, dims: int) -> tuple[int, ...]:
    """Pixels per axis, as plain numbers.

    torch.compile would go on with symbols in the place of sizes that changed, but the search for a fast grid comes out
    differently for every size: it is faster to compile for each. The batch may remain a symbol.

    >>> image_size(torch.ones(2, 3, 8, 7), 2)
    (8, 7)
    """
    return tuple(operator.index(n) for n in input.shape[-dims:])


def computed_in(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which spectra are computed: float16 and bfloat16 have no FFT on every device, so float32.

    >>> computed_in(torch.bfloat16)
    torch.float32
    """
    return torch.float64 if dtype == torch.float64 else torch.float32


def check_real(name: str, dtype: torch.dtype) -> None:
    """Refuse what is neither real nor floating.

    Raises:
        RuntimeError: anything but float16, bfloat16, float32 and float64.
    """
    if dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        kind = "complex, " if dtype.is_complex else "" if dtype.is_floating_point else "integer, "
        raise RuntimeError(
            f"{name} is {kind}{dtype}, and must be real and floating: float16, bfloat16, float32 or float64; convert it"
        )


def check_finite(**tensors: Tensor | None) -> None:
    """Under torch.autograd.detect_anomaly(), refuse NaN and Inf by name; otherwise do nothing, and not wait for them.

    Nor is anything refused where torch maps or traces, and no value can be asked for.

    Raises:
        RuntimeError: with the number of such values and the place of the first.

    >>> with torch.autograd.set_detect_anomaly(True):
    ...     check_finite(input=torch.tensor([[1.0, float("nan")]]))
    Traceback (most recent call last):
    RuntimeError: input has 1 values of 2 that are NaN or Inf, the first at [0, 1]; an FFT would spread them
    """
    if torch.compiler.is_compiling() or not (torch.is_anomaly_enabled() and torch.is_anomaly_check_nan_enabled()):
        return
    for name, tensor in tensors.items():
        if tensor is None or tensor.is_meta or not eager(tensor):
            continue
        bad = (~tensor.detach().isfinite()).nonzero()
        if len(bad):
            raise RuntimeError(
                f"{name} has {len(bad)} values of {tensor.numel()} that are NaN or Inf, "
                f"the first at {bad[0].tolist()}; an FFT would spread them"
            )


def check_bias(bias: Tensor | None, channels: int, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse a bias that is not one real number per output channel.

    Raises:
        TypeError: neither a tensor nor None.
        RuntimeError: another shape, dtype or device, or a sparse one.
    """
    if bias is None:
        return
    if not isinstance(bias, Tensor):
        raise TypeError(f"bias must be a Tensor or None, but got {type(bias).__name__}")
    check_dense("bias", bias)
    if bias.shape != (channels,):
        raise RuntimeError(f"bias must have shape [{channels}], one per output channel, but got {list(bias.shape)}")
    if bias.dtype != dtype:
        raise RuntimeError(f"bias has dtype {bias.dtype}, the input has {dtype}; convert one of them")
    if bias.device != device:
        raise RuntimeError(f"bias is on {bias.device}, the input is on {device}; move one of them")


def check_groups(groups: int, channels: int, side: str = "output") -> None:
    """Refuse channels that do not fit the groups.

    Raises:
        TypeError: not an integer.
        RuntimeError: groups below 1, channels not divisible.
    """
    check_integer("groups", groups)
    if groups < 1:
        raise RuntimeError(f"groups={groups} must be at least 1")
    if channels < 1 or channels % groups:
        raise RuntimeError(f"the weights' {channels} {side} channels must be a positive multiple of groups={groups}")


def output_size(
    n: tuple[int, ...],
    kernel_size: tuple[int, ...],
    pairs: tuple[tuple[int, int], ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> tuple[int, ...]:
    """Pixels of the output per axis, (n + left + right - dilation·(k - 1) - 1)//stride + 1.

    Raises:
        RuntimeError: an empty image, a kernel larger than the padded image, or an output that no memory holds.

    >>> output_size((8, 8), (3, 5), ((1, 1), (0, 0)), (1, 2), (1, 1))
    (8, 2)
    """
    check_pixels(n)
    padded = tuple(size + left + right for size, (left, right) in zip(n, pairs, strict=True))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel_size, dilation, strict=True))
    if any(k > size for k, size in zip(reach, padded, strict=True)):
        dilated = f" ({_by(kernel_size)}, dilation={dilation})" if max(dilation) > 1 else ""
        raise RuntimeError(
            f"kernel of {_by(reach)}{dilated} is larger than the padded input of {_by(padded)} (input {_by(n)}); "
            f"use a smaller kernel_size or more padding"
        )
    size = tuple((m - k) // s + 1 for m, k, s in zip(padded, reach, stride, strict=True))
    _check_memory(size, n, f"padding={pairs}")
    return size


def transposed_size(
    n: tuple[int, ...],
    kernel_size: tuple[int, ...],
    padding: tuple[int, ...],
    output_padding: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    least: int = 1,
) -> tuple[int, ...]:
    """Pixels of a transposed convolution's output, (n - 1)·stride - 2·padding + dilation·(k - 1) + output_padding + 1.

    Raises:
        RuntimeError: an empty image, padding that leaves less than `least` pixels of the output, or one that no memory
            holds.

    >>> transposed_size((8,), (3,), (1,), (1,), (2,), (1,))
    (16,)
    """
    check_pixels(n)
    size = tuple(
        (m - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for m, k, p, extra, s, d in zip(n, kernel_size, padding, output_padding, stride, dilation, strict=True)
    )
    if min(size) < least:
        raise RuntimeError(
            f"input of {_by(n)} with a kernel of {_by(kernel_size)}, stride={stride}, dilation={dilation}, "
            f"padding={padding} and output_padding={output_padding} gives an output of {_by(size)}; use less padding"
        )
    _check_memory(size, n, f"stride={stride}, dilation={dilation}")
    return size


def _check_memory(size: tuple[int, ...], n: tuple[int, ...], why: str) -> None:
    if math.prod(size) > MOST:
        raise RuntimeError(f"input of {_by(n)} with {why} gives an output of {_by(size)}, which no memory holds")


def check_pixels(n: tuple[int, ...]) -> None:
    """Refuse an empty image.

    Raises:
        RuntimeError: no pixel along an axis.
    """
    if min(n) < 1:
        raise RuntimeError(f"input of {_by(n)} must have at least one pixel along every axis")


def check_border(padding_mode: str, n: tuple[int, ...], pairs: tuple[tuple[int, int], ...]) -> None:
    """Refuse circular padding that goes around the image more than once, and reflection beyond it, as torch does.

    Raises:
        RuntimeError: padding wider than the image, or for 'reflect' as wide.
    """
    spare = {"circular": 0, "reflect": 1}.get(padding_mode)
    if spare is not None and any(max(pair) > size - spare for size, pair in zip(n, pairs, strict=True)):
        wide = "wider than" if spare == 0 else "at least as wide as"
        raise RuntimeError(f"{padding_mode} padding {pairs} is {wide} the input of {_by(n)}")


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in sizes)
