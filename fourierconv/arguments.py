"""Checks of arguments: what torch.nn.functional refuses is refused with the same type of exception, before any work."""

from collections.abc import Sequence
from numbers import Integral
from typing import TypeGuard

import torch
from torch import Tensor


def per_axis(name: str, value: int | Sequence[int], dims: int) -> tuple[int, ...]:
    """One integer per axis from an integer or a sequence of 1 or `dims` of them.

    Raises:
        TypeError: not integers.
        RuntimeError: a sequence of another length.

    >>> per_axis("padding", 1, 2)
    (1, 1)
    """
    values = [value] if _is_int(value) else value
    if not isinstance(values, Sequence) or isinstance(values, str) or not all(_is_int(v) for v in values):
        raise TypeError(f"{name} must be an int or {dims} ints, but got {value!r}")
    if len(values) not in (1, dims):
        raise RuntimeError(f"{name} must be an int or {dims} ints, but got {len(values)}: {tuple(values)}")
    return tuple(int(v) for v in values) * (dims if len(values) == 1 else 1)


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_integer(name: str, value: object) -> None:
    """Refuse what is no whole number.

    Raises:
        TypeError: with the value.

    >>> check_integer("groups", 2)
    """
    if not _is_int(value):
        raise TypeError(f"{name} must be an int, but got {value!r}")


def padding_pairs(
    padding: str | int | Sequence[int], kernel_size: tuple[int, ...], dims: int
) -> tuple[tuple[int, int], ...]:
    """Pixels (left, right) per axis; 'same' puts the odd one on the right, as torch does.

    Raises:
        RuntimeError: an unknown string or a negative number.

    >>> padding_pairs("same", (4, 3), 2)
    ((1, 2), (1, 1))
    """
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * dims
        if padding == "same":
            return tuple(((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel_size)
        raise RuntimeError(f"padding={padding!r} is not one of 'same', 'valid' or a number of pixels")
    pixels = per_axis("padding", padding, dims)
    if min(pixels) < 0:
        raise RuntimeError(f"padding={pixels} must not be negative")
    return tuple((p, p) for p in pixels)


def check_input(input: Tensor, dims: int, channels: int, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse images of the wrong kind, rank, number of channels, dtype or device.

    Raises:
        TypeError: not a tensor.
        RuntimeError: everything else.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"input must be a Tensor, but got {type(input).__name__}")
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


def check_real(name: str, dtype: torch.dtype) -> None:
    """Refuse dtypes that have no real FFT in torch on every device.

    Raises:
        RuntimeError: anything but float32 and float64.
    """
    if dtype not in (torch.float32, torch.float64):
        raise RuntimeError(f"{name} must be float32 or float64, but is {dtype}; convert it")


def check_bias(bias: Tensor | None, channels: int, dtype: torch.dtype, device: torch.device) -> None:
    """Refuse a bias that is not one real number per output channel.

    Raises:
        TypeError: neither a tensor nor None.
        RuntimeError: another shape, dtype or device.
    """
    if bias is None:
        return
    if not isinstance(bias, Tensor):
        raise TypeError(f"bias must be a Tensor or None, but got {type(bias).__name__}")
    if bias.shape != (channels,):
        raise RuntimeError(f"bias must have shape [{channels}], one per output channel, but got {list(bias.shape)}")
    if bias.dtype != dtype:
        raise RuntimeError(f"bias has dtype {bias.dtype}, the input has {dtype}; convert one of them")
    if bias.device != device:
        raise RuntimeError(f"bias is on {bias.device}, the input is on {device}; move one of them")


def check_groups(groups: int, out: int) -> None:
    """Refuse output channels that do not fit the groups.

    Raises:
        TypeError: not an integer.
        RuntimeError: groups below 1, output channels not divisible.
    """
    check_integer("groups", groups)
    if groups < 1:
        raise RuntimeError(f"groups={groups} must be at least 1")
    if out < 1 or out % groups:
        raise RuntimeError(f"the weights' {out} output channels must be a positive multiple of groups={groups}")


def output_size(
    n: tuple[int, ...], kernel_size: tuple[int, ...], pairs: tuple[tuple[int, int], ...]
) -> tuple[int, ...]:
    """Pixels of the output per axis, n + left + right - k + 1.

    Raises:
        RuntimeError: an empty image, or a kernel larger than the padded image.

    >>> output_size((8, 8), (3, 5), ((1, 1), (0, 0)))
    (8, 4)
    """
    padded = tuple(size + left + right for size, (left, right) in zip(n, pairs, strict=True))
    if min(n) < 1 or any(k > size for k, size in zip(kernel_size, padded, strict=True)):
        raise RuntimeError(
            f"kernel of {_by(kernel_size)} is larger than the padded input of {_by(padded)} (input {_by(n)}); "
            f"use a smaller kernel_size or more padding"
        )
    return tuple(size - k + 1 for size, k in zip(padded, kernel_size, strict=True))


def check_circular(n: tuple[int, ...], pairs: tuple[tuple[int, int], ...]) -> None:
    """Refuse circular padding that goes around the image more than once, as torch.nn.functional.pad does.

    Raises:
        RuntimeError: padding wider than the image.
    """
    if any(max(pair) > size for size, pair in zip(n, pairs, strict=True)):
        raise RuntimeError(f"circular padding {pairs} is wider than the input of {_by(n)}")


def _by(sizes: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in sizes)


def check_ones(stride: int | Sequence[int], dilation: int | Sequence[int], dims: int) -> None:
    """Refuse what is not computed on spectra yet.

    Raises:
        NotImplementedError: a stride or dilation above 1.
        RuntimeError: one below 1.
    """
    for name, value in (("stride", stride), ("dilation", dilation)):
        values = per_axis(name, value, dims)
        if min(values) < 1:
            raise RuntimeError(f"{name}={values} must be at least 1")
        if max(values) > 1:
            raise NotImplementedError(f"{name}={values}: only {name}=1 is implemented")
