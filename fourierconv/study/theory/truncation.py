"""How many taps hold a kernel: the operator norm of what is cut off, per parameterization and scale.

Everything is one axis of the kernel, with random coefficients.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fourierconv import FourierConv2d, parameterizations
from fourierconv.parameterizations.base import centre, lattice, origin
from fourierconv.study.theory.draws import columns_of

GRID = 4096  # frequencies at which suprema are taken
KERNELS = 256
LONGEST = 401  # taps that stand for the whole of a kernel that never ends
CIRCLE = 2**13  # taps of a kernel that is given by its spectrum


def matrix(name: str, kernel_size: int, scale: float) -> Tensor:
    """Coefficients -> taps of one axis, (401, kernel_size) float64, the origin in the middle.

    >>> matrix("spatial", 3, 1.0)[199:202].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    learned = parameterizations.get(name).scale_limits is not None
    return columns_of(name, kernel_size, scale if learned else None).kernel(LONGEST).detach()[:, 0].T


def coefficients(kernel_size: int, seed: int) -> Tensor:
    """Normal coefficients of 256 kernels of one axis, (256, kernel_size) float64.

    >>> coefficients(5, seed=0).shape
    torch.Size([256, 5])
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(KERNELS, kernel_size, dtype=torch.float64, generator=generator)


def taps(name: str, kernel_size: int, scale: float, seed: int) -> Tensor:
    """Random kernels of one axis, (256, 401) float64, the origin in the middle.

    >>> taps("scaled", 5, 1.5, seed=0).shape
    torch.Size([256, 401])
    """
    return coefficients(kernel_size, seed) @ matrix(name, kernel_size, scale).T


def low_passed(kernel_size: int, scale: float, seed: int) -> Tensor:
    """The tempting construction: coefficients `scale` pixels apart, low-passed by a formula on |u| <= ½ only.

    Ŵ(u) = e^{-2π²b²u²} Σ_j θ_j e^{-2πi u s j} with b = ½√(s² - 1), the blur that takes pixels to a grid s times as
    coarse. Unless s is an integer, or θ is even, the formula does not close up at u = ±½: the periodic spectrum that a
    lattice has jumps there, and the kernel falls like 1/t.

    Args:
        kernel_size: number of coefficients.
        scale: the spacing s in pixels, at least 1.
        seed: of the coefficients.

    Returns:
        Taps wrapped onto a circle, (256, 8192) float64, the origin in the middle.
    """
    u = torch.fft.fftfreq(CIRCLE, dtype=torch.float64)
    index = lattice(-origin(kernel_size), kernel_size - 1 - origin(kernel_size)) - centre(kernel_size)
    waves = torch.exp(-2j * math.pi * scale * torch.outer(u, index.to(torch.float64)))
    blur = torch.exp(-0.5 * (scale**2 - 1) * (math.pi * u).square())
    spectra = coefficients(kernel_size, seed).to(waves.dtype) @ waves.T * blur
    return torch.fft.fftshift(torch.fft.ifft(spectra).real, -1)


def errors(kernels: Tensor, sizes: Sequence[int]) -> Tensor:
    """Operator norm of what is cut off, relative to the kernel's, for windows of odd size around the origin.

    The operator norm of a correlation is the largest magnitude of its spectrum.

    Args:
        kernels: taps, (kernels, taps) with the origin at taps//2.
        sizes: taps that are kept, odd.

    Returns:
        (sizes, kernels)

    >>> errors(torch.tensor([[0.0, 4.0, 1.0]]), [1, 3])
    tensor([[0.2000],
            [0.0000]])
    """
    points = max(GRID, kernels.shape[-1])
    distance = (torch.arange(kernels.shape[-1]) - kernels.shape[-1] // 2).abs()
    norm = torch.fft.rfft(kernels, points).abs().amax(-1)
    cut = [torch.fft.rfft(kernels * (distance > size // 2), points).abs().amax(-1) for size in sizes]
    return torch.stack(cut) / norm


def at_the_end(
    cut: Mapping[tuple[str, float], Tensor],  # (sizes, kernels) each
    sizes: Sequence[int],
) -> list[dict[str, str | int | float]]:
    """The errors of the largest window, per family and scale: the median and the worst of the kernels.

    >>> at_the_end({("spline", 1.0): torch.tensor([[0.5, 0.7], [0.1, 0.3]])}, [1, 3])[0]["taps"]
    3
    """
    return [
        {
            "kernels": family,
            "scale": scale,
            "taps": sizes[-1],
            "median error": float(errors[-1].quantile(0.5)),
            "worst error": float(errors[-1].max()),
        }
        for (family, scale), errors in cut.items()
    ]


def reach(
    cases: Sequence[tuple[str, float]], kernel_size: int, tolerance: float, seed: int
) -> list[dict[str, str | float]]:
    """How far kernels reach beyond the classic window, by operator norm and by energy.

    Args:
        cases: pairs of a parameterization and a scale in pixels.
        kernel_size: odd number of coefficients.
        tolerance: relative operator norm.
        seed: of the coefficients.

    Returns:
        Per case: the taps along one axis that the worst of 256 random kernels needs; and in expectation over
        independent coefficients on two axes the share of the energy inside k×k taps, the share beyond (k+2)×(k+2), and
        the share in the kernel's odd part.
    """
    rows: list[dict[str, str | float]] = []
    for name, scale in cases:
        own = matrix(name, kernel_size, scale)
        rows.append(
            {
                "parameterization": name,
                "scale": scale,
                f"taps for {tolerance:g}": _needed(taps(name, kernel_size, scale, seed), tolerance),
                "energy in k×k": _inside(own, kernel_size),
                "beyond (k+2)×(k+2)": 1 - _inside(own, kernel_size + 2),
                "odd part": _odd(own),
            }
        )
    return rows


def _needed(kernels: Tensor, tolerance: float) -> int:
    """The smallest odd number of taps that holds all kernels; the whole window always does."""
    return next(size for size in range(1, LONGEST + 1, 2) if errors(kernels, [size]).max() <= tolerance)


def _inside(own: Tensor, size: int) -> float:
    energy = own.square().sum(1)
    middle = own.shape[0] // 2
    return float(energy[middle - size // 2 : middle + size // 2 + 1].sum() / energy.sum()) ** 2


def _odd(own: Tensor) -> float:
    """E‖w(t) - w(-t)‖²/4 by E‖w‖²: ½(1 - q²), where q is the overlap of one axis with its own mirror image."""
    overlap = (own * own.flip(0)).sum() / own.square().sum()
    return float((1 - overlap**2) / 2)


def measured(
    names: Sequence[str], kernel_size: int, grid: int, seed: int, channels: int = 16
) -> list[dict[str, str | float]]:
    """Where the energy of random kernels of two axes lies, on images of `grid` pixels.

    Args:
        names: parameterizations; those with a reference grid have this one.
        kernel_size: coefficients per axis.
        grid: pixels per axis, odd.
        seed: of the coefficients.
        channels: a kernel for every pair of them.

    Returns:
        Per parameterization, means over the kernels: the share of the energy outside k×k and outside (k+2)×(k+2) taps,
        and in the part that changes sign under reflection, w(-t) = -w(t).

    >>> [row["odd part"] < 1e-9 for row in measured(["spline", "bilinear"], 5, 33, seed=0)]
    [False, True]
    """
    rows: list[dict[str, str | float]] = []
    for name in names:
        options: dict[str, Any] = {"reference_grid": grid} if parameterizations.get(name).has_reference_grid else {}
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            layer = FourierConv2d(channels, channels, kernel_size, parameterization=name, tolerance=1e-3, **options)
        kernels = layer.double().kernel(grid).detach().flatten(0, 1)
        total = kernels.square().sum((1, 2))
        odd = (kernels - kernels.flip((1, 2))) / 2
        rows.append(
            {
                "parameterization": name,
                "outside k×k": float((_around(kernels, kernel_size) / total).mean()),
                "outside (k+2)×(k+2)": float((_around(kernels, kernel_size + 2) / total).mean()),
                "odd part": float((odd.square().sum((1, 2)) / total).mean()),
            }
        )
    return rows


def _around(kernels: Tensor, size: int) -> Tensor:
    """Energy outside the middle size×size taps of each kernel."""
    first = origin(kernels.shape[-1]) - origin(size)
    middle = slice(first, first + size)
    outside = kernels.square()
    outside[:, middle, middle] = 0
    return outside.sum((1, 2))
