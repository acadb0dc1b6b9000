"""One axis of a layer's kernels: a parameterization at its present scales, dilated, under its window, in pixels."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from fourierconv import phases
from fourierconv.borders import period
from fourierconv.grid import Axis, circular_axis, extended_axis, linear_axis
from fourierconv.parameterizations import Parameterization
from fourierconv.parameterizations.base import gaussian, lattice, origin
from fourierconv.parameterizations.spatial import Plain, Spatial
from fourierconv.remembered import remembered
from fourierconv.separable import LONG, combine, dft, spectra, transform

FAR = 4096  # from the origin, beyond which taps of kernels that never end are not written out
NEGLIGIBLE = 9.0  # widths of a Gaussian beyond which it is below 1e-17


@dataclass(frozen=True)
class AxisKernel:
    """The matrices of one axis: from coefficients to taps and spectra.

    Attributes:
        own: the parameterization.
        kernel_size: number of coefficients as nn.ConvNd counts them.
        dilation: pixels between neighbouring taps.
        scale, reach: learned scales (scales,), and a bound that none exceeds, in pixels.
        window, window_reach: widths of the Gaussian window (scales,), and their bound; None without one.
    """

    own: Parameterization
    kernel_size: int
    dilation: int
    scale: Tensor
    reach: float
    window: Tensor | None = None
    window_reach: float = 1.0

    @property
    def constant(self) -> tuple[Hashable, ...] | None:
        """What its matrices depend on, besides dtype and device; None where more than the coefficients is learned."""
        if self.own.scale_limits is not None or self.window is not None:
            return None
        return type(self.own), self.own.reference_grid, self.support(0.0, 1), self.kernel_size, self.dilation

    @property
    def origin(self) -> int:
        """Pixels from the first of kernel_size taps to the origin: nn.ConvNd's left 'same' padding."""
        return self.dilation * (self.kernel_size - 1) // 2

    @property
    def shift(self) -> int:
        """Pixels from the origin to tap 0: none, or half a dilated step to the left for an even number of taps."""
        return self.dilation * origin(self.kernel_size) - self.origin

    def support(self, tolerance: float, dims: int) -> tuple[int, int]:
        """First and last tap, before dilation, of a window whose dropped taps do not matter."""
        if self.window is None:
            return self.own.window(self.kernel_size, self.reach, tolerance, dims)
        first, last = self.own.window(self.kernel_size, self.reach, 0.0, dims)
        reach = math.ceil(NEGLIGIBLE * self.window_reach) + self.kernel_size
        return max(first, -reach), min(last, reach)

    def ends(self, tolerance: float, dims: int) -> bool:
        """Whether no taps are dropped at this tolerance: the kernel has no others."""
        return self.support(tolerance, dims) == self.support(0.0, dims)

    def are_taps(self, first: int, last: int) -> bool:
        """Whether A at the positions first, ..., last is the identity: the coefficients are the taps."""
        return type(self.own) in (Spatial, Plain) and self.window is None and (first, last) == self.support(0.0, 1)

    @property
    def long(self) -> bool:
        """Whether A would be large, and `written_out` does without it."""
        return self.own.has_lines and self.own.grid(self.kernel_size) ** 2 > LONG

    @property
    def plain(self) -> bool:
        """Whether the coefficients are taps that `written_out` made; see `place`, `transform` and `taps_at`."""
        return isinstance(self.own, Plain)

    def taps(self, positions: Tensor) -> Tensor:
        """The matrix A at int64 positions before dilation, (scales, positions, coefficients)."""
        taps = self.own.taps(positions, self.kernel_size, self.scale)
        if self.window is None:
            return taps
        return gaussian(positions, self.kernel_size, self.window).unsqueeze(-1) * taps

    def basis(self, n: int, rows: int) -> Tensor:
        """The matrix B on a circular grid of n points before dilation, complex (scales, rows, coefficients)."""
        support = self.support(0.0, 1)
        if self.window is None and not self.are_taps(*support):
            return self.own.basis(n, rows, self.kernel_size, self.scale, self.reach)
        positions = lattice(*support, device=self.scale.device)
        if self.are_taps(*support):
            return dft(n, positions, rows, self.scale.dtype).unsqueeze(0)
        return spectra(n, positions, rows, self.taps(positions))

    def spectrum(self, n: int, rows: int, shift: int | None = None) -> Tensor:
        """The dilated kernel's B on n points, tap 0 at `shift` pixels; by default where it is centred."""
        shift = self.shift if shift is None else shift
        if self.dilation == 1:
            matrix = self.basis(n, rows)
        else:  # Ŵ(d·u): the basis on the dilated frequencies
            frequencies = torch.arange(rows, device=self.scale.device) * self.dilation % n
            matrix = self.basis(n, n).index_select(1, frequencies)
        return matrix * dft(n, lattice(shift, shift, self.scale.device), rows, self.scale.dtype) if shift else matrix

    def wrapped(self, n: int, shift: int) -> Tensor:
        """The dilated kernel's A, wrapped onto a circle of n pixels, tap 0 at `shift`, (scales, n, coefficients)."""
        return torch.fft.irfft(self.spectrum(n, n // 2 + 1, shift), n=n, dim=1)

    def lay_out(
        self, mode: str, support: tuple[int, int], n: int, size: int, stride: int, left: int, ends: bool
    ) -> "LaidOut":
        """How a convolution with this kernel lies along its axis.

        Args:
            mode: what lies beyond the image: 'zeros', 'circular', 'reflect' or 'replicate'.
            support: first and last tap, before dilation, that are applied; a circular image takes all of them.
            n, size: pixels of the image and of the output.
            stride: pixels from one output to the next.
            left: pixels of padding before the image.
            ends: whether there are no taps beyond the support.
        """
        start = self.shift + self.origin - left  # of tap 0 from stride times the output pixel
        first, last = support
        circle = n if mode == "circular" else None
        if mode == "reflect" and self.dilation * (last - first) >= period(mode, n):
            circle = period(mode, n)
        if mode == "replicate":
            first, last = max(first, -FAR), min(last, FAR)
        linear = None
        if mode == "circular":
            whole = circular_axis(n, 0, n - 1, size, stride=stride)
            if ends and self.dilation * (last - first) < n and size * stride <= n + stride - 1:
                linear = extended_axis(mode, n, first, last, size, start, self.dilation, stride)
        elif mode == "zeros":
            whole = linear = linear_axis(n, first, last, size, start, self.dilation, stride)
        elif circle is None:
            whole = linear = extended_axis(mode, n, first, last, size, start, self.dilation, stride)
        else:
            whole = extended_axis(mode, n, 0, circle - 1, size, stride=stride)
        return LaidOut(self, whole, linear, start, circle)

    def pixels(self, first: int, last: int) -> Tensor:
        """The dilated kernel's A at the pixels first, ..., last from the origin; zero between taps."""
        if self.dilation == 1:
            return self.taps(lattice(first, last, self.scale.device))
        positions = lattice(first, last, self.scale.device) - self.shift
        whole = positions.div(self.dilation, rounding_mode="floor")
        return self.taps(whole) * (positions == self.dilation * whole).view(1, -1, 1)

    def place(self, taps: Tensor, axis: int, first: int, last: int) -> Tensor:
        """`pixels` of a plain kernel, applied to its taps along that axis."""
        low, high = self.support(0.0, 1)
        left = max(low, -((self.shift - first) // self.dilation))
        right = min(high, (last - self.shift) // self.dilation)
        where = self.dilation * lattice(left, right, taps.device) + self.shift - first
        return _scattered(taps.narrow(axis, left - low, right - left + 1), axis, last - first + 1, where)

    def transform(self, taps: Tensor, axis: int, n: int, rows: int, stride: int = 1) -> Tensor:
        """Spectra of the phases of a plain kernel, centred on n pixels: (.., taps, ..) -> (.., stride · rows, ..)."""
        where = (self.dilation * lattice(*self.support(0.0, 1), taps.device) + self.shift).remainder(n)
        lines = _scattered(taps, axis, n, where).movedim(axis, 0)
        circle = Axis(0, n - 1, n // stride, n // stride, stride=stride)
        spectra = phases.transform_circle(circle, rows, lines.flatten(1).unsqueeze(0)).squeeze(0)
        return spectra.unflatten(1, lines.shape[1:]).movedim(0, axis)

    def gain(self) -> Tensor:
        """The parameterization's gain at the present scales, and under the window: (scales or 1,)."""
        if self.long:
            width, envelope = self.own.width(self.kernel_size), self.envelope().square()
            if width == envelope.shape[-1]:  # rows of one length
                return envelope.mean(-1).sqrt()
            columns = self.own.lines(
                torch.eye(width, dtype=envelope.dtype, device=envelope.device), 1, self.kernel_size
            )
            return (envelope @ columns.square().sum(0) / width).sqrt()
        if self.window is None:
            return self.own.gain(self.kernel_size, self.scale)
        return (self.column_energies().sum(-1) / self.own.width(self.kernel_size)).sqrt()

    def envelope(self) -> Tensor:
        """What multiplies the taps of the whole window, (1 or scales, taps)."""
        positions = lattice(*self.own.window(self.kernel_size, self.reach, 0.0, 1), device=self.scale.device)
        envelope = self.own.envelope(positions, self.kernel_size, self.scale)
        if envelope is None:
            envelope = self.scale.new_ones(1, len(positions))
        return envelope if self.window is None else envelope * gaussian(positions, self.kernel_size, self.window)

    def written_out(self, coefficients: Tensor, axis: int) -> "tuple[Tensor, AxisKernel]":
        """Taps of a long kernel in place of coefficients along that axis, and the plain kernel that has them."""
        taps = self.own.lines(coefficients, axis, self.kernel_size)
        begin, _ = self.own.window(self.kernel_size, self.reach, 0.0, 1)
        first, last = self.support(0.0, 1)
        if self.window is not None or type(self.own).envelope is not Parameterization.envelope:
            envelope = self.envelope()
            envelope = envelope.repeat_interleave(len(taps) // len(envelope), 0)
            taps = taps * envelope.view(len(envelope), *[-1 if own == axis else 1 for own in range(1, taps.ndim)])
        taps = taps.narrow(axis, first - begin, last - first + 1)
        return taps, replace(self, own=Plain(first, last), window=None)

    def occupied(self, first: int, last: int) -> tuple[int, int]:
        """The first and the last of these pixels at which any coefficient has a tap."""
        if self.scale.is_meta:
            return first, last
        if self.plain:
            start, end = self.extent(0.0, 1)
            return max(first, start), min(last, end)
        rows = (self.pixels(first, last) != 0).any(-1).any(0).nonzero().flatten()
        return first + int(rows[0]), first + int(rows[-1])

    def column_energies(self) -> Tensor:
        """Energy of every column of A, (scales, columns); of a long kernel, of an A that is diagonal."""
        if self.long:
            return self.envelope().square()
        return self.taps(lattice(*self.support(1e-4, 1), self.scale.device)).square().sum(-2)

    def gram(self, tolerance: float, dims: int) -> tuple[Tensor, Tensor]:
        """AᵀA and AᵀD²A, (scales, columns, columns), D the pixels from the origin.

        Kernels that never end count as far as 4096 taps from it.
        """
        first, last = self.support(tolerance, dims)
        if not self.ends(tolerance, dims):
            first, last = max(first, -FAR), min(last, FAR)
        matrix = self.taps(lattice(first, last, self.scale.device))
        distance = self.distances(first, last).view(-1, 1)
        if self.are_taps(first, last):
            return matrix, distance.square() * matrix
        return matrix.mT @ matrix, (distance * matrix).mT @ (distance * matrix)

    def distances(self, first: int, last: int) -> Tensor:
        """Pixels from the origin to the taps first, ..., last, (taps,)."""
        return (self.dilation * lattice(first, last, self.scale.device) + self.shift).to(self.scale.dtype)

    def extent(self, tolerance: float, dims: int) -> tuple[int, int]:
        """First and last pixel, from the origin, of the dilated kernel."""
        first, last = self.support(tolerance, dims)
        return self.dilation * first + self.shift, self.dilation * last + self.shift


def written_out(coefficients: Tensor, kernels: Sequence[AxisKernel]) -> tuple[Tensor, list[AxisKernel]]:
    """Coefficients and their axes, but with taps in place of long axes, whose kernels are plain then."""
    found = []
    for axis, kernel in enumerate(kernels, 2):
        if kernel.long:
            coefficients, kernel = kernel.written_out(coefficients, axis)
        found.append(kernel)
    return coefficients, found


def taps_at(coefficients: Tensor, kernels: Sequence[AxisKernel], windows: Sequence[tuple[int, int]]) -> Tensor:
    """Taps at windows of pixels from the origin, first and last one per axis: (out, in/groups, *sizes)."""
    matrices = []
    for axis, (kernel, window) in enumerate(zip(kernels, windows, strict=True), 2):
        coefficients = kernel.place(coefficients, axis, *window) if kernel.plain else coefficients
        matrices.append(None if kernel.plain else kernel.pixels(*window))
    return combine(coefficients, matrices)


def _scattered(taps: Tensor, axis: int, n: int, where: Tensor) -> Tensor:
    """Taps among n pixels of an axis, those that meet added up."""
    shape = [*taps.shape[:axis], n, *taps.shape[axis + 1 :]]
    return taps.new_zeros(shape).index_add(axis, where, taps)


@dataclass(frozen=True)
class LaidOut:
    """One axis of a layer's convolution, a `Filter` of the engines.

    Attributes:
        kernel: the parameterization at its present scales.
        whole, linear: how its taps lie on the whole image, and on the extended one.
        start: pixels of tap 0 from stride times the output pixel.
        circle: period of the image where kernels are wrapped onto it, however far they reach.
    """

    kernel: AxisKernel
    whole: Axis
    linear: Axis | None
    start: int
    circle: int | None

    def spectra(self, axis: Axis, rows: int, like: Tensor) -> Tensor:
        """Spectra of the phases, complex (scales, stride · rows, columns)."""
        where = axis == self.whole, axis, rows, self.start, self.circle
        return self._made(partial(self._spectra, axis, rows, like), like, axis.stride * rows, "spectra", *where)

    def taps(self) -> Tensor | None:
        """Taps of the linear correlation, (scales, taps, columns); None where the coefficients are these."""
        if self.linear is None:
            return None
        first, last = self.linear.first, self.linear.last
        if self.kernel.are_taps(first, last):
            return None
        return self._made(partial(self._taps, first, last), self.kernel.scale, last - first + 1, "taps", first, last)

    @property
    def scales(self) -> int:
        """Matrices of `taps`; 0 where it has none."""
        if self.linear is not None and self.kernel.are_taps(self.linear.first, self.linear.last):
            return 0
        window = 1 if self.kernel.window is None else self.kernel.window.shape[0]
        return max(self.kernel.scale.shape[0], window)

    def _made(self, make: Callable[[], Tensor], like: Tensor, rows: int, *where: Hashable) -> Tensor:
        """A matrix of so many rows, remembered where nothing that is learned enters it."""
        constant = self.kernel.constant
        if constant is None:
            return make()
        return remembered(make, like, rows * self.kernel.own.width(self.kernel.kernel_size), *constant, *where)

    def _spectra(self, axis: Axis, rows: int, like: Tensor) -> Tensor:
        if axis == self.whole and self.circle is not None:
            if axis.reads is None and axis.stride == 1:
                return self.kernel.spectrum(self.circle, rows, self.start)
            return phases.transform_circle(axis, rows, self.kernel.wrapped(self.circle, self.start))
        count = axis.last - axis.first + 1
        if axis.stride * rows * count > LONG:
            return phases.transform_line(axis, rows, self._taps(axis.first, axis.last))
        fourier = phases.fourier(axis, rows, count, like)
        return transform(fourier, self._taps(axis.first, axis.last))

    def _taps(self, first: int, last: int) -> Tensor:
        return self.kernel.taps(lattice(first, last, self.kernel.scale.device))
