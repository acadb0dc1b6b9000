"""The contract of a parameterization: a linear map from a few real coefficients to taps at any position."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import torch
from torch import Tensor, nn

from fourierconv.separable import LONG, spectra


def origin(kernel_size: int) -> int:
    """Index of the tap that lies on the output pixel: nn.ConvNd's left 'same' padding.

    >>> origin(5), origin(4)
    (2, 1)
    """
    return (kernel_size - 1) // 2


def lattice(first: int, last: int, device: torch.device | None = None) -> Tensor:
    """The pixels first, ..., last as int64, (taps,).

    >>> lattice(-1, 2)
    tensor([-1,  0,  1,  2])
    """
    return torch.arange(first, last + 1, device=device)


def gaussian(positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
    """exp(-|t - c|²/2σ²) at positions t for every width σ, c the middle of the coefficients, (scales, positions).

    >>> gaussian(torch.tensor([0, 1]), 3, torch.tensor([1.0]))
    tensor([[1.0000, 0.6065]])
    """
    distance = (positions.to(scale.dtype) - centre(kernel_size)) / scale.view(-1, 1)
    return (-distance.square() / 2).exp()


def centre(kernel_size: int) -> float:
    """Where the middle of the coefficients lies, in pixels from the origin: 0, or ½ for an even number.

    >>> centre(5), centre(4)
    (0.0, 0.5)
    """
    return (kernel_size - 1) / 2 - origin(kernel_size)


class Coordinates(nn.Module, ABC):
    """Turns coefficients into the dense taps of kernels that are not separable in their coefficients.

    Its parameters are learned along with the coefficients. They are cast to the dtype of the coefficients.
    """

    in_pixels: ClassVar[bool] = False
    """Whether its parameters are pixels, which learn at the rate of scales and do not decay."""

    @abstractmethod
    def forward(self, coefficients: Tensor) -> Tensor:
        """(out, in/groups, *width) -> the taps on the reference window, (out, in/groups, *reference_grid)."""

    @abstractmethod
    def energy(self) -> Tensor:
        """Expected square of every tap for white coefficients of variance 1, (*reference_grid)."""

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw the parameters anew, or put them back where training starts."""

    def refresh(self) -> int:
        """Hold the parameters within their limits; how many were not."""
        return 0

    def stretch(self, ratios: Sequence[Fraction], grid: Sequence[int]) -> None:
        """Make kernels `ratios` times as large per axis, on a reference grid that holds them."""


