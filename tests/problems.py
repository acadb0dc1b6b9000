"""Kernels along one axis whose spectra, extents and radii are known in closed form; products of them in 2D."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Problem:
    """One kernel and what is known about it.

    Attributes:
        taps: (size,), its origin at (size - 1)//2.
        spectrum: Σ_t w[t] exp(-2πi u t) as a function of the frequency u, in cycles per pixel.
        extents: share of the energy -> side of the centred window that holds it, in pixels.
        square_radius: mean square distance of the energy from the origin, in pixels².
        tolerance: relative error of the extents: that of interpolating samples of a continuous profile.
    """

    name: str
    taps: Tensor
    spectrum: Callable[[Tensor], Tensor]
    extents: Mapping[float, float]
    square_radius: float
    tolerance: float = 1e-12

    def __str__(self) -> str:
        return self.name


def _phase(cycles: Tensor) -> Tensor:
    """exp(2πi · cycles)."""
    return torch.polar(torch.ones_like(cycles), 2 * math.pi * cycles)


def _dirichlet(u: Tensor, k: int) -> Tensor:
    """sin(πku)/sin(πu), k at whole u."""
    return k * torch.sinc(k * u) / torch.sinc(u)


def _gaussian(sigma: float) -> Problem:
    """Sampled so finely that sums over the lattice are integrals: its energy is a Gaussian of width σ/√2."""
    t = torch.arange(-12 * int(sigma), 12 * int(sigma) + 1, dtype=torch.float64)
    mass = 0.95
    return Problem(
        f"gaussian of {sigma} px",
        (-(t**2) / (2 * sigma**2)).exp(),
        lambda u: sigma * math.sqrt(2 * math.pi) * (-2 * (math.pi * sigma * u) ** 2).exp() + 0j,
        {mass: 2 * sigma * float(torch.erfinv(torch.tensor(mass, dtype=torch.float64)))},
        sigma**2 / 2,
        # 1/8·h²·f''/f' of a linear interpolation at steps of h = 1 px to either side, relative to the extent
        tolerance=0.25 / sigma**2,
    )


def _taps(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


DELTA = Problem("delta", _taps(3.0), lambda u: 3.0 + 0j * u, {0.01: 1.0, 0.95: 1.0, 1.0: 1.0}, 0.0)
SHIFTED = Problem("delta one pixel to the right", _taps(0, 0, 2), lambda u: 2 * _phase(-u), {0.5: 2.0, 1.0: 3.0}, 1.0)
BOX_5 = Problem(
    "box of 5",
    torch.ones(5, dtype=torch.float64),
    lambda u: _dirichlet(u, 5) + 0j,
    {0.2: 1.0, 0.6: 3.0, 0.95: 4.75, 1.0: 5.0},
    2.0,
)
BOX_4 = Problem(  # at -1, 0, 1, 2: an even box is centred half a pixel to the right of its origin
    "box of 4",
    torch.ones(4, dtype=torch.float64),
    lambda u: _dirichlet(u, 4) * _phase(-u / 2),
    {0.25: 1.0, 0.75: 3.0, 0.875: 4.0, 1.0: 5.0},
    1.5,
)
DIFFERENCE = Problem(
    "central difference", _taps(-1, 0, 1), lambda u: -2j * (2 * math.pi * u).sin(), {0.25: 1.5, 0.5: 2.0, 1.0: 3.0}, 1.0
)
BINOMIAL = Problem(
    "binomial of 5",
    _taps(1, 4, 6, 4, 1) / 16,
    lambda u: (math.pi * u).cos() ** 4 + 0j,
    {36 / 70: 1.0, 68 / 70: 3.0, 69 / 70: 4.0, 1.0: 5.0},
    40 / 70,
)
SMALL = (DELTA, SHIFTED, BOX_5, BOX_4, DIFFERENCE, BINOMIAL)
PROBLEMS = (*SMALL, _gaussian(8), _gaussian(20))
