"""Where in frequency small kernels have their energy, and how much of it they can gather in one band."""

import math
from collections.abc import Mapping, Sequence

import torch
from numpy.polynomial.legendre import leggauss
from scipy.optimize import brentq
from torch import Tensor

from fourierconv.study.theory.kernels import random_kernels

POINTS = 64  # of Gauss's rule, which integrates the energy of a few dozen taps to rounding error


def band(k: int, half_width: float) -> Tensor:
    """The matrix whose quadratic form is the energy of k taps in the band |u| <= half_width, (k, k) float64.

    A[t, t'] = ∫_{-b}^{b} e^{2πiu(t - t')} du = 2b sinc(2b(t - t')).

    >>> band(2, 0.5)
    tensor([[1., 0.],
            [0., 1.]], dtype=torch.float64)
    """
    t = torch.arange(k, dtype=torch.float64)
    matrix = 2 * half_width * torch.sinc(2 * half_width * (t[:, None] - t))
    return torch.where(matrix.abs() < 1e-15, 0.0, matrix)


def band_share(kernels: Tensor, half_width: float) -> Tensor:
    """Share of the energy of square kernels (..., k, k) in the band |u_y|, |u_x| <= half_width, exactly, (...,).

    >>> band_share(torch.ones(1, 1, dtype=torch.float64), 0.25).item()
    0.25
    """
    matrix = band(kernels.shape[-1], half_width)
    inside = (kernels * (matrix @ kernels @ matrix)).sum((-2, -1))
    return inside / kernels.square().sum((-2, -1))


def band_shares(
    kernels: Mapping[str, Tensor], sizes: Sequence[int], count: int, seed: int
) -> list[dict[str, str | float]]:
    """How much of their energy kernels have at low frequencies, |u_y|, |u_x| <= ¼: a quarter of all frequencies.

    Args:
        kernels: taps (k, k) by name.
        sizes: sizes k of random kernels, with and without their mean.
        count: number of random kernels per size.
        seed: of the random kernels.

    Returns:
        Per kernel its share, and the share divided by ¼: above 1 it prefers low frequencies, below 1 high ones.
    """
    shares = {name: float(band_share(kernel, 0.25)) for name, kernel in kernels.items()}
    for k in sizes:
        for label, zero_mean in (("random", False), ("random, mean removed,", True)):
            drawn = random_kernels(count, k, seed, zero_mean)
            # the mean energy in the band by the mean energy, not the mean of ratios
            energy = drawn.square().sum((-2, -1))
            shares[f"{label} {k}×{k}"] = float((band_share(drawn, 0.25) * energy).sum() / energy.sum())
    return [{"kernel": name, "low share": share, "share / area": share / 0.25} for name, share in shares.items()]


def best_share(k: int, half_width: float, zero_mean: bool = False) -> float:
    """The largest share of its energy that a sequence of k taps can have in |u| <= half_width.

    The largest eigenvalue of `band`: its eigenvector is the first discrete prolate spheroidal sequence (Slepian 1978,
    Bell System Technical Journal 57, 1371). With `zero_mean` only sequences that sum to 0 compete.

    >>> round(best_share(1, 0.25), 3), round(best_share(5, 0.25), 3)
    (0.5, 0.998)
    """
    matrix = band(k, half_width)
    if zero_mean:
        ones = torch.ones(k, 1, dtype=torch.float64)
        rest = torch.linalg.qr(torch.cat([ones, torch.eye(k, dtype=torch.float64)[:, 1:]], 1))[0][:, 1:]
        matrix = rest.T @ matrix @ rest
    return float(torch.linalg.eigvalsh(matrix)[-1])


def best_checks(sizes: Sequence[int], half_width: float, count: int, seed: int) -> list[dict[str, int | float]]:
    """`best_share` against the spectra themselves: of its own sequence, and of random ones.

    Args:
        sizes: numbers of taps k.
        half_width: of the band, in cycles per pixel.
        count: number of random sequences per k.
        seed: of the random sequences.

    Returns:
        Per k the largest eigenvalue of `band`, the energy that its eigenvector's spectrum has in the band, by
        Gauss's rule, and the largest such energy among the random sequences.

    >>> row = best_checks([3], 0.125, 100, seed=0)[0]
    >>> row["best of the random sequences"] < row["largest eigenvalue"]
    True
    """
    rows: list[dict[str, int | float]] = []
    nodes, weights = (torch.from_numpy(values) for values in leggauss(POINTS))
    u = half_width * nodes
    for k in sizes:
        values, vectors = torch.linalg.eigh(band(k, half_width))
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randn(count, k, dtype=torch.float64, generator=generator)
        taps = torch.cat([vectors[:, -1:].T, drawn])
        waves = torch.exp(-2j * math.pi * torch.outer(torch.arange(k, dtype=torch.float64), u))
        inside = half_width * (taps.to(waves.dtype) @ waves).abs().square() @ weights
        shares = inside / taps.square().sum(1)
        rows.append(
            {
                "k": k,
                "largest eigenvalue": float(values[-1]),
                "energy of its sequence in the band": float(shares[0]),
                "best of the random sequences": float(shares[1:].max()),
            }
        )
    return rows


