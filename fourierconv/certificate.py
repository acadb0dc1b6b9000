"""What a layer's kernels are, tap by tap, and by how much a layer with fewer taps differs from it at most."""

import math
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from fourierconv import norms
from fourierconv.kernels import FAR, taps_at, written_out
from fourierconv.norms import Side
from fourierconv.takeover import copied, make_weights

TAILS = (5e-2, 1e-2, 1e-3, 1e-4, 1e-5)  # of the tolerance, for what kernels have beyond the taps that are looked at
TAPS = 2**14  # that are looked at for a smaller tail than is needed


def centred(kernel_size: int, dilation: int) -> tuple[int, int]:
    """The first and the last pixel of an nn.ConvNd's taps, from its origin: its left 'same' padding.

    >>> centred(5, 1), centred(4, 2)
    ((-2, 2), (-3, 3))
    """
    origin = dilation * (kernel_size - 1) // 2
    return -origin, dilation * (kernel_size - 1) - origin


class Certificate:
    """A layer's taps as far as they matter to a tolerance, in float64, and bounds on differences from them.

    Args:
        layer: a Fourier layer; its kernels are those in eval mode.
        tolerance: of the differences that will be asked about, relative to the layer's norm.
        size: pixels of the images per axis, None for any.

    Attributes:
        taps: (out, in/groups, *span), dilation included.
        bias: (out,), or None.
        firsts: pixels from the origin to the first of them, per axis.
        missing: a bound on the norm of what else there is on those images, relative to the kernels'.

    Raises:
        ValueError: coefficients that are not finite or on device meta; kernels too long to look at.
    """

    @torch.no_grad()
    def __init__(self, layer: Any, tolerance: float, size: tuple[int, ...] | None) -> None:
        self.layer, self.size = layer, size
        exact = copied(layer).eval()
        exact._tolerance = layer.tolerance
        exact.double().refresh()
        make_weights(exact)
        theta, self.kernels = written_out(exact._theta(), exact._kernels(tight=True))
        self.bias = exact.bias
        if theta.is_meta or not bool(theta.isfinite().all()):
            fault = "are on device meta" if theta.is_meta else "hold NaN or Inf"
            raise ValueError(f"coefficients must be finite numbers, but {fault}")
        windows, self.tail = self._windows(tolerance)
        if max(last - first for first, last in windows) > FAR:
            raise ValueError(
                f"tolerance={tolerance}: kernels of parameterization={layer.parameterization!r} have more than {FAR} "
                f"taps per axis above it; use a larger tolerance"
            )
        windows = [kernel.occupied(*window) for kernel, window in zip(self.kernels, windows, strict=True)]
        self.firsts = [first for first, _ in windows]
        self.taps = taps_at(theta, self.kernels, windows)
        self.endless = self.taps  # what the layer's norm is of
        self.missing = self.tail + self.cut
        if size is not None and layer.padding_mode == "circular":
            self._wrap(size)
        elif size is not None and layer.padding_mode == "zeros":
            self._meet(size)

    def _windows(self, tolerance: float) -> tuple[list[tuple[int, int]], float]:
        """The pixels that are looked at per axis, and a bound on the norm of kernels beyond them."""
        dims = self.layer.dims
        whole = [kernel.extent(0.0, dims) for kernel in self.kernels]
        chosen = None
        for tail in TAILS:
            windows = [kernel.extent(tolerance * tail / self.apart, dims) for kernel in self.kernels]
            if chosen is not None and math.prod(last - first + 1 for first, last in windows) > TAPS:
                break
            if tail * self.enlarged() <= TAILS[0]:
                chosen = tail, windows
        tail, windows = chosen or (tail, windows)
        return windows, 0.0 if windows == whole else tolerance * tail

    @property
    def apart(self) -> float:
        """By how much a bound for the kernels of one scale and stride 1 is weaker for all of them together."""
        return math.sqrt(math.prod(self.layer.stride) * self.kernels[0].scale.shape[0])

    @property
    def cut(self) -> float:
        """A bound on what the layer itself leaves out, relative to its norm."""
        layer = self.layer
        ends = all(k.ends(layer.tolerance, layer.dims) for k in self.kernels)
        return 0.0 if layer.padding_mode == "circular" or ends else layer.tolerance * self.apart

    def _meet(self, size: tuple[int, ...]) -> None:
        """Leave out the taps that on images of this size meet nothing but zeros."""
        every = True
        for axis, n in enumerate(size):
            side, span = self.side(axis, self.firsts[axis]), self.taps.shape[axis + 2]
            low, high = 1 - n - side.beyond - side.first, n - side.start - side.first
            every &= low >= 0 and high <= span
            low, high = min(max(low, 0), span - 1), max(min(high, span), 1)
            self.taps = self.taps.narrow(axis + 2, low, max(high - low, 1))
            self.firsts[axis] += low
        if every:
            self.missing = self.cut

    def _wrap(self, size: tuple[int, ...]) -> None:
        """Add up what meets the same pixel of a circle, unless dilation keeps an nn.ConvNd from doing so."""
        for axis, n in enumerate(size):
            span = self.taps.shape[axis + 2]
            if span > n and self.layer.dilation[axis] == 1:
                first = -((n - 1) // 2)
                self.taps = norms.wrap(self.taps, axis + 2, n, self.firsts[axis] - first)
                self.firsts[axis] = first

    def side(self, axis: int, first: int) -> Side:
        """One axis of images and outputs, with taps from the pixel `first` on."""
        layer, kernel, (left, right) = self.layer, self.kernels[axis], self.layer._pairs[axis]
        beyond = right - kernel.dilation * (kernel.kernel_size - 1) + kernel.origin
        n = None if self.size is None else self.size[axis]
        return Side(layer.padding_mode, first, kernel.origin - left, beyond, layer.stride[axis], max(left, right), n)

    @cached_property
    def norm(self) -> tuple[float, float]:
        """Bounds on the layer's norm: inside images, or on circles of their size."""
        sizes = self.size or (None,) * self.layer.dims
        circles = all(n is not None and n % stride == 0 for n, stride in zip(sizes, self.layer.stride, strict=True))
        mode = "circular" if circles and self.layer.padding_mode == "circular" else "zeros"
        sides = [Side(mode, 0, 0, 0, stride, 0, n) for stride, n in zip(self.layer.stride, sizes, strict=True)]
        lower, upper = norms.norm(self.endless, self.layer.groups, sides)
        return lower / (1 + self.tail), upper / (1 - self.tail)

    def enlarged(self) -> float:
        """A bound on what borders make of the norm of any kernels; 'replicate' reads a corner that often."""
        mode, norms = self.layer.padding_mode, 1
        for axis, kernel in enumerate(self.kernels):
            first, last = kernel.extent(self.layer.tolerance, self.layer.dims)
            side = self.side(axis, first)
            if mode == "circular":
                norms *= side.repeats()
            elif mode == "reflect":
                norms *= 2 * side.periods()
            elif mode == "replicate":
                norms *= 1 + sum(min(pixels, FAR) for pixels in side.reads(last - first + 1))
        return math.sqrt(norms)

    # --- fewer taps ---

    def positions(self, axis: int, kernel_size: int) -> tuple[Tensor, Tensor]:
        """Where the taps of an nn.ConvNd lie among all of them, and which of them do."""
        first, last = centred(kernel_size, self.layer.dilation[axis])
        pixels = torch.arange(first, last + 1, self.layer.dilation[axis], device=self.taps.device) - self.firsts[axis]
        return pixels, (pixels >= 0) & (pixels < self.taps.shape[axis + 2])

    def weight(self, kernel_size: tuple[int, ...]) -> Tensor:
        """The weight of an nn.ConvNd with so many taps, in the layer's dtype."""
        weight = self.taps
        for axis, size in enumerate(kernel_size):
            pixels, there = self.positions(axis, size)
            weight = weight.index_select(axis + 2, pixels.clamp(0, weight.shape[axis + 2] - 1))
            weight = weight * there.view([-1 if dim == axis + 2 else 1 for dim in range(weight.ndim)])
        return weight.to(self.layer._like().dtype).contiguous()

    def bound(self, kernel_size: tuple[int, ...], allowed: float | None = None) -> float:
        """A bound on ‖layer(x) - conv(x)‖ / ‖x‖, relative to the layer's norm, conv having that weight.

        Args:
            kernel_size: taps per axis.
            allowed: a value that decides; on either side of it the bound need not be tight.
        """
        kept, inside = self.weight(kernel_size).double(), []
        for axis, size in enumerate(kernel_size):
            pixels, there = self.positions(axis, size)
            kept = kept.index_select(axis + 2, there.nonzero().flatten())
            inside.append(pixels[there])
        difference = self.taps.clone()
        box: tuple[Any, ...] = (..., *torch.meshgrid(*inside, indexing="ij"))
        difference[box] -= kept
        if not difference.any() and (self.missing == 0 or not self.endless.any()):
            return 0.0
        if allowed is not None and (surely := self._at_least(difference)) > allowed:
            return surely
        lower, upper = self.norm
        missing = self.missing * upper / lower * self.enlarged()
        aim = None if allowed is None else max(allowed - missing, 0.0) * lower
        sides = [self.side(axis, first) for axis, first in enumerate(self.firsts)]
        return norms.norm(difference, self.layer.groups, sides, aim)[1] / lower + missing

    def _at_least(self, difference: Tensor) -> float:
        """What a difference is in any case: the mean over frequency bounds it, and the layer's norm a sum over taps."""
        if self.layer.padding_mode == "circular" and self.size is not None:
            return 0.0  # taps may meet on the circle
        groups = self.layer.groups
        rank = min(difference.shape[0] // groups, difference.shape[1] * math.prod(self.layer.stride))
        energy = difference.unflatten(0, (groups, -1)).square().flatten(1).sum(1).max()
        largest = self.endless.unflatten(0, (groups, -1)).flatten(3).square().sum((1, 2)).sqrt().sum(1).max()
        return float((energy / rank).sqrt() / largest) / (1 + self.tail)
