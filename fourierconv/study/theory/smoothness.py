"""Small in space is smooth in frequency: identities and bounds, each measured on the spectrum itself."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fourierconv import FourierConv2d
from fourierconv.extent import axis_energies, rms_radius, spectral_roughness
from fourierconv.parameterizations.base import origin
from fourierconv.study.theory.circulant import frequencies

GRID = 512  # differences between neighbouring frequencies are derivatives to four digits for 3 taps, to three for 11


def spectrum_of(kernel: Tensor, n: int) -> Tensor:
    """Spectrum of centred taps (..., k, k) on an n×n grid with k <= n, DC in the middle, (..., n, n) complex.

    >>> spectrum_of(torch.ones(1, 1), 4).abs().sum()
    tensor(16.)
    """
    sizes = kernel.shape[-2:]
    wrapped = torch.zeros(*kernel.shape[:-2], n, n, dtype=kernel.dtype)
    wrapped[..., : sizes[0], : sizes[1]] = kernel
    wrapped = wrapped.roll([-origin(k) for k in sizes], (-2, -1))
    return torch.fft.fftshift(torch.fft.fft2(wrapped), (-2, -1))


def smoothness(kernels: Mapping[str, Tensor]) -> list[dict[str, str | float]]:
    """Radius in space and roughness in frequency of square kernels, with the two bounds that tie them together.

    Args:
        kernels: taps (k, k) by name, k odd and at most 63.

    Returns:
        Per kernel: its RMS radius in pixels; its roughness ∫|∇Ŵ|²/∫|Ŵ|² in pixels² from the radius and from
        differences on the spectrum; max|∂Ŵ/∂u| as a share of Bernstein's bound 2πK·max|Ŵ|, K = (k - 1)/2 (0 for
        a single tap); and along x 4π·(RMS radius)·(RMS frequency) beside its least value |1 - p|, where p is the
        energy density at u = ½.

    >>> rows = smoothness({"mean": torch.ones(3, 3, dtype=torch.float64)})
    >>> round(rows[0]["roughness from taps"], 3), round(rows[0]["roughness of the spectrum"], 3)
    (52.638, 52.635)
    """
    rows: list[dict[str, str | float]] = []
    for name, kernel in kernels.items():
        spectrum = spectrum_of(kernel, GRID)
        slopes = [(spectrum.roll(-1, axis) - spectrum.roll(1, axis)) * (GRID / 2) for axis in (0, 1)]
        energy = spectrum.abs().square()
        slope = sum(s.abs().square().sum() for s in slopes)
        steepest = max(float(s.abs().max()) for s in slopes)
        bernstein = 2 * math.pi * ((kernel.shape[-1] - 1) // 2) * float(spectrum.abs().max())
        product, least = _uncertainty(kernel, energy)
        rows.append(
            {
                "kernel": name,
                "RMS radius": float(rms_radius(kernel, 2)),
                "roughness from taps": float(spectral_roughness(kernel, 2)),
                "roughness of the spectrum": float(slope / energy.sum()),
                "slope / bound": steepest / bernstein if bernstein else 0.0,
                "uncertainty": product,
                "its least value": least,
            }
        )
    return rows


def _uncertainty(kernel: Tensor, energy: Tensor) -> tuple[float, float]:
    """4π·√(Σt²w²/Σw²)·√(∫u²|Ŵ|²/∫|Ŵ|²) along x, and |1 - ∫|Ŵ(½, v)|²dv/∫∫|Ŵ|²|."""
    along = energy.sum(0) / energy.sum()  # share of the energy per column; DC in the middle, Nyquist first
    u = frequencies(GRID).to(torch.float64) / GRID
    # the column at Nyquist stands for half a step at either end, where u² is the same
    bandwidth = float((u.square() * along).sum().sqrt())
    radius = float(rms_radius(axis_energies(kernel, 2)[1].sqrt(), 1))
    return 4 * math.pi * radius * bandwidth, abs(1 - float(along[0]) * GRID)


def smooth(spectrum: Tensor, width: float) -> Tensor:
    """Convolve a square spectrum, along both axes of frequency, with a periodic Gaussian.

    Args:
        spectrum: complex, (n, n), DC in the middle.
        width: standard deviation of the Gaussian, in cycles per pixel, at least 1/n.

    Returns:
        Complex, (n, n).

    Raises:
        ValueError: a Gaussian narrower than the grid's step.
    """
    n = spectrum.shape[-1]
    if width < 1 / n:
        raise ValueError(f"width={width} must be at least the grid's step 1/{n}")
    m = frequencies(n).to(torch.float64) / n
    turns = torch.arange(-math.ceil(8 * width) - 1, math.ceil(8 * width) + 2)
    distance = m[:, None, None] - m[None, :, None] + turns
    gaussian = torch.exp(-distance.square() / (2 * width**2)).sum(-1) / (width * math.sqrt(2 * math.pi))
    mixing = (gaussian / n).to(spectrum.dtype)
    return mixing @ spectrum @ mixing.T


def window_differences(kernel: Tensor, sigmas: Sequence[float], n: int) -> list[dict[str, float]]:
    """Smoothing a spectrum in frequency against the `window` parameterization's Gaussian in space.

    Args:
        kernel: float64 taps (k, k), k odd.
        sigmas: widths of the window in pixels.
        n: points per axis of the grid of frequencies, at least k.

    Returns:
        Per σ the width 1/(2πσ) of the smoothing in cycles per pixel, and the largest difference of the two kernels'
        taps, relative to the largest tap.

    >>> window_differences(torch.ones(3, 3, dtype=torch.float64), [1.0], 32)[0]["largest difference"] < 1e-14
    True
    """
    k = kernel.shape[-1]
    rows = []
    for sigma in sigmas:
        layer = FourierConv2d(1, 1, k, parameterization="window", scale=sigma, dtype=kernel.dtype)
        layer.coefficients.data.copy_(kernel)
        windowed = layer.kernel(k).detach()[0, 0]
        width = 1 / (2 * math.pi * sigma)
        smoothed = taps_of(smooth(spectrum_of(kernel, n), width), k)
        difference = float((smoothed - windowed).abs().max() / windowed.abs().max())
        rows.append({"σ (px)": sigma, "smoothing (cycles/px)": round(width, 4), "largest difference": difference})
    return rows


def taps_of(spectrum: Tensor, size: int) -> Tensor:
    """The centred taps (size, size) of a square spectrum with DC in the middle; `size` is odd.

    >>> taps_of(torch.ones(8, 8) + 0j, 3).real.round()
    tensor([[0., 0., 0.],
            [0., 1., 0.],
            [0., 0., 0.]])
    """
    wrapped = torch.fft.ifft2(torch.fft.ifftshift(spectrum)).real
    return wrapped.roll([size // 2] * 2, (0, 1))[:size, :size]
