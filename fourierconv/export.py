"""From Fourier layers to nn.ConvNd, as small as a tolerance allows, with a bound on what that changes."""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, overload

import torch
from torch import Tensor, nn

from fourierconv import arguments
from fourierconv.kernels import FAR
from fourierconv.layers import FourierConv1d, FourierConv2d, FourierConv3d, _FourierConvNd
from fourierconv.norms import Side, norm
from fourierconv.separable import combine

Conv = nn.Conv1d | nn.Conv2d | nn.Conv3d
Layer = FourierConv1d | FourierConv2d | FourierConv3d

_CONVS: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TAILS = (5e-2, 1e-2, 1e-3, 1e-4, 1e-5)  # of the tolerance, for what kernels have beyond the taps that are looked at
TAPS = 2**14  # that are looked at for a smaller tail than is needed
STEPS = 50  # of power iteration


@dataclass(frozen=True)
class Exported:
    """One layer of an exported model.

    Attributes:
        name: of the layer in the model.
        kernel_size: taps of its nn.ConvNd per axis.
        coefficients: of the Fourier layer per axis and kernel.
        bound: on ‖layer(x) - conv(x)‖ / ‖x‖, relative to the layer's norm.
        error: the same for the worst image that was found, of white noise and 50 steps of power iteration.
    """

    name: str
    kernel_size: tuple[int, ...]
    coefficients: tuple[int, ...]
    bound: float
    error: float


@overload
def to_conv(
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
    'reflect' multiplies it by up to √2 per axis, 'replicate' by what sums of taps next to the edge add. Smallest means
    that no axis can do with two taps less. Stride, dilation, groups, padding mode and the kernels' parity are kept, and
    padding grows with the kernel.

    Args:
        layer: a Fourier layer; or a model, of which a copy is returned that has an nn.ConvNd for every Fourier layer.
            Shared layers stay shared. Its batch norms may be folded into it afterwards
            (torch.fx.experimental.optimization.fuse).
        tolerance: relative error, above 0 and below 1. Rounding taps to float32 takes about 1e-7 of it, to bfloat16
            4e-3.
        image_size: pixels per axis, an int or one per axis, of a layer whose images are all of one size: circular
            layers are exported as what they are on it, taps that meet nothing but zeros are cut off, and the bound is
            one for that size. By default it holds for every size.

    Returns:
        (conv, bound), or for a model (copy, list of `Exported`), in the order of its layers. As in eval mode, on the
        layer's device and in its dtype.

    Raises:
        ValueError: a tolerance out of its limits; one that no kernel meets, for the image's size, the padding or the
            dtype, with the reason; kernels too long for a bound; a model without Fourier layers; NaN coefficients. In a
            model with the layer's name.
        TypeError: no nn.Module.

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
        return _Search(layer, float(tolerance), size).run()
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
            conv, bound = _Search(layer, tolerance, None).run()
        except ValueError as error:
            raise ValueError(f"layer {name!r}: {error}") from error
        new[layer] = conv
        rows.append(Exported(name, conv.kernel_size, layer.kernel_size, bound, worst_error(layer, conv)))
    # layers are put in while the rest is copied
    return copy.deepcopy(model, {id(layer): conv for layer, conv in new.items()}), rows


def worst_error(layer: Any, conv: Any, size: int | Sequence[int] | None = None) -> float:
    """The largest ‖layer(x) - conv(x)‖ / ‖x‖ that is found, relative to the layer's norm.

    White noise is turned by power iteration towards the image on which the two differ most, in float64.

    Args:
        layer: a Fourier layer.
        conv: an nn.ConvNd with the same arguments.
        size: pixels of the images; by default twice as many as conv has taps, and at least 16.

    >>> layer = FourierConv1d(1, 1, 5, parameterization="scaled", scale=2.0)
    >>> conv, bound = to_conv(layer, tolerance=0.1)
    >>> 0 < worst_error(layer, conv, 64) <= bound <= 0.1
    True
    """
    layer, conv = (copy.deepcopy(own).double().eval() for own in (layer, conv))
    if size is None:
        size = max(16, *(2 * d * k for d, k in zip(conv.dilation, conv.kernel_size, strict=True)))
    size = arguments.positive("size", size, layer.dims)
    reference = _Search(layer, 0.5, size).layers_norm()[0]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, layer.in_channels, *size, generator=generator, dtype=torch.float64)
    x = x.to(layer.coefficients.device)
    found = 0.0
    for _ in range(STEPS):
        with torch.enable_grad():
            x = (x / x.norm()).requires_grad_()
            difference = layer(x) - conv(x)
            (turned,) = torch.autograd.grad(difference, x, difference.detach())
        found = max(found, float(difference.detach().norm()))
        if not turned.any():
            break
        x = turned
    return found / reference if reference > 0 else found


