"""`bilinear` and `spline_open`: the predecessor's interpolation, with the defects that it has."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline, interp1d
from torch import Tensor

from fourierconv import FourierConv1d, FourierConv2d, FourierConv3d

REFERENCES: dict[str, Callable[..., Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": lambda x, y: interp1d(x, y, axis=0),
    "spline_open": lambda x, y: CubicSpline(x, y),
}
NAMES = tuple(REFERENCES)


def build(name: str, k: int, n: int, channels: int = 2, **options: object) -> FourierConv2d:
    return FourierConv2d(
        channels,
        channels,
        k,
        bias=False,
        dtype=torch.float64,
        parameterization=name,
        reference_grid=n,
        **options,  # type: ignore[arg-type]
    )


def original_spectrum(name: str, coefficients: Tensor, n: int) -> Tensor:
    """K θ Kᵀ, real, at every frequency: control points from index 0 to n - 1, both included."""
    k = coefficients.shape[-1]
    matrix = torch.as_tensor(REFERENCES[name](np.linspace(0, 1, k), np.eye(k))(np.linspace(0, 1, n)))
    return matrix @ coefficients.detach() @ matrix.T


@pytest.mark.parametrize("n", [12, 13])
@pytest.mark.parametrize("k", [2, 3, 5, 6])
@pytest.mark.parametrize("name", NAMES)
def test_layers_do_what_the_original_did(name: str, k: int, n: int) -> None:
    """Multiply the images' complex FFTs by the real spectrum, and keep the real part of the inverse."""
    layer = build(name, k, n, padding="same", padding_mode="circular")
    x = torch.randn(3, 2, n, n, dtype=torch.float64)
    product = torch.einsum("bi...,oi...->bo...", torch.fft.fft2(x), original_spectrum(name, layer.coefficients, n) + 0j)
    torch.testing.assert_close(layer(x), torch.fft.ifft2(product).real, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_is_the_real_part(name: str) -> None:
    layer = build(name, 5, 16)
    expected = torch.fft.ifft2(original_spectrum(name, layer.coefficients, 16)).real.roll((7, 7), (-2, -1))
    torch.testing.assert_close(layer.kernel(), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_kernels_are_even(name: str) -> None:
    """No edge detector: w[-t] = w[t] whatever the coefficients."""
    kernel = build(name, 5, 15).kernel()
    torch.testing.assert_close(kernel, kernel.flip((-2, -1)), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("name", "outside"), [("bilinear", 0.121), ("spline_open", 0.113)])
def test_energy_leaves_the_five_pixels(name: str, outside: float) -> None:
    layer = build(name, 5, 128, channels=16, tolerance=1e-3)
    energy = layer.kernel().detach().square()
    middle = energy[..., 61:66, 61:66]
    assert float(1 - (middle.sum((2, 3)) / energy.sum((2, 3))).mean()) == pytest.approx(outside, abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_the_spectrum_jumps_where_the_circle_is_cut(name: str) -> None:
    """Beside DC along one axis, off DC along the other; a finer reference grid does not close it."""
    jumps = []
    for n in (32, 128):
        torch.manual_seed(4)
        layer = build(name, 5, n, channels=4)
        spectrum = layer.spectrum((n, n)).detach() / layer._gain()[0]  # the same control points on both grids
        jump = (spectrum[..., 1, n // 4] - spectrum[..., -1, n // 4]).abs().mean()
        jumps.append(float(jump / spectrum.abs().mean()))
    assert jumps[0] > 0.3
    assert jumps[1] == pytest.approx(jumps[0], rel=0.3)


@pytest.mark.parametrize("name", NAMES)
def test_tails_fall_like_the_distance_beside_the_axes_and_not_at_all_along_them(name: str) -> None:
    """A periodic spline's fall like t⁻⁴. DC is a point on which the two ends of the cut do not agree: a pedestal."""
    layer = build(name, 5, 256, channels=8)
    size = layer.kernel(255).detach().square().mean((0, 1))
    along, beside = (
        [float(size[row, 127 + t - 4 : 127 + t + 5].mean().sqrt()) for t in (20, 80)] for row in (127, 137)
    )
    assert along[0] < 2 * along[1]
    assert 3 * beside[1] < beside[0] < 8 * beside[1]  # 4 is 1/t


@pytest.mark.parametrize("name", NAMES)
def test_one_control_point_is_a_scaled_image(name: str) -> None:
    layer = build(name, 1, 9)
    kernel = layer.kernel().detach()
    torch.testing.assert_close(kernel[..., 4, 4], layer.coefficients[..., 0, 0].detach())
    assert float(kernel.abs().sum()) == pytest.approx(float(layer.coefficients.detach().abs().sum()))


@pytest.mark.parametrize("layer_class", [FourierConv1d, FourierConv2d, FourierConv3d])
@pytest.mark.parametrize("name", NAMES)
def test_energy_of_random_coefficients(
    name: str, layer_class: type[FourierConv1d | FourierConv2d | FourierConv3d]
) -> None:
    layer = layer_class(
        200, 100, (4, 3, 3)[: layer_class.dims], dtype=torch.float64, parameterization=name, reference_grid=6
    )
    torch.nn.init.normal_(layer.coefficients)
    assert layer.coordinates is not None
    found = layer.kernel(6).detach().square().mean((0, 1))
    torch.testing.assert_close(layer.coordinates.energy(), found, rtol=0.1, atol=1e-3)
