"""By how much a correlation with given taps amplifies images at most, whatever lies beyond their border.

Inside an image a correlation is diagonal in frequency, and its norm is the supremum over frequency of the largest
singular value of Ŵ(u) (Sedghi, Gupta, Long 2019, arXiv 1805.10408, theorem 6, there on a grid). Here this is bounded
from both sides, and then what borders and strides make of it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from fourierconv import phases
from fourierconv.separable import LONG, combine, dft
from fourierconv.sums import running_sum

OVERSAMPLING = (1, 2, 4, 8)  # frequencies per tap, tried one after the other until a bound is tight enough
FREQUENCIES = 2**22  # at which singular values are looked for at most
WORK = 2**33  # multiplications beyond which any bound will do
DECOMPOSED = 64  # rows of the largest matrices whose singular values are computed
BATCH = 2**22  # complex numbers at a time
ROUNDING = 1 + 1e-4  # of singular values in float32


@dataclass(frozen=True)
class Side:
    """One axis of images and outputs.

    Attributes:
        mode: 'zeros', 'circular', 'reflect' or 'replicate'.
        first: pixels from the output to the pixel that the first tap reads.
        start: pixels from the image's first pixel to what the first output is centred on.
        beyond: pixels from the image's last pixel to what the last output is centred on at most.
        stride: pixels from one output to the next.
        padding: pixels of padding on the side that has more.
        n: pixels of the image, None for any.
    """

    mode: str
    first: int
    start: int
    beyond: int
    stride: int = 1
    padding: int = 0
    n: int | None = None

    def reads(self, span: int) -> tuple[int, int]:
        """How many pixels `span` taps read before and behind the image."""
        return max(-self.first - self.start, 0), max(self.first + span - 1 + self.beyond, 0)

    def repeats(self) -> int:
        """How often a circle's outputs are given out."""
        more = self.beyond - self.start
        return 1 + math.ceil(max(more, 0) / max(self.n or self.padding, 1))

    def periods(self) -> int:
        """How often the outputs of a reflection's period, 2n - 2, are given out."""
        more = self.beyond - self.start
        n = self.n or self.padding + 1
        return 1 if more <= 0 or n == 1 else math.ceil((n + more) / (2 * n - 2))

    def shown(self, span: int) -> float:
        """How often a pixel is read at most, itself and its reflections."""
        reads = self.reads(span)
        if not any(reads):
            return 1
        if self.n is None or self.n == 1:
            return math.inf
        if sum(reads) < self.n - 1:
            return 2
        return 1 + sum(math.ceil(pixels / (self.n - 1)) for pixels in reads)

    def across(self, taps: Tensor, axis: int, end: int) -> Tensor:
        """What the outputs next to an edge take of the pixel at it: the sums of all taps that read it or beyond it.

        Args:
            taps: (out, in/groups, *span).
            axis: the dimension of the taps.
            end: -1 or 1, the edge.

        Returns:
            The taps, but along the axis the outputs, from the first or last one inwards as far as it is read.
        """
        first, start = self.first, self.start
        if end > 0:
            taps = taps.flip(axis)
            first, start = -(self.first + taps.shape[axis] - 1), -self.beyond
        sums = running_sum(taps, axis)
        count = max(-start - first + 1, 0)
        index = torch.arange(count, device=taps.device).clamp(max=taps.shape[axis] - 1).flip(0)
        return sums.index_select(axis, index)


def norm(taps: Tensor, groups: int, sides: Sequence[Side], allowed: float | None = None) -> tuple[float, float]:
    """A bound from below for large images and one from above for all (of n pixels, if n is given), on ‖y‖ / ‖x‖.

    Args:
        taps: real, (out, in/groups, *span).
        groups: number of channel groups.
        sides: the axes; their borders are of one mode.
        allowed: a norm that decides; bounds that are on one side of it need not be tight.

    Returns:
        (lower, upper)

    Raises:
        ValueError: so many taps that the bound would take more than 4 million frequencies.

    >>> side = Side("zeros", first=-1, start=0, beyond=0)
    >>> lower, upper = norm(torch.ones(1, 1, 3), 1, [side])
    >>> round(lower, 3), round(upper, 2)
    (3.0, 3.03)
    """
    largest = float(taps.abs().max())
    if largest == 0:
        return 0.0, 0.0
    taps = (taps / largest).float()
    aim = None if allowed is None else allowed / largest
    strides = [side.stride for side in sides]
    mode = sides[0].mode
    if mode == "zeros":
        lower, upper = supremum(phases.split(taps, strides), groups, aim)
    elif mode == "circular":
        lower, upper = _circular(taps, groups, sides, aim)
    elif mode == "reflect":
        lower, upper = _reflected(taps, groups, sides, aim)
    else:
        lower, upper = _replicated(taps, groups, sides, aim)
    return lower * largest, upper * largest


