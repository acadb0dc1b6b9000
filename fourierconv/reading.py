"""Reading a layer: its kernels in space and in frequency, how large they are, and by how much they amplify."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from fourierconv import arguments, phases
from fourierconv.autocast import never_autocast
from fourierconv.extent import extent, mass_curve
from fourierconv.grid import Axis
from fourierconv.kernels import FAR, AxisKernel, taps_at, written_out
from fourierconv.parameterizations.base import origin
from fourierconv.separable import combine
from fourierconv.spectral import half

OVERSAMPLING = 8  # frequencies per tap at which the operator norm is looked for
FREQUENCIES = 2**22  # at which it is looked for at most
BATCH = 2**22  # complex numbers decomposed at a time


class Readable(nn.Module, ABC):
    """What a layer tells about its kernels, as `refresh` would have them, and without a change of the layer.

    `_theta` and `_kernels` are all that it needs to know.
    """

    dims: ClassVar[int]
    stride: tuple[int, ...]
    groups: int
    padding_mode: str
    tolerance: float
    _pairs: tuple[tuple[int, int], ...]

    @abstractmethod
    def _theta(self) -> Tensor:
        """What the matrices of the axes apply to, (out, in/groups, *columns)."""

    @abstractmethod
    def _kernels(self, tight: bool = False) -> list[AxisKernel]:
        """The axes; `tight`: of the present scales, for which only a method that reads can wait."""

    @never_autocast
    def spectrum(self, grid: int | Sequence[int]) -> Tensor:
        """The kernels' half spectrum on a grid, centred on their origin.

        Ŵ[f] = Σ_t w[t] exp(-2πi f·t/grid), the DFT of the taps wrapped onto the grid. A circular layer with padding
        'same' and stride 1 computes irfft(rfft(x) · conj(spectrum)) on images of that size, draft equation (1).
        Differentiable; extents, mass curves and norms are without gradients.

        Args:
            grid: pixels per axis, an int or one per axis.

        Returns:
            Complex, (out, in/groups, *grid[:-1], grid[-1]//2 + 1).

        Raises:
            ValueError: a grid below 1.

        >>> from fourierconv import FourierConv2d
        >>> FourierConv2d(3, 8, 5).spectrum((32, 32)).shape
        torch.Size([8, 3, 32, 17])
        """
        grid = arguments.per_axis("grid", grid, self.dims)
        if min(grid) < 1:
            raise ValueError(f"grid={grid} must be at least 1 per axis")
        theta, kernels = written_out(self._theta(), self._kernels(tight=True))
        matrices = []
        for axis, (kernel, n, rows) in enumerate(zip(kernels, grid, half(grid), strict=True), 2):
            theta = kernel.transform(theta, axis, n, rows) if kernel.plain else theta
            matrices.append(None if kernel.plain else kernel.spectrum(n, rows))
        return combine(theta, matrices)

    @never_autocast
    def kernel(self, size: int | Sequence[int] | None = None) -> Tensor:
        """The kernels' taps in a window whose origin is its tap (size - 1)//2.

        w[t] = ∫ Ŵ(u) exp(2πi u·t) du, dilation included, in image pixels; differentiable.

        Args:
            size: taps per axis; by default a window that holds the kernels to the layer's `tolerance`, as small as
                their scales allow, whatever the coefficients are.

        Returns:
            Real, (out, in/groups, *size).

        Raises:
            ValueError: a size below 1, or a default window of more than 4096 taps per axis, which kernels that never
                end need at a small tolerance where their tails are slow: pass size=.

        >>> from fourierconv import FourierConv2d
        >>> FourierConv2d(3, 8, 5).kernel().shape
        torch.Size([8, 3, 5, 5])
        """
        theta, kernels = written_out(self._theta(), self._kernels(tight=True))
        if size is None:
            windows = [kernel.extent(self.tolerance, self.dims) for kernel in kernels]
            sizes = tuple(_centred(window) for window in windows)
            if max(sizes) > FAR and not all(own.ends(self.tolerance, self.dims) for own in kernels):
                raise ValueError(
                    f"tolerance={self.tolerance} takes {max(sizes)} taps per axis; pass size= or use a larger tolerance"
                )
            sizes = tuple(_centred(own.occupied(*window)) for own, window in zip(kernels, windows, strict=True))
        else:
            sizes = arguments.per_axis("size", size, self.dims)
        if min(sizes) < 1:
            raise ValueError(f"size={sizes} must be at least 1 per axis")
        return taps_at(theta, kernels, [(-origin(size), size - 1 - origin(size)) for size in sizes])

    @never_autocast
    @torch.no_grad()
    def extent(self, mass: float = 0.95) -> Tensor:
        """Side of the centred window that holds a share `mass` of each kernel's energy, per axis, in pixels.

        The mass curve is interpolated between odd windows; 0 for a zero kernel. Energies along one axis only need the
        other axes' taps up to a rotation, so no large kernel is ever formed. Of kernels that never end, taps beyond
        4096 pixels are not counted.
        As all readings, it is of the present scales, also where training holds kernels below them until `refresh`.

        Args:
            mass: share of the energy, above 0 and at most 1.

        Returns:
            (out, in/groups, dims)

        Raises:
            ValueError: a mass outside (0, 1].

        >>> from fourierconv import FourierConv2d
        >>> FourierConv2d(3, 8, 5).extent().shape
        torch.Size([8, 3, 2])
        """
        return self._extent(mass)

    def _extent(self, mass: float) -> Tensor:
        return torch.stack([extent(energy, mass) for energy in self._axis_energies()], -1)

    @never_autocast
    @torch.no_grad()
    def mass_curve(self) -> Tensor:
        """Share of each kernel's energy inside the centred windows of 1, 3, 5, ... pixels along each axis.

        Returns:
            (out, in/groups, dims, windows), non-decreasing up to 1; 0 throughout for a zero kernel.

        >>> from fourierconv import FourierConv2d
        >>> FourierConv2d(3, 8, 5).mass_curve().shape
        torch.Size([8, 3, 2, 3])
        """
        return torch.stack([mass_curve(energy) for energy in self._axis_energies()], -2)

    def _axis_energies(self) -> Iterator[Tensor]:
        """Energy of every slice across each axis, (out, in/groups, 2·reach + 1), the origin in the middle."""
        theta = self._theta()
        largest = theta.abs().flatten(2).amax(-1).view(*theta.shape[:2], *[1] * self.dims)
        theta = theta / largest.where(largest > 0, 1)  # the squares of what is very large or small are no numbers
        theta, kernels = written_out(theta, self._kernels(tight=not theta.is_meta))
        tolerance = max(self.tolerance, 1e-6)  # in energy this is 1e-12
        reach = max(max(map(abs, kernel.extent(tolerance, self.dims))) for kernel in kernels)
        if not all(kernel.ends(tolerance, self.dims) for kernel in kernels):
            reach = min(reach, FAR)
        matrices = [None if kernel.plain else kernel.pixels(-reach, reach) for kernel in kernels]
        rotated = [own if own is None or self.dims == 1 else torch.linalg.qr(own, mode="r")[1] for own in matrices]
        for axis, kernel in enumerate(kernels):
            mixed = [matrices[i] if i == axis else rotated[i] for i in range(self.dims)]
            others = [i + 2 for i in range(self.dims) if i != axis]
            taps = kernel.place(theta, axis + 2, -reach, reach) if kernel.plain else theta
            energy = combine(taps, mixed).square()
            yield energy.sum(others) if others else energy

    @never_autocast
    @torch.no_grad()
    def singular_values(self, grid: int | Sequence[int]) -> Tensor:
        """The singular values of the layer as an operator on circular images of a size, exactly.

        A circular convolution is block diagonal in the Fourier basis: its singular values are those of the matrix
        Ŵ(f), (out, in), at every frequency f (Sedghi, Gupta, Long 2019, arXiv 1805.10408, theorem 6). A stride s
        couples the s^d frequencies that it folds onto each other: s^(-d/2)·[Ŵ(f + jN/s)]_j, (out, in·s^d).

        Args:
            grid: pixels of the image per axis, multiples of the stride.

        Returns:
            (*grid/stride, min(out, in·s^d)), at every frequency in descending order.

        Raises:
            ValueError: a grid that is no positive multiple of the stride.

        >>> from fourierconv import FourierConv2d
        >>> FourierConv2d(3, 8, 5, stride=2).singular_values(32).shape
        torch.Size([16, 16, 8])
        """
        grid = arguments.per_axis("grid", grid, self.dims)
        if min(grid) < 1 or any(n % s for n, s in zip(grid, self.stride, strict=True)):
            raise ValueError(f"grid={grid} must be a positive multiple of stride={self.stride}")
        values = self._singular_values(grid, self.stride)
        # a real kernel's other half of the frequencies mirrors this one
        columns = grid[-1] // self.stride[-1]
        others = list(range(self.dims - 1))
        mirrored = values.flip([*others, self.dims - 1])
        mirrored = mirrored.roll([1] * len(others), others) if others else mirrored
        missing = (columns - 1) // 2
        mirrored = mirrored.narrow(self.dims - 1, values.shape[self.dims - 1] - 1 - missing, missing)
        return torch.cat([values, mirrored], self.dims - 1)

    @never_autocast
    @torch.no_grad()
    def operator_norm(self, grid: int | Sequence[int] | None = None) -> Tensor:
        """By how much the layer amplifies images at most, ‖y - bias‖ / ‖x‖.

        With a grid it is the largest singular value on circular images of that size. That does not bound other borders
        or sizes. Without one it is an upper bound for images of every size and the layer's own borders: the supremum
        over continuous frequency, from equidistant ones and the bound of Ehlich and Zeller (1964) on what a
        trigonometric polynomial does between them, at most 2 % too large per axis (8.3 % per axis in 3-D; a few percent
        more where kernels never end, and a third in 2-D where they are so long that a tenth of them is left out); times
        the norm of the padding: 1 for zeros, at most √2 per axis for 'reflect', √(1 + pixels read beyond the border)
        for 'replicate', more where padding beyond 'same' repeats outputs. Strided 'circular' and 'reflect' layers are
        bounded by what they compute with stride 1: of a period that the stride does not divide, no frequencies fold
        onto each other.

        Args:
            grid: pixels of circular images per axis, multiples of the stride; by default a bound for all images.

        Returns:
            A number, ().

        Raises:
            ValueError: a grid that is no positive multiple of the stride; without a grid, kernels so long that the
                bound would take more than 4 million frequencies; coefficients that are NaN or Inf.

        >>> from fourierconv import FourierConv2d
        >>> layer = FourierConv2d(3, 8, 5, padding=2)
        >>> bool(layer.operator_norm(64) <= layer.operator_norm())
        True
        """
        if grid is not None:
            return self.singular_values(grid).max()
        kernels = self._kernels(tight=True)
        stride = (1,) * self.dims if self.padding_mode in ("circular", "reflect") else self.stride
        oversampling = OVERSAMPLING if self.dims < 3 else OVERSAMPLING // 2
        # a bound for the kernels of one scale and stride 1 is this much weaker for all of them together, folded
        apart = math.sqrt(math.prod(stride) * kernels[0].scale.shape[0])
        for dropped in (1e-3, 1e-2, 1e-1):  # operator norm of what counts as beyond the kernel's end, if it has none
            windows = [kernel.extent(dropped / apart, self.dims) for kernel in kernels]
            spans = [last // s - first // s + 1 for (first, last), s in zip(windows, stride, strict=True)]
            sizes = [oversampling * span for span in spans]
            if math.prod(sizes) <= FREQUENCIES:
                break
        else:
            raise ValueError(f"kernels of {spans} pixels are too long for a bound on all images; pass grid=")
        cut = 0.0 if self.padding_mode == "circular" else self.tolerance * apart  # by the layer itself
        if all(kernel.ends(dropped / apart, self.dims) for kernel in kernels):
            dropped = cut = 0.0
        largest = self._singular_values(tuple(n * s for n, s in zip(sizes, stride, strict=True)), stride).max()
        # centred, the phases are polynomials of degree span/2 at most: 1/cos(π·degree/n) per axis bounds the rest
        between = math.prod(math.cos(math.pi * math.ceil((m - 1) / 2) / n) for m, n in zip(spans, sizes, strict=True))
        return largest / (between - dropped * (1 + between)) * (1 + cut) * self._padding_norm(kernels)

    def _padding_norm(self, kernels: Sequence[AxisKernel]) -> float:
        """A bound on how much larger the extended image is, and on how often the circle's pixels are given out."""
        norm = 1.0
        for kernel, (left, right) in zip(kernels, self._pairs, strict=True):
            more = left + right - kernel.dilation * (kernel.kernel_size - 1)  # pixels by which the output outgrows it
            if self.padding_mode == "circular":
                norm *= 1 + math.ceil(max(more, 0) / max(left, right, 1))
            elif self.padding_mode == "reflect":  # a period of the reflection shows no pixel more than twice
                norm *= 4 if more > 0 else 2
            elif self.padding_mode == "replicate":
                first, last = kernel.extent(self.tolerance, self.dims)
                shift = kernel.origin - left  # of the kernel's origin from the output pixel
                norm *= 1 + min(max(-first - shift, 0), FAR) + min(max(last + shift + more, 0), FAR)
        return math.sqrt(norm)

    def _singular_values(self, grid: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
        """Of every frequency of the half spectrum of grid/stride, (*half, min(out, in·s^d)), in descending order."""
        sizes = tuple(n // s for n, s in zip(grid, stride, strict=True))
        rows = half(sizes)
        theta, kernels = written_out(self._theta(), self._kernels(tight=True))
        matrices: list[Tensor | None] = []
        if not (theta.is_meta or bool(theta.isfinite().all())):
            raise ValueError("coefficients must be finite, but hold NaN or Inf: the layer has no norm")
        for axis, (kernel, n, m, s, length) in enumerate(zip(kernels, grid, sizes, stride, rows, strict=True), 2):
            if kernel.plain:
                theta = kernel.transform(theta, axis, n, length, s)
                matrices.append(None)
                continue
            taps = kernel.wrapped(n, kernel.shift)
            matrices.append(phases.transform_circle(Axis(0, n - 1, m, m, stride=s), length, taps))
        each = math.prod(rows[1:]) * theta.shape[0] * theta.shape[1] * math.prod(stride)
        values = []
        for part, matrix in _parts(theta, matrices[0], stride[0], max(BATCH // each, 1)):
            spectrum = phases.gather_input(combine(part, [matrix, *matrices[1:]]), stride)
            stacked = spectrum.movedim((0, 1), (-2, -1)).unflatten(-2, (self.groups, -1))
            values.append(torch.linalg.svdvals(stacked).flatten(-2))
        return torch.cat(values).sort(-1, descending=True).values


def _centred(window: tuple[int, int]) -> int:
    """The least size whose window around the origin, tap (size - 1)//2, holds the pixels first, ..., last."""
    first, last = window
    return max(-2 * first + 1, 2 * last)


def _parts(theta: Tensor, first: Tensor | None, stride: int, rows: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Some rows of the first axis at a time, of its matrix or of what it was applied to: not the whole spectrum."""
    if first is None:
        apart = theta.unflatten(2, (stride, -1))
        yield from ((part.flatten(2, 3), None) for part in apart.split(rows, dim=3))
        return
    apart = first.unflatten(1, (stride, -1))
    yield from ((theta, part.flatten(1, 2)) for part in apart.split(rows, dim=2))
