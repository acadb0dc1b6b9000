"""What every parameterization promises: one linear map per axis, read as taps or as a spectrum."""

import math

import pytest
import torch
from torch import Tensor

from fourierconv.parameterizations import NAMES, Parameterization, get
from fourierconv.parameterizations.base import centre, lattice, origin, real_dft, to_real_dft
from fourierconv.parameterizations.spline import Spline

SCALES = torch.tensor([0.6, 1.0, 1.7, 4.0], dtype=torch.float64)
KERNEL_SIZES = (1, 2, 3, 4, 5, 8)


def far_window(entry: Parameterization, kernel_size: int) -> tuple[int, int]:
    """Every tap, or for the splines, whose taps never end, those up to where the rest sums to less than 1e-10."""
    if isinstance(entry, Spline):
        reach = 200 + 4000 * round(1 / min(1.0, *entry.knots(kernel_size)[1:].tolist(), 1.0))  # 2(k/π)⁴/T³
        return -reach, reach
    return entry.window(kernel_size, float(SCALES.max()), 0.0, 1)


@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
def test_the_origin_is_where_conv2d_centres_a_kernel(kernel_size: int) -> None:
    taps = torch.arange(kernel_size) - origin(kernel_size)
    assert origin(kernel_size) == (kernel_size - 1) // 2
    assert float(taps.double().mean()) == centre(kernel_size)
    assert torch.equal(lattice(int(taps[0]), int(taps[-1])), taps)


@pytest.mark.parametrize("n", [1, 7, 12, 45])
@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_the_basis_is_the_dft_of_the_taps_wrapped_onto_the_grid(name: str, kernel_size: int, n: int) -> None:
    entry = get(name)
    positions = lattice(*far_window(entry, kernel_size))
    taps = entry.taps(positions, kernel_size, SCALES)
    wrapped = torch.zeros(taps.shape[0], n, taps.shape[2], dtype=torch.float64)
    wrapped.index_add_(1, positions.remainder(n), taps)
    full = entry.basis(n, n, kernel_size, SCALES, float(SCALES.max()))
    torch.testing.assert_close(full, torch.fft.fft(wrapped, dim=1), rtol=0, atol=1e-9)
    half = entry.basis(n, n // 2 + 1, kernel_size, SCALES, float(SCALES.max()))
    torch.testing.assert_close(half, full[:, : n // 2 + 1])


@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("spline", "dyadic", "hermite")])
def test_no_tap_lies_outside_a_finite_window_and_none_of_it_is_idle(name: str, kernel_size: int) -> None:
    entry = get(name)
    for scale in SCALES:
        first, last = entry.window(kernel_size, float(scale), 0.0, 2)
        taps = entry.taps(lattice(first - 50, last + 50), kernel_size, scale.view(1))[0]
        occupied = taps.abs().sum(1).nonzero().flatten() + first - 50
        assert first <= int(occupied.min())
        assert int(occupied.max()) <= last
        assert last - first + 1 <= int(occupied.max() - occupied.min()) + 3  # whole pixels around the support


@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_the_basis_has_one_dimension_per_column(name: str, kernel_size: int) -> None:
    """A coefficient, or a tap of the reference grid where the coefficients are turned into taps."""
    entry = get(name)
    basis = entry.basis(64, 64, kernel_size, torch.tensor([1.5], dtype=torch.float64), 1.5)
    dense = entry.coordinates((1, 1, kernel_size), (entry.grid(kernel_size),)) is not None
    columns = entry.grid(kernel_size) if dense else entry.width(kernel_size)
    assert int(torch.linalg.matrix_rank(basis[0])) == basis.shape[2] == columns


@pytest.mark.parametrize("kernel_size", KERNEL_SIZES)
@pytest.mark.parametrize("name", [name for name in NAMES if get(name).coordinates((1, 1, 1), (8,)) is None])
def test_the_gain_is_the_energy_of_random_coefficients(name: str, kernel_size: int) -> None:
    """E Σ w² = Σ A² for white coefficients of variance 1; nn.Conv2d's is their number."""
    entry = get(name)
    taps = entry.taps(lattice(-200, 200), kernel_size, SCALES)
    expected = (taps.square().sum((1, 2)) / taps.shape[2]).sqrt()
    torch.testing.assert_close(entry.gain(kernel_size, SCALES), expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("kernel_size", range(1, 12))
def test_real_dft_is_orthonormal_and_holds_the_spectrum(kernel_size: int) -> None:
    q = real_dft(kernel_size)
    torch.testing.assert_close(q @ q.T, torch.eye(kernel_size, dtype=torch.float64), rtol=0, atol=1e-13)
    taps = torch.randn(kernel_size, dtype=torch.float64)
    magnitude = torch.fft.rfft(taps).abs() / math.sqrt(kernel_size)
    coefficients = q @ taps
    for frequency, expected in enumerate(magnitude):
        single = frequency == 0 or 2 * frequency == kernel_size
        own = coefficients[2 * frequency - 1 : 2 * frequency + 1] / math.sqrt(2) if not single else None
        found = coefficients[max(2 * frequency - 1, 0)].abs() if own is None else own.norm()
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [(5,), (4, 3), (2, 3, 4)], ids=str)
def test_to_real_dft_transforms_every_axis(size: tuple[int, ...]) -> None:
    taps = torch.randn(3, 2, *size, dtype=torch.float64)
    expected: Tensor = taps
    for axis, k in enumerate(size, start=2):
        expected = torch.tensordot(expected, real_dft(k), ([2], [1]))  # the axis in front goes to the back
        assert expected.shape[-1] == size[axis - 2]
    torch.testing.assert_close(to_real_dft(taps), expected)
    torch.testing.assert_close(to_real_dft(taps).norm(), taps.norm())
