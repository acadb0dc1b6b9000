"""Cubic splines as matrices: from values at the knots to values anywhere, and to the Fourier transform on the circle.

A cubic spline is its values y and its second derivatives M at the knots. On the piece from knot p to knot q, of length
h, with b = (x - x_p)/h and a = 1 - b,

    S(x) = a y_p + b y_q + ((a³ - a) M_p + (b³ - b) M_q) h²/6,

and continuity of the first derivative makes M a linear function of y.
"""

import math

import torch
from torch import Tensor


def linear(points: Tensor, knots: Tensor) -> Tensor:
    """Linear interpolation through ascending knots, (points, knots); beyond the last the outer pieces go on.

    >>> linear(torch.tensor([0.25, 2.0]), torch.tensor([0.0, 1.0, 2.0]))
    tensor([[0.7500, 0.2500, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """
    return _weights(points, knots)[0]


def open_cubic(points: Tensor, knots: int) -> Tensor:
    """The not-a-knot cubic spline through values at 0, 1, ..., knots - 1, (points, knots).

    The third derivative does not jump at the second knot from either end. Through fewer than four knots it is the
    polynomial through them.

    >>> squares = torch.arange(5.0).square()
    >>> (open_cubic(torch.tensor([0.5, 3.5]), 5) @ squares).tolist()
    [0.25, 12.25]
    """
    values, bends = _weights(points, torch.arange(knots, dtype=points.dtype, device=points.device))
    return values if knots < 3 else values + bends @ _open_bends(knots, points)


def _open_bends(knots: int, like: Tensor) -> Tensor:
    """Values -> second derivatives of the not-a-knot spline of at least three knots, (knots, knots)."""
    inner = knots - 2
    differences = like.new_zeros(inner, knots)
    differences.diagonal().fill_(1)
    differences.diagonal(1).fill_(-2)
    differences.diagonal(2).fill_(1)
    # M_{i-1} + 4 M_i + M_{i+1} = 6 Δ²y; with the ends on the line through their neighbours the outer rows are M = Δ²y
    own = torch.eye(inner, dtype=like.dtype, device=like.device)
    row = torch.arange(inner, device=like.device).unsqueeze(1)
    between = (row > 0) & (row < inner - 1)
    system = torch.where(between, (own.roll(1, 1) + 4 * own + own.roll(-1, 1)) / 6, own)
    bends = torch.linalg.inv_ex(system)[0] @ differences
    first, last = bends[:1], bends[-1:]
    if inner > 1:
        first, last = 2 * first - bends[1:2], 2 * last - bends[-2:-1]
    return torch.cat([first, bends, last])


def periodic_cubic(points: Tensor, knots: Tensor) -> Tensor:
    """The periodic cubic spline through ascending knots on the circle [0, 1), the first of them 0, (points, knots).

    >>> (periodic_cubic(torch.tensor([0.0, 0.5, 1.25]), torch.tensor([0.0, 0.25, 0.5])) @ torch.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """
    values, bends = (_fold(part) for part in _weights(points.remainder(1), _closed(knots)))
    return values + bends @ _periodic_bends(knots)


def _closed(knots: Tensor) -> Tensor:
    return torch.cat([knots, knots.new_ones(1)])


def _fold(columns: Tensor) -> Tensor:
    """The last knot of the closed circle is the first."""
    folded = columns[:, :-1].clone()
    folded[:, 0] += columns[:, -1]
    return folded


def _periodic_bends(knots: Tensor) -> Tensor:
    """Values -> second derivatives at the knots, (knots, knots)."""
    count = len(knots)
    h = _closed(knots).diff()  # from each knot to the next
    before = h.roll(1)
    own = torch.eye(count, dtype=h.dtype, device=h.device)
    after = own.roll(1, 1)  # row i selects knot i + 1, around the circle
    earlier = own.roll(-1, 1)
    h, before = h.unsqueeze(1), before.unsqueeze(1)
    system = (before * earlier + 2 * (before + h) * own + h * after) / 6
    slopes = (after - own) / h - (own - earlier) / before
    return torch.linalg.inv_ex(system)[0] @ slopes  # unlike solve, needs no synchronization


