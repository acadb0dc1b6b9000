"""`window`: taps under a Gaussian; in frequency, a spectrum smoothed by a Gaussian."""

import math

import pytest
import torch

from fourierconv import FourierConv2d


def build(k: int, scale: float) -> FourierConv2d:
    return FourierConv2d(1, 1, (1, k), dtype=torch.float64, bias=False, parameterization="window", scale=scale)


@pytest.mark.parametrize("scale", [0.5, 1.3, 4.0])
@pytest.mark.parametrize("k", [4, 5])
def test_taps_lie_under_a_gaussian(k: int, scale: float) -> None:
    layer = FourierConv2d(2, 3, k, dtype=torch.float64, parameterization="window", scale=scale)
    t = torch.arange(k, dtype=torch.float64) - (k - 1) / 2
    gaussian = (-(t**2) / (2 * scale**2)).exp()
    torch.testing.assert_close(layer.kernel(), layer.coefficients * torch.outer(gaussian, gaussian))


@pytest.mark.parametrize("scale", [0.8, 2.0])
def test_multiplying_by_a_window_smooths_the_spectrum(scale: float) -> None:
    """Ŵ(u) = ∫ Θ̂(u - v) g(v) dv with g a Gaussian of width 1/(2πσ) cycles per pixel."""
    n = 4096
    layer = build(7, scale)
    rough = torch.fft.fft(torch.nn.functional.pad(layer.coefficients.detach().flatten(), (0, n - 7)).roll(-3))
    v = torch.arange(-4 * n, 4 * n, dtype=torch.float64) / n  # several turns: g wraps around the circle
    width = 1 / (2 * math.pi * scale)
    g = (-(v**2) / (2 * width**2)).exp() / (width * math.sqrt(2 * math.pi))
    circle = g.view(8, n).sum(0)
    smooth = torch.fft.ifft(torch.fft.fft(rough) * torch.fft.fft(circle)) / n
    spectrum = layer.spectrum((1, n))[0, 0, 0]
    torch.testing.assert_close(spectrum, smooth[: n // 2 + 1], rtol=0, atol=1e-12)


def test_a_wide_window_is_a_classic_kernel_and_a_narrow_one_a_single_tap() -> None:
    wide, narrow = build(5, 64.0), build(5, 0.2)
    torch.testing.assert_close(wide.kernel(), wide.coefficients, rtol=1e-3, atol=0)
    share = narrow.kernel().flatten() / narrow.coefficients.flatten()
    assert share.tolist() == pytest.approx([0, 0, 1, 0, 0], abs=1e-5)


def test_a_wider_window_never_makes_a_kernel_smaller() -> None:
    layer = build(9, 0.5)
    torch.nn.init.ones_(layer.coefficients)
    extents = []
    for scale in (0.5, 1.0, 2.0, 4.0, 16.0):
        torch.nn.init.constant_(layer.scale, scale)  # type: ignore[arg-type]
        extents.append(float(layer.extent()[0, 0, 1]))
    assert extents == sorted(extents)
    assert 1 <= extents[0] < 3 < 8 < extents[-1] <= 9
