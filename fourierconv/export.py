"""From Fourier layers to nn.ConvNd, as small as a tolerance allows, with a bound on what that changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, overload

import torch
from torch import Tensor, nn

from fourierconv import arguments
from fourierconv.certificate import Certificate, centred
from fourierconv.layers import FourierConv1d, FourierConv2d, FourierConv3d, _FourierConvNd
from fourierconv.takeover import copied, copy_hooks, drop_hooks, overrides

Conv = nn.Conv1d | nn.Conv2d | nn.Conv3d
Layer = FourierConv1d | FourierConv2d | FourierConv3d

_CONVS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
EXACT = 1e-6  # a bound that is rounding


@dataclass(frozen=True)
class Exported:
    """One layer of an exported model.

    Attributes:
        name: of the layer in the model.
        kernel_size: taps of its nn.ConvNd per axis.
        coefficients: of the Fourier layer per axis and kernel.
        bound: on ‖layer(x) - conv(x)‖ / ‖x‖, relative to the layer's norm.
        error: the same for the worst image that was found, of white noise and 20 steps of power iteration
            where the export is not exact.
    """

    name: str
    kernel_size: tuple[int, ...]
    coefficients: tuple[int, ...]
    bound: float
    error: float


@overload
def to_conv(  # type: ignore[overload-overlap]
    layer: Layer, tolerance: float = 1e-3, image_size: int | Sequence[int] | None = None
) -> tuple[Conv, float]: ...
@overload
def to_conv(layer: nn.Module, tolerance: float = 1e-3) -> tuple[nn.Module, list[Exported]]: ...
def to_conv(layer: Any, tolerance: float = 1e-3, image_size: int | Sequence[int] | None = None) -> tuple[Any, Any]:
    """The smallest nn.ConvNd that computes what a layer does, within a tolerance that is a guarantee.

    ‖layer(x) - conv(x)‖ <= bound·‖layer‖·‖x‖ with bound <= tolerance, for all images x. ‖layer‖ is the supremum over
    frequency of the largest singular value of Ŵ, aliases stacked where there is a stride: what the layer does to
    images inside their borders, which `operator_norm()` bounds from above; for circular padding with an image size,
    `operator_norm(image_size)`. The difference of the two is a convolution with the taps that were cut off, and with
    the rounding of those that were kept, so its norm is bounded in the same way; and borders are allowed for:
    'reflect' multiplies it by up to √2 per axis, 'replicate' by what sums of taps next to the edge add. What the two
    round while they compute comes on top, about 1e-7 in float32. Smallest means that no axis can do with two taps less.
    Stride, dilation, groups, padding mode, hooks and the kernels' parity are kept, and padding grows with the kernel: a
    circular nn.ConvNd takes images of at least its padding, one of 'reflect' of a pixel more.

    Args:
        layer: a Fourier layer; or a model, of which a copy is returned that has an nn.ConvNd for every Fourier layer.
            Shared layers stay shared. Its batch norms may be folded into it afterwards
            (torch.fx.experimental.optimization.fuse).
        tolerance: relative error, above 0 and below 1. Rounding taps to float32 takes about 1e-7 of it, to bfloat16
            4e-3.
        image_size: pixels per axis, an int or one per axis, of a layer whose images are all of one size: circular
            layers are exported as what they are on it, taps that meet nothing but zeros are cut off, and the bound is
            one for that size. By default it holds for every size; where there is a stride, one for a size is closer.

    Returns:
        (conv, bound), or for a model (copy, list of `Exported`), in the order of its layers. Layers compute as in eval
        mode, on their device and in their dtype; the copy is in the model's mode, so call its `eval()` before ONNX.

    The bound takes products of matrices of all channels at many frequencies: seconds for a layer of 64 to 64 channels,
    up to eight times as long for twice the channels. Where no bound is needed, copy `layer.kernel(size)` as a weight.

    Raises:
        ValueError: a tolerance out of its limits; one that no kernel meets, for the image's size, the padding or the
            dtype, with the reason; kernels too long for a bound; a layer with a forward of its own; a model without
            Fourier layers; NaN coefficients. In a model with the layer's name.
        TypeError: no nn.Module; sizes that are no numbers.
        RuntimeError: sizes below 1, or for another number of axes.

    >>> layer = FourierConv2d(3, 8, 5, padding=2, parameterization="scaled", scale=2.0)
    >>> conv, bound = to_conv(layer, tolerance=0.1)
    >>> x = torch.randn(1, 3, 32, 32)
    >>> bool((layer(x) - conv(x)).norm() <= bound * layer.operator_norm() * x.norm())
    True
    """
    if not isinstance(layer, nn.Module):
        raise TypeError(f"layer must be an nn.Module, but got {type(layer).__name__}")
    if not (isinstance(tolerance, Real) and 0 < tolerance < 1):
        raise ValueError(f"tolerance={tolerance!r} must be a relative error, above 0 and below 1")
    if isinstance(layer, _FourierConvNd):
        size = None if image_size is None else arguments.positive("image_size", image_size, layer.dims)
        return _smallest(layer, float(tolerance), size)
    if image_size is not None:
        raise ValueError(f"image_size={image_size!r} is of one layer; those of a model see images of several sizes")
    return _whole(layer, float(tolerance))


def _whole(model: nn.Module, tolerance: float) -> tuple[nn.Module, list[Exported]]:
    layers = {name: module for name, module in model.named_modules() if isinstance(module, _FourierConvNd)}
    if not layers:
        raise ValueError(f"model={type(model).__name__} has no Fourier layer to export")
    new: dict[nn.Module, nn.Module] = {}
    rows = []
    for name, layer in layers.items():
        try:
            conv, bound = _smallest(layer, tolerance, None)
        except ValueError as error:
            raise ValueError(f"layer {name!r}: {error}") from error
        new[layer] = conv
        widths = tuple(own.width(k) for own, k in zip(layer._axes, layer.kernel_size, strict=True))
        found = worst_error(layer, conv, steps=20 if bound > EXACT else 1)
        rows.append(Exported(name, conv.kernel_size, widths, bound, found))
    # layers are put in while the rest is copied
    return copied(model, {id(layer): conv for layer, conv in new.items()}), rows


def worst_error(layer: Any, conv: Any, size: int | Sequence[int] | None = None, steps: int = 20) -> float:
    """The largest ‖layer(x) - conv(x)‖ / ‖x‖ that is found, relative to the layer's norm.

    White noise is turned by power iteration towards the image on which the two differ most, in float64.

    Args:
        layer: a Fourier layer.
        conv: an nn.ConvNd with the same arguments.
        size: pixels of the images; by default twice as many as conv has taps, and at least 16.
        steps: of power iteration.

    >>> layer = FourierConv1d(1, 1, 5, parameterization="scaled", scale=2.0)
    >>> conv, bound = to_conv(layer, tolerance=0.1)
    >>> 0 < worst_error(layer, conv, 64) <= bound <= 0.1
    True
    """
    tolerance = layer.tolerance
    layer, conv = (copied(own).double().eval() for own in (layer, conv))
    for own in (layer, conv):
        drop_hooks(own)
    layer._tolerance = tolerance
    if size is None:
        size = max(16, *(2 * d * k for d, k in zip(conv.dilation, conv.kernel_size, strict=True)))
    size = arguments.positive("size", size, layer.dims)
    reference = Certificate(layer, 0.1, size).norm[0]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, layer.in_channels, *size, generator=generator, dtype=torch.float64)
    x = x.to(layer._like().device)
    found = 0.0
    for step in range(steps):
        with torch.set_grad_enabled(step < steps - 1):
            x = (x / x.norm()).requires_grad_()
            difference = layer(x) - conv(x)
            found = max(found, float(difference.detach().norm()))
            if not difference.requires_grad or not difference.any():
                break
            (x,) = torch.autograd.grad(difference, x, difference.detach())
    return found / reference if reference > 0 else found


# --- the search for the smallest ---


def _smallest(layer: Any, tolerance: float, size: tuple[int, ...] | None) -> tuple[Any, float]:
    """The convolution and its bound."""
    if overrides(layer, _FourierConvNd, "__call__", "forward"):
        raise ValueError(f"{type(layer).__name__} has a forward of its own, which nn.Conv{layer.dims}d would not have")
    certificate = Certificate(layer, tolerance, size)
    least, most = _limits(certificate)

    def passes(kernel_size: tuple[int, ...]) -> bool:
        return certificate.bound(kernel_size, tolerance) <= tolerance

    boxes = _nested(certificate, least, most)
    if not passes(boxes[-1]):
        raise ValueError(_why_not(certificate, boxes[-1], tolerance))
    low, high = -1, len(boxes) - 1  # the last one passes
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(boxes[middle]) else (middle, high)
    chosen = boxes[high]
    for axis, floor in enumerate(least):
        while chosen[axis] - 2 >= floor:
            smaller = (*chosen[:axis], chosen[axis] - 2, *chosen[axis + 1 :])
            if not passes(smaller):
                break
            chosen = smaller
    return _build(layer, certificate.weight(chosen), certificate.bias), certificate.bound(chosen)


def _limits(certificate: Certificate) -> tuple[list[int], list[int]]:
    """The least and the largest kernel_size per axis: padding is not negative, and borders reach only so far."""
    layer, least, most = certificate.layer, [], []
    for axis, (k, step) in enumerate(zip(layer.kernel_size, layer.dilation, strict=True)):
        floor = 2 - k % 2
        if layer.padding != "same":
            padding = 0 if layer.padding == "valid" else layer.padding[axis]
            floor = max(floor, k - 2 * (padding // step))
        first = certificate.firsts[axis]
        last = first + certificate.taps.shape[axis + 2] - 1
        size = floor
        while centred(size, step)[0] > first or centred(size, step)[1] < last:
            size += 2
        if certificate.size is not None and layer.padding_mode in ("circular", "reflect"):
            spare = certificate.size[axis] - (layer.padding_mode == "reflect") - max(layer._pairs[axis])
            size = min(size, k + 2 * (spare // step))  # nn.ConvNd's padding goes no farther
        least.append(floor)
        most.append(max(size, floor))
    return least, most


def _nested(certificate: Certificate, least: list[int], most: list[int]) -> list[tuple[int, ...]]:
    """Boxes, each inside the next: per axis the smallest outside of which is at most so much energy."""
    energy = certificate.taps.square().sum((0, 1))
    outside: list[dict[int, float]] = []
    for axis, (low, high) in enumerate(zip(least, most, strict=True)):
        own = energy.movedim(axis, 0).flatten(1).sum(1) if energy.ndim > 1 else energy
        kept = {size: certificate.positions(axis, size) for size in range(low, high + 1, 2)}
        outside.append({size: float(own.sum() - own[pixels[there]].sum()) for size, (pixels, there) in kept.items()})
    boxes: list[tuple[int, ...]] = []
    for threshold in sorted({value for own in outside for value in own.values()}, reverse=True):
        box = tuple(min((k for k, value in own.items() if value <= threshold), default=max(own)) for own in outside)
        if box not in boxes[-1:]:
            boxes.append(box)
    return boxes if boxes[-1] == tuple(most) else [*boxes, tuple(most)]


def _why_not(certificate: Certificate, kernel_size: tuple[int, ...], tolerance: float) -> str:
    layer, by = certificate.layer, "x".join(map(str, kernel_size))
    holds = all(
        centred(k, step)[0] <= first and centred(k, step)[1] >= first + span - 1
        for k, step, first, span in zip(
            kernel_size, layer.dilation, certificate.firsts, certificate.taps.shape[2:], strict=True
        )
    )
    why = f"rounding them to {layer._like().dtype}, and what kernels have beyond them, takes more"
    if not holds:
        image = "x".join(map(str, certificate.size or ()))
        why = f"{layer.padding_mode} padding of nn.ConvNd reaches no farther on images of {image} pixels"
    return (
        f"tolerance={tolerance} is not met by {by} taps, the largest kernel there is: {why}; "
        f"{certificate.bound(kernel_size):.2g} would be"
    )


def _build(layer: Any, weight: Tensor, bias: Tensor | None) -> Any:
    """An nn.ConvNd with this weight and bias, and the layer's other arguments."""
    kernel_size = tuple(weight.shape[2:])
    padding: Any = layer.padding
    if padding != "same":
        given = (0,) * layer.dims if padding == "valid" else padding
        axes = zip(given, layer.dilation, kernel_size, layer.kernel_size, strict=True)
        padding = tuple(pixels + step * (size - k) // 2 for pixels, step, size, k in axes)
    conv = _CONVS[layer.dims](
        layer.in_channels,
        layer.out_channels,
        kernel_size,
        layer.stride,
        padding,
        layer.dilation,
        layer.groups,
        bias is not None,
        layer.padding_mode,
        device="meta",
        dtype=weight.dtype,
    )
    conv.weight = nn.Parameter(weight, requires_grad=layer._like().requires_grad)
    if bias is not None:
        conv.bias = nn.Parameter(bias.detach().to(layer.bias.dtype).clone(), requires_grad=layer.bias.requires_grad)
    copy_hooks(layer, conv)
    return conv.train(layer.training)
