"""What a layer's kernels are, tap by tap, and by how much a layer with fewer taps differs from it at most."""

import copy
import math
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from fourierconv import norms
from fourierconv.kernels import FAR
from fourierconv.norms import Side
from fourierconv.separable import combine

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
        firsts: pixels from the origin to the first of them, per axis.
        missing: a bound on the norm of what else there is, relative to the kernels'.

    Raises:
        ValueError: coefficients that are not finite or on device meta; kernels too long to look at.
    """

    @torch.no_grad()
    def __init__(self, layer: Any, tolerance: float, size: tuple[int, ...] | None) -> None:
        self.layer, self.size = layer, size
        exact = copy.deepcopy(layer).eval()
        exact._tolerance = layer.tolerance
        exact.double().refresh()
        self.kernels = exact._kernels(tight=True)
        theta = exact._theta()
        if theta.is_meta or not bool(theta.isfinite().all()):
            fault = "are on device meta" if theta.is_meta else "hold NaN or Inf"
            raise ValueError(f"coefficients must be finite numbers, but {fault}")
        windows, self.missing = self._windows(tolerance)
        if max(last - first for first, last in windows) > FAR:
            raise ValueError(
                f"tolerance={tolerance}: kernels of parameterization={layer.parameterization!r} have more than {FAR} "
                f"taps per axis above it; use a larger tolerance"
            )
        windows = [kernel.occupied(*window) for kernel, window in zip(self.kernels, windows, strict=True)]
        self.firsts = [first for first, _ in windows]
        self.taps = combine(theta, [k.pixels(*window) for k, window in zip(self.kernels, windows, strict=True)])
        if size is not None and layer.padding_mode == "circular":
            self._wrap(size)

    def _windows(self, tolerance: float) -> tuple[list[tuple[int, int]], float]:
        """The pixels that are looked at per axis, and what they miss of the kernels and of what the layer applies."""
        layer, dims = self.layer, self.layer.dims
        whole = [kernel.extent(0.0, dims) for kernel in self.kernels]
        meets = whole if self.size is None or layer.padding_mode != "zeros" else self._meets(whole)
        # what a window misses is bounded for the kernels of one scale and stride 1: this much weaker for all together
        apart = math.sqrt(math.prod(layer.stride) * self.kernels[0].scale.shape[0])
        chosen = None
        for tail in TAILS:
            windows = [
                _inside(kernel.extent(tolerance * tail / apart, dims), most) for kernel, most in self._zip(meets)
            ]
            if chosen is not None and math.prod(last - first + 1 for first, last in windows) > TAPS:
                break
            if tail * self.enlarged() <= TAILS[0]:
                chosen = tail, windows
        tail, windows = chosen or (tail, windows)
        missing = 0.0 if windows == meets else tolerance * tail
        own = [_inside(kernel.extent(layer.tolerance, dims), most) for kernel, most in self._zip(meets)]
        cut = 0.0 if layer.padding_mode == "circular" or own == meets else layer.tolerance * apart
        return windows, missing + cut

    def _zip(self, windows: list[tuple[int, int]]) -> Any:
        return zip(self.kernels, windows, strict=True)

    def _meets(self, windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Without the taps that on images of this size meet nothing but zeros."""
        sides = [self.side(axis, 0) for axis in range(self.layer.dims)]
        ranges = [(1 - side.n - side.beyond, side.n - 1 - side.start) for side in sides if side.n is not None]
        return [_inside(window, most) for window, most in zip(windows, ranges, strict=True)]

    def _wrap(self, size: tuple[int, ...]) -> None:
        """Add up what meets the same pixel of a circle, unless dilation keeps an nn.ConvNd from doing so."""
        for axis, n in enumerate(size):
            span = self.taps.shape[axis + 2]
            if span > n and self.layer.dilation[axis] == 1:
                first = -((n - 1) // 2)
                pixels = (torch.arange(span, device=self.taps.device) + self.firsts[axis] - first) % n
                shape = [n if dim == axis + 2 else length for dim, length in enumerate(self.taps.shape)]
                self.taps = self.taps.new_zeros(shape).index_add(axis + 2, pixels, self.taps)
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
        mode = "circular" if self.layer.padding_mode == "circular" and self.size is not None else "zeros"
        sizes = self.size or (None,) * self.layer.dims
        axes = zip(self.firsts, self.layer.stride, sizes, strict=True)
        sides = [Side(mode, first, 0, 0, stride, 0, n) for first, stride, n in axes]
        lower, upper = norms.norm(self.taps, self.layer.groups, sides)
        return lower / (1 + self.missing), upper / (1 - self.missing)

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
        return weight.to(self.layer.coefficients.dtype).contiguous()

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
        if not difference.any() and (self.missing == 0 or not self.taps.any()):
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
        largest = self.taps.unflatten(0, (groups, -1)).flatten(3).square().sum((1, 2)).sqrt().sum(1).max()
        return float((energy / rank).sqrt() / largest) / (1 + self.missing)


def _inside(window: tuple[int, int], most: tuple[int, int]) -> tuple[int, int]:
    return max(window[0], most[0]), min(window[1], most[1])