class Parameterization(ABC):
    """One way to make kernels from a few real coefficients.

    A kernel is w[t_y, t_x] = Σ_ij A[t_y, i] θ[i, j] A[t_x, j]; a parameterization is the matrix A of one axis, called
    `taps`. Its Fourier transform, `basis`, spans the same kernels in frequency. Most are separable in their
    coefficients θ; the others make a dense θ of them first, with `coordinates`.

    Attributes:
        reference_grid: pixels on which weights are kept, or None where there is no such grid.
    """

    name: ClassVar[str]
    scale_limits: ClassVar[tuple[float, float] | None] = None
    """Least and largest learned scale, in pixels; None where nothing is learned but the coefficients."""
    has_reference_grid: ClassVar[bool] = False
    has_lines: ClassVar[bool] = False
    """Whether `lines` makes taps of coefficients without the matrix A."""

    def __init__(self, reference_grid: int | None = None) -> None:
        self.reference_grid = reference_grid

    def check(self, kernel_size: int) -> None:  # noqa: B027 - most have kernels for every number
        """Refuse numbers of coefficients that the parameterization has no kernels for.

        Args:
            kernel_size: number of coefficients.

        Raises:
            ValueError: with kernel_size and the numbers that are possible.

        >>> from fourierconv.parameterizations import get
        >>> get("truncated", 8).check(9)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ValueError: kernel_size=9: 'truncated' keeps at most the reference_grid=8 modes per axis; ...
        """

    def width(self, kernel_size: int) -> int:
        """Coefficients per axis: kernel_size, unless weights are kept on the reference grid.

        Args:
            kernel_size: number of coefficients as nn.ConvNd counts them.

        >>> from fourierconv.parameterizations import get
        >>> get("scaled").width(5), get("free", 16).width(5)
        (5, 16)
        """
        return kernel_size

    def grid(self, kernel_size: int) -> int:
        """Pixels of the reference grid, or kernel_size where there is none.

        Args:
            kernel_size: number of coefficients.

        >>> from fourierconv.parameterizations import get
        >>> get("scaled").grid(5), get("truncated").grid(5)
        (5, 32)
        """
        return self.reference_grid or kernel_size

    def coordinates(self, shape: Sequence[int], grid: Sequence[int]) -> Coordinates | None:
        """A module that turns coefficients into taps, where kernels are not separable in them; A is then the identity.

        Args:
            shape: of the coefficients, (out, in/groups, *width).
            grid: pixels of the reference grid per axis.

        Returns:
            None for separable ones, which have no such module.

        >>> from fourierconv.parameterizations import get
        >>> get("bilinear", 16).coordinates((8, 3, 5, 5), (16, 16))(torch.ones(8, 3, 5, 5)).shape
        torch.Size([8, 3, 16, 16])
        """
        return None

    @abstractmethod
    def taps(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor:
        """The matrix A at lattice positions.

        Args:
            positions: int64 pixels from the origin, (positions,).
            kernel_size: number of coefficients.
            scale: pixels, (scales,); its dtype and device are the result's.

        Returns:
            Real matrices, (scales, positions, kernel_size); (1, positions, kernel_size) without a learned scale.

        >>> from fourierconv.parameterizations import get
        >>> get("scaled").taps(torch.arange(-1, 2), 1, torch.tensor([2.0])).flatten()
        tensor([0.5625, 1.0000, 0.5625])
        """

    def lines(self, coefficients: Tensor, axis: int, kernel_size: int) -> Tensor:
        """A applied to one axis of coefficients, but for the `envelope`, without A: on long axes it is too large.

        Args:
            coefficients: real, (out, in/groups, ..).
            axis: the dimension.
            kernel_size: number of coefficients as nn.ConvNd counts them.

        Returns:
            The taps of the whole window, (out, in/groups, ..).

        Raises:
            NotImplementedError: a parameterization whose taps are made by A alone; `has_lines` tells.

        >>> from fourierconv.parameterizations import get
        >>> get("spectral").lines(torch.tensor([[[2.0, 0.0, 0.0, 0.0]]]), 2, 4).flatten()
        tensor([1., 1., 1., 1.])
        """
        raise NotImplementedError(f"parameterization={self.name!r} makes its taps by a matrix")

    def envelope(self, positions: Tensor, kernel_size: int, scale: Tensor) -> Tensor | None:
        """What the rows of A are multiplied by after `lines`, (scales, positions); None for nothing.

        Args:
            positions: int64 pixels from the origin, (positions,).
            kernel_size: number of coefficients.
            scale: pixels, (scales,).

        >>> from fourierconv.parameterizations import get
        >>> get("window").envelope(torch.arange(-1, 2), 3, torch.ones(1))
        tensor([[0.6065, 1.0000, 0.6065]])
        """
        return None

    @abstractmethod
    def window(self, kernel_size: int, scale: float, tolerance: float, dims: int) -> tuple[int, int]:
        """First and last position of a window whose dropped taps do not matter.

        Args:
            kernel_size: number of coefficients.
            scale: the largest scale to be held, in pixels.
            tolerance: the operator norm that the dropped part may have, relative to the kernel's.
            dims: number of axes of the kernel.

        Returns:
            Pixels from the origin, before dilation.

        >>> from fourierconv.parameterizations import get
        >>> get("scaled").window(5, 2.0, 0.0, 1)
        (-7, 7)
        """

    def basis(self, n: int, rows: int, kernel_size: int, scale: Tensor, reach: float) -> Tensor:
        """The matrix B of one axis: the spectra of the columns of A, wrapped onto a circular grid of n points.

        Args:
            n: length of the grid.
            rows: n, or n//2 + 1 for the half axis.
            kernel_size: number of coefficients.
            scale: pixels, (scales,).
            reach: a scale that none of `scale` exceeds; it bounds the taps that are summed.

        Returns:
            Complex matrices, (scales or 1, rows, kernel_size).

        >>> from fourierconv.parameterizations import get
        >>> get("spline").basis(32, 17, 5, torch.ones(1), 1.0).shape
        torch.Size([1, 17, 5])
        """
        positions = lattice(*self.window(kernel_size, reach, 0.0, 1), device=scale.device)
        return spectra(n, positions, rows, self.taps(positions, kernel_size, scale))

    def coefficients(self, taps: Tensor) -> Tensor:
        """Coefficients that stand for nn.ConvNd's taps at the start of training.

        Args:
            taps: (out, in/groups, *width).

        Returns:
            (out, in/groups, *width).

        >>> from fourierconv.parameterizations import get
        >>> get("spectral").coefficients(torch.ones(1, 1, 1, 4))[0, 0].round().abs()  # a constant is one of them
        tensor([[2., 0., 0., 0.]])
        """
        return taps

    def gain(self, kernel_size: int, scale: Tensor) -> Tensor:
        """Root of the expected energy of an axis' taps per unit coefficient, relative to nn.ConvNd's, (scales or 1,).

        Dividing the first coefficients by it, once per axis, gives the output on white input the variance that
        nn.ConvNd would have given it.

        Args:
            kernel_size: number of coefficients.
            scale: pixels, (scales,).

        >>> from fourierconv.parameterizations import get
        >>> get("scaled").gain(5, torch.tensor([1.0, 2.0]))
        tensor([1.0000, 1.2809])
        """
        largest = 1.0 if self.scale_limits is None else float(scale.max())
        positions = lattice(*self.window(kernel_size, largest, 1e-4, 1), device=scale.device)
        energy = self.taps(positions, kernel_size, scale).square().sum((-2, -1))
        return (energy / self.width(kernel_size)).sqrt()

    def stretch(self, kernel_size: int, ratio: Fraction, scale: Tensor) -> tuple["Parameterization", Tensor]:
        """Kernels r times as large in pixels, of the same sum: w'[t] = w(t/r)/r, Ŵ'(u) = Ŵ(r·u), at scales r·s.

        As closely as a parameterization can; `fourierconv.resize` says how closely each does.

        Args:
            kernel_size: number of coefficients.
            ratio: r, from the old pixels to the new ones.
            scale: pixels before it is multiplied by r, (scales,); its dtype and device are the result's.

        Returns:
            The parameterization of the stretched axis, and the matrix from old coefficients to new ones, (scales or 1,
            new width, width).

        Raises:
            NotImplementedError: kernels that are fixed in pixels, unless they are a single one.
            ValueError: a reference grid that would not be a whole number, or too small for the modes.

        >>> from fourierconv.parameterizations import get
        >>> get("scaled").stretch(2, Fraction(2), torch.tensor([1.5]))[1]
        tensor([[[0.5000, 0.0000],
                 [0.0000, 0.5000]]])
        """
        if ratio != 1 and self.window(kernel_size, 1.0, 0.0, 1) != (0, 0):
            raise NotImplementedError(f"kernels of parameterization={self.name!r} are fixed in pixels")
        return self, torch.eye(self.width(kernel_size), dtype=scale.dtype, device=scale.device).unsqueeze(0)


def real_dft(kernel_size: int, device: torch.device | None = None) -> Tensor:
    """The orthonormal real DFT Q: its rows are 1/√k and √(2/k) times cosines and sines at the taps' positions.

    Q w are the real coefficients of the taps w; Qᵀ takes them back. Positions count from the origin.

    >>> q = real_dft(5)
    >>> torch.allclose(q @ q.T, torch.eye(5, dtype=torch.float64))
    True
    """
    positions = lattice(-origin(kernel_size), kernel_size - 1 - origin(kernel_size), device).to(torch.float64)
    rows = [torch.full_like(positions, 1 / math.sqrt(kernel_size))]
    for frequency in range(1, kernel_size // 2 + 1):
        angle = 2 * math.pi * frequency / kernel_size * positions
        if 2 * frequency == kernel_size:  # Nyquist has no sine
            rows.append(angle.cos() / math.sqrt(kernel_size))
        else:
            rows.append(angle.cos() * math.sqrt(2 / kernel_size))
            rows.append(angle.sin() * math.sqrt(2 / kernel_size))
    return torch.stack(rows)


def to_real_dft(taps: Tensor) -> Tensor:
    """Real DFT coefficients of taps (out, in/groups, *k), of the same shape."""
    for axis in range(2, taps.ndim):
        if taps.shape[axis] ** 2 > LONG:
            taps = _to_real_dft(taps, axis)
            continue
        q = real_dft(taps.shape[axis], taps.device).to(taps.dtype)
        taps = (taps.movedim(axis, -1) @ q.T).movedim(-1, axis)
    return taps


def _to_real_dft(taps: Tensor, axis: int) -> Tensor:
    """`real_dft` of one axis, by FFT."""
    n = taps.shape[axis]
    lines = taps.movedim(axis, -1).roll(-origin(n), -1).to(torch.promote_types(taps.dtype, torch.float32))
    spectrum = torch.fft.rfft(lines, norm="ortho")
    pairs = math.sqrt(2) * torch.view_as_real(spectrum[..., 1:].conj().resolve_conj())
    pairs = pairs.flatten(-2)[..., : n - 1]  # of Nyquist the cosine
    if n % 2 == 0:
        pairs = torch.cat([pairs[..., :-1], pairs[..., -1:] / math.sqrt(2)], -1)
    return torch.cat([spectrum[..., :1].real, pairs], -1).movedim(-1, axis).to(taps.dtype)


def from_real_dft(coefficients: Tensor, axis: int, n: int) -> Tensor:
    """The n taps of the first coefficients of the real DFT along an axis, of shape (.., k, ..), by FFT.

    >>> coefficients = torch.randn(1, 1, 4, dtype=torch.float64)
    >>> taps = from_real_dft(coefficients, 2, 6)
    >>> torch.allclose(taps @ real_dft(6).T, torch.nn.functional.pad(coefficients, (0, 2)))
    True
    """
    lines = coefficients.movedim(axis, -1)
    lines = torch.nn.functional.pad(lines, (0, n - lines.shape[-1]))
    rest = lines[..., 1:] / math.sqrt(2)
    if n % 2 == 0:
        rest = torch.cat([rest[..., :-1], rest[..., -1:] * math.sqrt(2), torch.zeros_like(rest[..., :1])], -1)
    pairs = rest.unflatten(-1, (-1, 2))
    spectrum = torch.complex(pairs[..., 0], -pairs[..., 1])
    spectrum = torch.cat([torch.complex(lines[..., :1], torch.zeros_like(lines[..., :1])), spectrum], -1)
    return torch.fft.irfft(spectrum, n=n, norm="ortho").roll(origin(n), -1).movedim(-1, axis)
