"""Circulant matrices: they are the layer, and the Fourier transform diagonalizes them and nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from fourierconv.parameterizations.base import origin
from fourierconv.study.theory.circulant import (
    correlation_matrix,
    fourier,
    frequencies,
    off_blocks,
    shift,
    shift_checks,
    to_frequency,
    wave_checks,
)

# (out, in, kernel sizes, n)
SHAPES = [(1, 1, (5,), 16), (1, 1, (4,), 9), (3, 2, (3,), 8), (1, 1, (3, 3), 6), (2, 3, (2, 3), 5)]


def kernels_of(out: int, inner: int, sizes: tuple[int, ...]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(out, inner, *sizes, dtype=torch.float64, generator=generator)


@settings(deadline=None, max_examples=20)
@given(n=st.integers(1, 12))
def test_shifting_around_the_circle_is_the_identity(n: int) -> None:
    assert torch.equal(torch.linalg.matrix_power(shift(n), n), torch.eye(n, dtype=torch.float64))


@pytest.mark.parametrize("shape", SHAPES)
def test_matrix_times_image_is_the_layer(shape: tuple[int, int, tuple[int, ...], int]) -> None:
    out, inner, sizes, n = shape
    dims, kernels = len(sizes), kernels_of(out, inner, sizes)
    image = torch.randn(1, inner, *[n] * dims, dtype=torch.float64)
    padding = [side for k in reversed(sizes) for side in (origin(k), k - 1 - origin(k))]
    convolve = F.conv1d if dims == 1 else F.conv2d
    expected = convolve(F.pad(image, padding, mode="circular"), kernels)
    got = correlation_matrix(kernels, n) @ image[0].movedim(0, -1).flatten()
    torch.testing.assert_close(got.view(*[n] * dims, out).movedim(-1, 0), expected[0])


@pytest.mark.parametrize("shape", SHAPES)
def test_frequencies_decouple(shape: tuple[int, int, tuple[int, ...], int]) -> None:
    out, inner, sizes, n = shape
    transformed = to_frequency(correlation_matrix(kernels_of(out, inner, sizes), n), n, len(sizes))
    assert off_blocks(transformed, n ** len(sizes)) < 1e-14


def test_eigenvalues_are_the_conjugate_spectrum() -> None:
    kernel = kernels_of(1, 1, (5,))
    wrapped = F.pad(kernel[0, 0], (0, 4)).roll(-2)
    diagonal = to_frequency(correlation_matrix(kernel, 9), 9, 1).diagonal()
    torch.testing.assert_close(diagonal, torch.fft.fftshift(torch.fft.fft(wrapped)).conj())


def test_blocks_are_the_conjugate_spectra_of_the_channels() -> None:
    kernels = kernels_of(3, 2, (3,))
    transformed = to_frequency(correlation_matrix(kernels, 8), 8, 1)
    spectra = torch.fft.fftshift(torch.fft.fft(F.pad(kernels, (0, 5)).roll(-1, -1)), -1)
    for block in range(8):
        own = transformed[3 * block : 3 * block + 3, 2 * block : 2 * block + 2]
        torch.testing.assert_close(own, spectra[..., block].conj().resolve_conj())


def test_a_matrix_that_treats_places_differently_is_not_diagonalized() -> None:
    matrix = torch.diag(torch.arange(8, dtype=torch.float64))
    assert off_blocks(to_frequency(matrix, 8, 1), 8) > 0.1


@pytest.mark.parametrize("n", [1, 6, 7])
def test_fourier_matrix_is_the_unitary_fft_with_dc_in_the_middle(n: int) -> None:
    signal = torch.randn(n, dtype=torch.float64)
    expected = torch.fft.fftshift(torch.fft.fft(signal, norm="ortho"))
    torch.testing.assert_close(fourier(n) @ signal.to(torch.complex128), expected)
    assert frequencies(n)[n // 2] == 0


@settings(deadline=None, max_examples=20)
@given(n=st.integers(4, 12), k=st.integers(2, 4))
def test_matrices_commute_with_the_shift_where_they_are_sums_of_shifts(n: int, k: int) -> None:
    rows = shift_checks(kernels_of(1, 1, (k,))[0, 0], n, seed=1)
    errors = [[value for value in row.values() if isinstance(value, float)] for row in rows]
    assert [[error < 1e-14 for error in row] for row in errors] == [[True] * 2, [False] * 2, [False] * 2, [True] * 2]


def test_waves_are_an_orthonormal_basis_of_eigenvectors() -> None:
    for row in wave_checks([1, 2, 7, 64]):
        assert row["largest |S v − λ v|"] < 1e-14
        assert row["largest |F F* − I|"] < 1e-14