def _weights(points: Tensor, knots: Tensor) -> tuple[Tensor, Tensor]:
    """Matrices (points, knots) that apply to the values and to the second derivatives at the knots."""
    if len(knots) == 1:
        return points.new_ones(len(points), 1), points.new_zeros(len(points), 1)
    piece = torch.searchsorted(knots, points, right=True).sub(1).clamp(0, len(knots) - 2)
    h = knots.diff()[piece]
    b = (points - knots[piece]) / h
    a = 1 - b
    left = (piece.unsqueeze(1) == torch.arange(len(knots), device=points.device)).to(points.dtype)
    right = left.roll(1, 1)
    values = a.unsqueeze(1) * left + b.unsqueeze(1) * right
    bends = ((a**3 - a) * h**2 / 6).unsqueeze(1) * left + ((b**3 - b) * h**2 / 6).unsqueeze(1) * right
    return values, bends


# --- the Fourier transform of a periodic spline ---


def taps(positions: Tensor, knots: Tensor) -> Tensor:
    """The Fourier coefficients ∫ S(u) exp(2πi u·t) du of the periodic spline, from its values, complex (taps, knots).

    Integrated by parts four times only the jumps J of the third derivative are left: Σ_k J_k exp(2πi u_k t)/(2πt)⁴.

    >>> taps(torch.tensor([0, 4]), torch.arange(4) / 4).abs().sum(1).round(decimals=6)
    tensor([1., 0.])
    """
    t = positions.to(knots.dtype)
    angles = 2 * math.pi * torch.outer(t, knots)
    waves = torch.complex(angles.cos(), angles.sin())
    falling = (2 * math.pi * t.where(positions != 0, torch.ones_like(t))) ** -4
    elsewhere = (falling.unsqueeze(1) * waves) @ _jumps(knots).to(waves.dtype)
    return torch.where((positions == 0).unsqueeze(1), _integral(knots).to(waves.dtype), elsewhere)


def _jumps(knots: Tensor) -> Tensor:
    """Values -> jumps of the third derivative at the knots, (knots, knots)."""
    bends = _periodic_bends(knots)
    third = (bends.roll(-1, 0) - bends) / _closed(knots).diff().unsqueeze(1)
    return third - third.roll(1, 0)


def _integral(knots: Tensor) -> Tensor:
    """Values -> the spline's integral over the circle, (knots,)."""
    h = _closed(knots).diff().unsqueeze(1)
    own = torch.eye(len(knots), dtype=h.dtype, device=h.device)
    bends = _periodic_bends(knots)
    return (h / 2 * (own + own.roll(1, 1)) - h**3 / 24 * (bends + bends.roll(-1, 0))).sum(0)


def reach(knots: Tensor, tolerance: float, dims: int) -> int:
    """Pixels T such that the taps |t| > T of any such spline have an operator norm of at most tolerance times its own.

    The spline is Σ_m c_m L_m with L_m through a single 1, and attains its control points c, so the dropped part is at
    most max|c| Σ_m Σ_{|t|>T} |l_m|. With more axes, dropping along one leaves the others interpolating, at most
    Λ = max_u Σ_m |L_m(u)| times as large. Beyond what is summed, |l_m[t]| <= Σ_k |J_km| / (2πt)⁴.
    """
    points = torch.linspace(0, 1, 64 * len(knots) + 1, dtype=torch.float64)
    lebesgue = float(periodic_cubic(points, knots).abs().sum(1).max())
    allowed = tolerance / (dims * lebesgue ** (dims - 1) * 1.01)
    envelope = 2 * float(_jumps(knots).abs().sum()) / (3 * (2 * math.pi) ** 4)  # over T³ is a bound for |t| > T
    largest = math.ceil((envelope / allowed) ** (1 / 3)) + len(knots)
    if largest > 2**14:
        return largest
    t = torch.arange(1, 4 * largest)
    size = 2 * taps(t, knots).abs().sum(1)
    dropped = size.flip(0).cumsum(0).flip(0) + envelope / (4 * largest - 1) ** 3  # of |t| >= 1, 2, ...
    return int((dropped > allowed).sum())