def narrowest_band(k: int, share: float, zero_mean: bool = False) -> float:
    """The smallest half-width, in cycles per pixel, of a band around DC that can hold `share` of the energy of k taps.

    >>> round(narrowest_band(5, 0.9), 3)
    0.132
    """
    return float(brentq(lambda width: best_share(k, width, zero_mean) - share, 1e-6, 0.5))


def resolutions(sizes: Sequence[int], share: float, image: int) -> list[dict[str, int | float]]:
    """The narrowest low-frequency bands that k taps can fill to `share` of their energy, with and without a mean.

    Args:
        sizes: numbers of taps k.
        share: of the energy, between 0 and 1.
        image: side in pixels of images with a 1/f spectrum.

    Returns:
        Per k: half-widths in cycles per pixel, k times them, which hardly depends on k, and the share of the energy of
        such images that lies within both narrowest bands.
    """
    rows: list[dict[str, int | float]] = []
    for k in sizes:
        any_mean, no_mean = narrowest_band(k, share), narrowest_band(k, share, zero_mean=True)
        rows.append(
            {
                "k": k,
                "half-width": any_mean,
                "k × half-width": k * any_mean,
                "half-width, mean 0": no_mean,
                "k × half-width, mean 0": k * no_mean,
                "1/f image inside": image_share(image, any_mean),
                "1/f image inside, mean 0": image_share(image, no_mean),
            }
        )
    return rows


def mean_energy(kernels: Tensor, u: Tensor) -> Tensor:
    """Mean of |Ŵ(0, u)|² over kernels (count, k, k), along the horizontal frequency, relative to their mean energy.

    1 everywhere would be white.

    Args:
        kernels: float64 taps.
        u: frequencies in cycles per pixel, (points,).

    Returns:
        (points,)

    >>> mean_energy(torch.ones(1, 1, 1, dtype=torch.float64), torch.tensor([0.0, 0.5], dtype=torch.float64))
    tensor([1., 1.], dtype=torch.float64)
    """
    columns = kernels.sum(-2)  # at u_y = 0 the taps of a column add up
    t = torch.arange(columns.shape[-1], dtype=torch.float64)
    spectra = columns.to(torch.complex128) @ torch.exp(-2j * math.pi * torch.outer(t, u))
    return spectra.abs().square().mean(0) / kernels.square().sum((1, 2)).mean()


def expected_energy(k: int, u: Tensor, zero_mean: bool) -> Tensor:
    """The expectation of `mean_energy` for k×k independent taps of mean 0, (points,).

    1 as they are: white. With the mean of each kernel removed, (1 - D(u)²)·k²/(k² - 1), D = sin πku / (k sin πu).

    >>> expected_energy(3, torch.tensor([0.0, 1 / 3], dtype=torch.float64), zero_mean=True)
    tensor([0.0000, 1.1250], dtype=torch.float64)
    """
    if not zero_mean:
        return torch.ones_like(u)
    dirichlet = torch.sinc(k * u) / torch.sinc(u)
    return (1 - dirichlet.square()) * k**2 / (k**2 - 1)


def image_share(n: int, half_width: float) -> float:
    """Share of the energy of a 1/f image of n×n pixels, its mean apart, in the band |u_y|, |u_x| <= half_width.

    >>> image_share(64, 0.5), image_share(64, 0.25) > 0.8
    (1.0, True)
    """
    m = torch.arange(n, dtype=torch.float64) - n // 2
    distance = m[:, None].square() + m.square()
    power = 1 / distance.where(distance > 0, torch.inf)
    inside = m.abs() / n <= half_width
    return float(power[inside][:, inside].sum() / power.sum())