class _Search:
    """For the smallest nn.ConvNd within a tolerance of a layer."""

    @torch.no_grad()
    def __init__(self, layer: Any, tolerance: float, size: tuple[int, ...] | None) -> None:
        self.layer, self.tolerance, self.size = layer, tolerance, size
        exact = copy.deepcopy(layer).eval()
        exact._tolerance = layer.tolerance
        exact.double().refresh()
        self.kernels = exact._kernels(tight=True)
        theta = exact._theta()
        if not (theta.is_meta or bool(theta.isfinite().all())):
            raise ValueError("coefficients must be finite, but hold NaN or Inf: there is nothing to export")
        # what a window misses is bounded for the kernels of one scale and stride 1: this much weaker for all together
        apart = math.sqrt(math.prod(layer.stride) * self.kernels[0].scale.shape[0])
        chosen = None
        for tail in TAILS:
            windows = [kernel.extent(tolerance * tail / apart, layer.dims) for kernel in self.kernels]
            if chosen is not None and math.prod(last - first + 1 for first, last in windows) > TAPS:
                break
            if tail * self._replicas() <= TAILS[0]:
                chosen = tail, windows
        tail, windows = chosen or (tail, windows)
        self.missing = tolerance * tail + (0.0 if layer.padding_mode == "circular" else layer.tolerance * apart)
        if windows == [kernel.extent(0.0, layer.dims) for kernel in self.kernels]:
            self.missing = 0.0
        if max(last - first for first, last in windows) > FAR:
            raise ValueError(
                f"tolerance={tolerance}: kernels of parameterization={layer.parameterization!r} have more than {FAR} "
                f"taps above it; use a larger tolerance"
            )
        windows = [kernel.occupied(*window) for kernel, window in zip(self.kernels, windows, strict=True)]
        self.firsts = [first for first, _ in windows]
        self.taps = combine(theta, [k.pixels(*window) for k, window in zip(self.kernels, windows, strict=True)])
        self._meet_the_image()

    def _meet_the_image(self) -> None:
        """On images of one size, cut off taps that only meet zeros, and wrap those that go around a circle."""
        if self.size is None:
            return
        for axis, (side, n) in enumerate(zip(self._sides(), self.size, strict=True)):
            span = self.taps.shape[axis + 2]
            if side.mode == "zeros":
                low = max(0, -(n - 1 + side.beyond) - side.first)
                high = min(span, n - side.start - side.first)
                self.taps = self.taps.narrow(axis + 2, low, max(high - low, 0))
                self.firsts[axis] += low
                if (low, high) != (0, span):
                    self.missing = 0.0
            elif side.mode == "circular" and span > n and self.layer.dilation[axis] == 1:
                first = -((n - 1) // 2)
                index = (torch.arange(span, device=self.taps.device) + self.firsts[axis] - first) % n
                shape = [n if dim == axis + 2 else length for dim, length in enumerate(self.taps.shape)]
                self.taps = self.taps.new_zeros(shape).index_add(axis + 2, index, self.taps)
                self.firsts[axis] = first

    def _sides(self) -> list[Side]:
        sizes = self.size or (None,) * self.layer.dims
        return [self._side(axis, first, n) for axis, (first, n) in enumerate(zip(self.firsts, sizes, strict=True))]

    def _side(self, axis: int, first: int, n: int | None) -> Side:
        layer, kernel, (left, right) = self.layer, self.kernels[axis], self.layer._pairs[axis]
        beyond = right - kernel.dilation * (kernel.kernel_size - 1) + kernel.origin
        start = kernel.origin - left
        return Side(layer.padding_mode, first, start, beyond, layer.stride[axis], max(left, right), n)

    def layers_norm(self) -> tuple[float, float]:
        """Bounds on the layer's own norm, inside an image or on the circle."""
        sides = self._sides()
        if self.layer.padding_mode != "circular" or self.size is None:
            sides = [Side("zeros", side.first, 0, 0, side.stride) for side in sides]
        else:
            sides = [Side("circular", side.first, 0, 0, side.stride, 0, side.n) for side in sides]
        lower, upper = norm(self.taps, self.layer.groups, sides)
        return lower / (1 + self.missing), upper / (1 - self.missing)

    # --- the search ---

    @torch.no_grad()
    def run(self) -> tuple[Any, float]:
        """The convolution and its bound."""
        least, most = self._limits()
        self.own, self.own_upper = self.layers_norm()
        sizes = self._nested(least, most)
        if not self._passes(sizes[-1]):
            raise ValueError(self._why_not(sizes[-1], most))
        low, high = -1, len(sizes) - 1  # the last one passes
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._passes(sizes[middle]) else (middle, high)
        chosen = sizes[high]
        for axis, floor in enumerate(least):
            while chosen[axis] - 2 >= floor:
                smaller = (*chosen[:axis], chosen[axis] - 2, *chosen[axis + 1 :])
                if not self._passes(smaller):
                    break
                chosen = smaller
        return self._build(chosen), self._bound(chosen)[1]

    def _limits(self) -> tuple[list[int], list[int]]:
        """The least and the largest kernel_size per axis: padding is not negative, and borders reach only so far."""
        least, most = [], []
        for axis, (kernel, side) in enumerate(zip(self.kernels, self._sides(), strict=True)):
            k, step, padding = kernel.kernel_size, kernel.dilation, self.layer.padding
            parity = 2 - k % 2
            if padding != "same":
                given = 0 if padding == "valid" else padding[axis]
                parity = max(parity, k - 2 * (given // step))
            first, last = side.first, side.first + self.taps.shape[axis + 2] - 1
            size = parity
            while not (-_origin(size, step) <= first and last <= step * (size - 1) - _origin(size, step)):
                size += 2
            if self.size is not None and side.mode in ("circular", "reflect"):  # nn.ConvNd's padding goes so far
                spare = self.size[axis] - (side.mode == "reflect") - side.padding
                size = min(size, k + 2 * (spare // step))
            least.append(parity)
            most.append(max(size, parity))
        return least, most

    def _nested(self, least: list[int], most: list[int]) -> list[tuple[int, ...]]:
        """Boxes, each inside the next: per axis the smallest whose outside has at most so much energy."""
        energy = self.taps.square().sum((0, 1))
        options = []
        for axis, (low, high) in enumerate(zip(least, most, strict=True)):
            others = [dim for dim in range(energy.ndim) if dim != axis]
            own = energy.sum(others) if others else energy
            outside = {}
            for size in range(low, high + 1, 2):
                kept = self._window(axis, size)
                outside[size] = float(own.sum() - own[kept].sum())
            options.append(outside)
        thresholds = sorted({value for outside in options for value in outside.values()}, reverse=True)
        boxes = []
        for threshold in thresholds:
            box = tuple(
                min((size for size, value in own.items() if value <= threshold), default=max(own)) for own in options
            )
            if not boxes or boxes[-1] != box:
                boxes.append(box)
        if boxes[-1] != tuple(most):
            boxes.append(tuple(most))
        return boxes

    def _window(self, axis: int, size: int) -> Tensor:
        """Where the taps of a kernel of that size lie among all taps; those beyond are left out."""
        positions = self._positions(axis, size)
        return positions[(positions >= 0) & (positions < self.taps.shape[axis + 2])]

    def _positions(self, axis: int, size: int) -> Tensor:
        step = self.kernels[axis].dilation
        own = step * torch.arange(size, device=self.taps.device) - _origin(size, step)
        return own - self.firsts[axis]

    def _weight(self, sizes: tuple[int, ...]) -> Tensor:
        """The taps of the box, in the layer's dtype."""
        weight = self.taps
        for axis, size in enumerate(sizes):
            positions = self._positions(axis, size)
            span = weight.shape[axis + 2]
            there = (positions >= 0) & (positions < span)
            shape = [-1 if dim == axis + 2 else 1 for dim in range(weight.ndim)]
            weight = weight.index_select(axis + 2, positions.clamp(0, max(span - 1, 0))) * there.view(shape)
        return weight.to(self.layer.coefficients.dtype)

    def _bound(self, sizes: tuple[int, ...], allowed: float | None = None) -> tuple[float, float]:
        """Bounds on the difference, relative to the layer's norm."""
        kept = self._weight(sizes).double()
        difference = self.taps.clone()
        inside: list[Tensor] = []
        for axis, size in enumerate(sizes):
            positions = self._positions(axis, size)
            there = (positions >= 0) & (positions < self.taps.shape[axis + 2])
            kept = kept.index_select(axis + 2, there.nonzero().flatten())
            inside.append(positions[there])
        index = (slice(None), slice(None), *torch.meshgrid(*inside, indexing="ij"))
        difference[index] -= kept
        sides = self._sides()
        if self.own == 0:
            return 0.0, 0.0
        tail = self.missing * self.own_upper / self.own * self._borders(sides)
        aim = None if allowed is None else max(allowed - tail, 0.0) * self.own
        lower, upper = norm(difference, self.layer.groups, sides, aim)
        return lower / self.own_upper, upper / self.own + tail

    def _borders(self, sides: list[Side]) -> float:
        """By how much borders may enlarge what is not looked at."""
        norms = {
            "zeros": lambda side: 1,
            "circular": lambda side: side.repeats(),
            "reflect": lambda side: 2 * side.periods(),
            "replicate": lambda side: 1,
        }
        return math.sqrt(math.prod(norms[side.mode](side) for side in sides)) * self._replicas()

    def _replicas(self) -> float:
        """Root of how often 'replicate' reads a pixel of the edge, a corner in the worst case."""
        if self.layer.padding_mode != "replicate":
            return 1.0
        reads = 1
        for axis, kernel in enumerate(self.kernels):
            first, last = kernel.extent(self.layer.tolerance, self.layer.dims)
            reads *= 1 + sum(min(pixels, FAR) for pixels in self._side(axis, first, None).reads(last - first + 1))
        return math.sqrt(reads)

    def _passes(self, sizes: tuple[int, ...]) -> bool:
        return self._bound(sizes, self.tolerance)[1] <= self.tolerance

    def _why_not(self, sizes: tuple[int, ...], most: list[int]) -> str:
        reached = self._bound(sizes)[1]
        by = "x".join(map(str, sizes))
        dtype = self.layer.coefficients.dtype
        if tuple(most) == sizes and self.size is not None and self.layer.padding_mode in ("reflect", "circular"):
            why = (
                f"nn.ConvNd's {self.layer.padding_mode} padding reaches no farther on images of "
                f"{'x'.join(map(str, self.size))} pixels"
            )
        else:
            why = f"what is left is the rounding of the taps to {dtype}"
        return f"tolerance={self.tolerance} is not met by {by} taps, the largest: {why}; {reached:.2g} is"

    def _build(self, sizes: tuple[int, ...]) -> Any:
        layer = self.layer
        padding: Any = layer.padding
        if padding != "same":
            given = (0,) * layer.dims if padding == "valid" else padding
            more = zip(given, layer.dilation, sizes, layer.kernel_size, strict=True)
            padding = tuple(p + d * (size - k) // 2 for p, d, size, k in more)
        conv = _CONVS[layer.dims](
            layer.in_channels,
            layer.out_channels,
            sizes,
            layer.stride,
            padding,
            layer.dilation,
            layer.groups,
            layer.bias is not None,
            layer.padding_mode,
            device="meta",
            dtype=layer.coefficients.dtype,
        )
        learned = layer.coefficients.requires_grad
        conv.weight = nn.Parameter(self._weight(sizes).contiguous(), requires_grad=learned)
        if layer.bias is not None:
            conv.bias = nn.Parameter(layer.bias.detach().clone(), requires_grad=layer.bias.requires_grad)
        return conv.train(layer.training)


def _origin(kernel_size: int, dilation: int) -> int:
    """Pixels from the first tap to the origin: nn.ConvNd's left 'same' padding."""
    return dilation * (kernel_size - 1) // 2