# --- inside an image ---


def supremum(taps: Tensor, groups: int, allowed: float | None = None) -> tuple[float, float]:
    """Bounds on the supremum over frequency of the largest singular value of the taps' spectrum.

    Equidistant frequencies bound it from below. Between them a trigonometric polynomial of degree m is at most
    1/cos(πm/n) times as large (Ehlich, Zeller 1964), per axis.

    >>> supremum(torch.ones(1, 1, 1), 1)[0]
    1.0
    """
    spans = taps.shape[2:]
    lower, upper = 0.0, math.inf
    for factor in OVERSAMPLING:
        sizes = [factor * span if span > 1 else 1 for span in spans]
        work = math.prod(sizes) * taps.shape[0] * taps.shape[1] * min(taps.shape[0] // groups, taps.shape[1])
        if math.prod(sizes) > FREQUENCIES or (upper < math.inf and work > WORK):
            break
        found, upper = _at(taps, groups, sizes)
        lower = max(lower, found)
        between = math.prod(math.cos(math.pi * (m // 2) / n) for m, n in zip(spans, sizes, strict=True))
        upper = upper / between if between > 0.1 else math.inf
        if math.prod(spans) == 1 or (allowed is not None and (lower > allowed or upper <= allowed)):
            break
    if upper == math.inf and (allowed is None or lower <= allowed):
        raise ValueError(f"kernels of {tuple(spans)} pixels are too long for a bound on their norm")
    return lower, upper


def _at(taps: Tensor, groups: int, sizes: Sequence[int]) -> tuple[float, float]:
    """Bounds on the largest singular value of the spectrum at the frequencies of a grid, multiples of the spans."""
    lower = upper = 0.0
    for spectrum in _spectra(taps, sizes):
        lower, upper = _largest(spectrum.unflatten(1, (groups, -1)).flatten(0, 1), lower, upper)
    return lower, upper * ROUNDING


def _spectra(taps: Tensor, sizes: Sequence[int]) -> Iterator[Tensor]:
    """Spectra (frequencies, out, in/groups) at those of a grid, some at a time, so that they fit into memory."""
    channels = taps.shape[0] * taps.shape[1]
    rows = [*sizes[:-1], sizes[-1] // 2 + 1]  # a real kernel's other half of the frequencies mirrors this one
    if len(sizes) == 1 and rows[0] * taps.shape[2] > LONG:
        for line in _line(taps, sizes[0]):
            yield from line.split(max(BATCH // channels, 1))
        return
    matrices = [
        dft(n, torch.arange(span, device=taps.device), row, taps.dtype).unsqueeze(0)
        for n, span, row in zip(sizes, taps.shape[2:], rows, strict=True)
    ]
    for part in _parts(matrices, channels):
        yield combine(taps, part).movedim((0, 1), (-2, -1)).flatten(0, -3)


def _line(taps: Tensor, n: int) -> Iterator[Tensor]:
    """Spectra at n frequencies by FFT, every m-th at a time, m = n/span; of two that mirror each other one at least."""
    span = taps.shape[2]
    turns = torch.arange(span, dtype=torch.float64, device=taps.device) / n
    for first in range(n // span // 2 + 1):
        modulation = torch.polar(torch.ones_like(turns), -2 * math.pi * first * turns).to(torch.complex64)
        yield torch.fft.fft(taps * modulation).movedim(-1, 0)


def _parts(matrices: list[Tensor], channels: int) -> Iterator[list[Tensor]]:
    """Some rows of the first and of the last axis at a time, so that spectra fit into memory."""
    between = math.prod(matrix.shape[1] for matrix in matrices[1:-1]) * channels
    rows = max(BATCH // between, 1)
    if len(matrices) == 1:
        yield from ([first] for first in matrices[0].split(rows, 1))
        return
    for last in matrices[-1].split(rows, 1):
        for first in matrices[0].split(max(rows // last.shape[1], 1), 1):
            yield [first, *matrices[1:-1], last]


def _largest(matrices: Tensor, lower: float, upper: float) -> tuple[float, float]:
    """Bounds on the largest singular value of matrices (count, rows, columns), no less than those that are known.

    With G = M Mᴴ, (tr G³²)¹ᐟ³² bounds σ² from above, and G¹⁶ applied to a vector is a good one to bound it from below.
    That takes products where singular values take a decomposition. Small matrices that may hold the largest one are
    decomposed all the same; for the others the upper one is too large by the 64th root of the number of rows at most, 8
    per cent for 128 of them.
    """
    if matrices.shape[1] > matrices.shape[2]:
        matrices = matrices.mH
    squares = matrices @ matrices.mH
    size = squares.shape[-1]
    if size == 1:
        value = float(squares.real.max().sqrt())
        return max(lower, value), max(upper, value)
    bounds, power = squares.real.new_ones(len(squares)), squares
    for exponent in (1, 2, 4, 8, 16):
        scale = _norms(power).clamp(min=1e-30)
        bounds = bounds * scale ** (1 / exponent)  # G to this exponent is `power` times the bounds to it
        power = power / scale.view(-1, 1, 1)
        vectors = power.sum(-1, keepdim=True)
        power = power @ power if exponent < 16 else power
    bounds = bounds.sqrt()
    if size > DECOMPOSED:
        images = matrices.mH @ vectors
        found = _norms(images) / _norms(vectors).clamp(min=1e-30)
        return max(lower, float(found.max())), max(upper, float(bounds.max()))
    bounds, order = bounds.sort(descending=True)
    for bound, own in zip(bounds[::32].tolist(), order.split(32), strict=True):
        if bound <= lower:
            break
        lower = max(lower, float(torch.linalg.eigvalsh(squares[own])[:, -1].max().clamp(min=0).sqrt()))
    return lower, max(upper, lower)


def _norms(matrices: Tensor) -> Tensor:
    """Frobenius norm of each; torch's own takes many times as long on complex numbers."""
    parts = torch.view_as_real(matrices) if matrices.is_complex() else matrices
    return parts.flatten(1).norm(dim=1)


# --- at its borders: how much larger an image is with what lies beyond it, and which outputs there are ---


def _circular(taps: Tensor, groups: int, sides: Sequence[Side], allowed: float | None) -> tuple[float, float]:
    """Exact on a circle of n pixels that the stride divides; of any other one, no more than with stride 1."""
    for axis, side in enumerate(sides):
        taps = taps if side.n is None else wrap(taps, axis + 2, side.n)
    strides = [side.stride for side in sides]
    divides = all(side.stride == 1 or (side.n is not None and side.n % side.stride == 0) for side in sides)
    lower, _ = inside = _round(phases.split(taps, strides), groups, sides, allowed)
    if not divides:
        lower = supremum(phases.split(taps, strides), groups)[0]
        inside = _round(taps, groups, sides, allowed)
    # outputs that are given out twice: rows of the operator, ‖A‖² <= Σ ‖A_part‖²
    more = [max(side.beyond - side.start, 0) for side in sides]
    often = inside[1] * math.sqrt(math.prod(side.repeats() for side in sides))
    if any(count and side.n is None for count, side in zip(more, sides, strict=True)):
        return lower, often  # on a small circle the taps of a row add up
    total = 0.0
    for again in product(*((False, True) if count else (False,) for count in more)):
        if not any(again):
            total += inside[1] ** 2
            continue
        across = [axis + 2 for axis, own in enumerate(again) if own]
        along = [axis + 2 for axis, own in enumerate(again) if not own]
        row = taps.permute(0, 1, *across, *along).flatten(1, len(across) + 1)
        upper = _one(row, groups) if not along else supremum(row, groups)[1]
        total += upper**2 * math.prod(count for count, own in zip(more, again, strict=True) if own)
    return lower, min(math.sqrt(total), often)


def _round(taps: Tensor, groups: int, sides: Sequence[Side], allowed: float | None) -> tuple[float, float]:
    """On a circle, or on all of them."""
    if any(side.n is None for side in sides):
        return supremum(taps, groups, allowed)
    return _at(taps, groups, taps.shape[2:])


def _one(matrices: Tensor, groups: int) -> float:
    """A bound on the largest singular value of (out, in/groups)."""
    return _largest(matrices.unflatten(0, (groups, -1)).to(torch.complex64), 0.0, 0.0)[1] * ROUNDING


def wrap(taps: Tensor, axis: int, n: int, first: int = 0) -> Tensor:
    """Taps on a circle of n pixels, the first of them on pixel `first`; those that meet are added up.

    >>> wrap(torch.ones(1, 1, 4), 2, 3, first=-1)
    tensor([[[1., 1., 2.]]])
    """
    pixels = (torch.arange(taps.shape[axis], device=taps.device) + first) % n
    shape = list(taps.shape)
    shape[axis] = n
    return taps.new_zeros(shape).index_add(axis, pixels, taps)


def _reflected(taps: Tensor, groups: int, sides: Sequence[Side], allowed: float | None) -> tuple[float, float]:
    """A reflected image is as strong at u as at its mirror images, so their spectra count together, as channels.

    This is exact for all outputs of the reflection's period, of which those on the image are a part. With a stride they
    are fewer; then it may be closer how often each pixel is read at most.
    """
    spans, strides = taps.shape[2:], [side.stride for side in sides]
    read = [axis for axis, (side, span) in enumerate(zip(sides, spans, strict=True)) if any(side.reads(span))]
    mirrored = taps.unflatten(0, (groups, -1))
    for axis in read:
        mirrored = torch.cat([mirrored, mirrored.flip(axis + 3)], 1)
    repeats = math.sqrt(math.prod(side.periods() for side in sides))
    aim = None if allowed is None else allowed / repeats
    upper = supremum(mirrored.flatten(0, 1), groups, aim)[1] * repeats
    lower, folded = supremum(phases.split(taps, strides), groups, allowed)
    shown = math.sqrt(math.prod(side.shown(span) for side, span in zip(sides, spans, strict=True)))
    return lower, min(upper, folded * shown)


def _replicated(taps: Tensor, groups: int, sides: Sequence[Side], allowed: float | None) -> tuple[float, float]:
    """A pixel of the edge stands for all beyond it, and its kernel is the sum of theirs.

    The columns of the operator are those of pixels inside, of edges, and of corners: ‖A‖² <= Σ ‖A_part‖². Along an
    edge the operator is a convolution; across it there are only so many outputs, which count as channels. Where a pixel
    may be both edges at once, parts add up plainly.
    """
    inside = (0,) * len(sides)
    lower, upper = _part(taps, groups, sides, inside, allowed)
    if allowed is not None and lower > allowed:
        return lower, upper
    total = plain = 0.0
    spans = taps.shape[2:]
    beyond = [any(side.reads(span)) for side, span in zip(sides, spans, strict=True)]
    for at_edge in product(*((False, True) if reads else (False,) for reads in beyond)):
        ends = product(*((-1, 1) if edge else (0,) for edge in at_edge))
        uppers = [_part(taps, groups, sides, end, None)[1] for end in ends]
        apart = all(
            side.n is not None and side.n > span for side, span, edge in zip(sides, spans, at_edge, strict=True) if edge
        )
        total += (max(uppers) if apart else sum(uppers)) ** 2  # two edges that are far apart share no outputs
        plain += sum(uppers)
    return lower, math.sqrt(total) if all(side.n is not None and side.n > 1 for side in sides) else plain


def _part(
    taps: Tensor, groups: int, sides: Sequence[Side], ends: tuple[int, ...], allowed: float | None
) -> tuple[float, float]:
    """The norm on images of which only what lies at these ends of the axes is not zero; 0 is between them."""
    residues = [range(side.stride) if end else range(1) for side, end in zip(sides, ends, strict=True)]
    for axis, (side, end) in enumerate(zip(sides, ends, strict=True)):
        if end:
            taps = side.across(taps, axis + 2, end)
    if 0 in taps.shape:
        return 0.0, 0.0
    strides = [1 if end else side.stride for side, end in zip(sides, ends, strict=True)]
    bounds = []
    for residue in product(*residues):
        own = taps
        for axis, (end, rest) in enumerate(zip(ends, residue, strict=True)):
            if end:  # outputs a stride apart; where the first lies depends on the image
                own = own[(slice(None),) * (axis + 2) + (slice(rest, None, sides[axis].stride),)]
        if 0 in own.shape:
            continue
        along = [axis + 2 for axis, end in enumerate(ends) if not end]
        across = [axis + 2 for axis, end in enumerate(ends) if end]
        own = phases.split(own, strides) if max(strides) > 1 else own
        own = own.permute(0, *across, 1, *along).flatten(0, len(across))
        if not along:  # a corner
            bounds.append((0.0, _one(own, groups)))
        else:
            bounds.append(supremum(own, groups, allowed))
    return max(lower for lower, _ in bounds), max(upper for _, upper in bounds)
